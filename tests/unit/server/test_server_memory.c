/* SPDX-License-Identifier: MIT
 *
 * A server is made, listens, serves and ends with every allocation failing once: it says NOMEM, and
 * nothing is left behind, on an application's loop neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>
#include <weir/weir.h>

#include "support/failmalloc.h"

static void unused(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_fail(x);
}

static void on_stopped(weir_server *server, void *arg)
{
    *(weir_server **)arg = weir_server_free(server);
}

static int attach_and_stop(void *arg)
{
    weir_server *server;
    uv_loop_t loop;
    int rc = WEIR_ERROR_NOMEM;

    (void)arg;
    if (uv_loop_init(&loop) != 0)
        return WEIR_ERROR_SYSTEM;
    server = weir_server_new(NULL);
    if (server)
        rc = weir_server_listen(server, "http+unix:@weir-test-a", unused, NULL);
    if (rc == 0)
        rc = weir_server_listen(server, "fcgi+unix:@weir-test-b", unused, NULL);
    if (rc == 0)
        rc = weir_server_attach(server, &loop, on_stopped, &server);
    if (rc == 0)
        weir_server_stop(server);
    else
        server = weir_server_free(server); /* at once, before the loop runs again */
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    return rc;
}

static void attached_without_memory(void **state)
{
    (void)state;
    assert_true(failmalloc_each(attach_and_stop, NULL, WEIR_ERROR_NOMEM) >= 6);
}

static int run_stopped(void *arg)
{
    weir_server_options options = {sizeof options, .threads = 3};
    weir_server *server = weir_server_new(&options);
    int rc = WEIR_ERROR_NOMEM;

    (void)arg;
    if (server)
        rc = weir_server_listen(server, "http+unix:@weir-test-a", unused, NULL);
    if (rc == 0)
        weir_server_stop(server);
    if (rc == 0)
        rc = weir_server_run(server);
    weir_server_free(server);
    return rc;
}

static void run_without_memory(void **state)
{
    (void)state;
    assert_true(failmalloc_each(run_stopped, NULL, WEIR_ERROR_NOMEM) >= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attached_without_memory),
        cmocka_unit_test(run_without_memory),
    };
    return cmocka_run_group_tests_name("server/memory", tests, NULL, NULL);
}
