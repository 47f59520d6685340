/* SPDX-License-Identifier: MIT
 *
 * A client without memory: every allocation of a request fails once, alone and with all that
 * follow. The result is an error, nothing leaks (AddressSanitizer), and nothing hangs. The
 * application runs in a child process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/weir.h>

#include "support/failmalloc.h"

enum { BIG = 300000 };

static char folder[] = "/tmp/weir-test-XXXXXX", url[128];
static char body[BIG];
static weir_server *server;

static void answer(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_add_header(x, "X-Own", "value");
    weir_respond_bytes(x, 200, "text/plain", (weir_str){body, sizeof body});
}

static void stop(int number)
{
    (void)number;
    weir_server_stop(server);
}

static void on_done(weir_client_request *r, int error, void *arg)
{
    (void)r;
    *(int *)arg = error;
}

/* A request by callbacks, one that blocks, and a question. */
static int attempt(void *arg)
{
    static const weir_client_callbacks callbacks = {.size = sizeof callbacks, .done = on_done};
    const weir_client_options *options = arg;
    weir_client *client = weir_client_new(url, options);
    weir_client_request *r = NULL, *second = NULL;
    char piece[1000];
    int rc = WEIR_ERROR_NOMEM, result = WEIR_ERROR_NOMEM;

    if (!client)
        return rc;
    r = weir_client_request_new(client, WEIR_RESPONDER);
    second = weir_client_request_new(client, WEIR_RESPONDER);
    if (!r || !second)
        goto out;
    rc = weir_client_request_http(r, "POST", "http://localhost/path?query", NULL);
    if (rc == 0)
        rc = weir_client_header(r, WEIR_STR("X-Own"), WEIR_STR("value"));
    if (rc == 0)
        rc = weir_client_header(r, WEIR_STR("X-Own"), WEIR_STR("another"));
    if (rc == 0)
        rc = weir_client_body(r, (weir_str){body, sizeof body});
    if (rc == 0)
        rc = weir_client_start(r, NULL, NULL);
    while (rc == 0 && (rc = weir_client_read(r, piece, sizeof piece)) > 0)
        rc = 0;
    if (rc == 0)
        rc = weir_client_request_http(second, "GET", "/", NULL);
    if (rc == 0)
        rc = weir_client_start(second, &callbacks, &result);
    if (rc == 0)
        rc = weir_client_run(client, 5000);
    if (rc == 0)
        rc = result;
    if (rc == 0)
        rc = weir_client_get_values(client, NULL, 0, 5000, NULL, NULL);
out:
    weir_client_request_free(r);
    weir_client_free(client);
    return rc;
}

/* Whatever fails, and whatever is made of it: a failed connection is one way to tell of it. */
static void every_failure_is_survived(void **state)
{
    weir_client_options *options = *state;
    unsigned long n = 0, failures = 0;
    bool any = true;

    while (any) {
        any = false;
        n++;
        for (int forever = 0; forever <= 1; forever++) {
            failmalloc_fail(n, forever);
            int rc = attempt(options);
            any |= failmalloc_failed();
            failures += rc != 0;
            failmalloc_reset();
            if (rc == 0 || rc == WEIR_ERROR_NOMEM || rc == WEIR_ERROR_CONNECT)
                continue;
            fail_msg("allocation %lu: %s", n, weir_error_name(rc));
        }
    }
    assert_int_equal(attempt(options), 0);
    assert_true(n > 10 && failures > 10);
}

int main(void)
{
    weir_client_options plain = {.size = sizeof plain, .keepalive = 1};
    weir_client_options tapped = {
        .size = sizeof tapped, .count_records = true, .record_max = 10000};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_failure_is_survived, &plain),
        cmocka_unit_test_prestate(every_failure_is_survived, &tapped),
    };

    if (!mkdtemp(folder))
        return 1;
    snprintf(url, sizeof url, "fcgi+unix:%s/socket", folder);
    server = weir_server_new(NULL);
    if (!server || weir_server_listen(server, url, answer, NULL) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, stop);
        alarm(60);
        exit(weir_server_run(server) != 0);
    }
    alarm(25); /* a hang is a failure */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    int status = -1;
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    weir_server_free(server);
    rmdir(folder);
    return failed || status != 0;
}
