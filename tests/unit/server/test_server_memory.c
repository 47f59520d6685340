/* SPDX-License-Identifier: MIT
 *
 * A server is made, listens, serves and ends with every allocation failing once: it says NOMEM, and
 * nothing is left behind, on an application's loop neither; and so with requests that make use of
 * all that allocates. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
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

/* ---- Requests -------------------------------------------------------------------------------- */

static char well[] = "well";

static void answer(weir_exchange *x, void *arg)
{
    if (weir_add_header(x, "Content-Type", "text/plain") != 0 ||
        weir_printf(x, "all is %s\n", (const char *)arg) != 0)
        weir_fail(x);
    else
        (void)weir_finish(x);
}

static void on_form(weir_exchange *x, weir_form *form, int state, void *arg)
{
    (void)arg;
    if (state < 0 || !weir_form_get(form, "a"))
        weir_form_refuse(x, state);
    else if (weir_after(x, 1, answer, well) != 0)
        weir_fail(x);
}

static void give_up(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_fail(x);
}

/* Makes use of what a request has. */
static void handle(weir_exchange *x, void *arg)
{
    int rc = weir_after(x, 60000, give_up, NULL);

    (void)arg;
    if (rc == 0)
        rc = weir_set_cookie(x, "seen", "1", NULL);
    if (rc == 0 && (!weir_query_get(x, "q") || !weir_cookie(x, "c") || !weir_alloc(x, 20000)))
        rc = WEIR_ERROR_NOMEM;
    (void)weir_param(x, "REMOTE_ADDR");
    weir_on_cancel(x, give_up, NULL);
    if (rc == 0)
        rc = weir_gather_form(x, NULL, on_form, NULL);
    if (rc != 0)
        weir_form_refuse(x, rc);
}

#define FORM_TYPE     "multipart/form-data;boundary=b"
#define FORM          "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n12345678\r\n--b--\r\n"
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* FORM is 64 bytes. */
_Static_assert(sizeof FORM - 1 == 64, "lengths below");

#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const weir_str requests[] = {
    BYTES("POST /?q=1 HTTP/1.1\r\nHost: a\r\nCookie: c=2\r\nConnection: close\r\n"
          "Content-Type: " FORM_TYPE "\r\nContent-Length: 64\r\n\r\n" FORM),
    /* SETTINGS; HEADERS: POST, http, /?q=1, a, content-type, cookie; DATA with END_STREAM */
    BYTES(HTTP2_PREFACE "\0\0\0\4\0\0\0\0\0"
                        "\0\0\63\1\4\0\0\0\1"
                        "\x83\x86\4\5/?q=1\1\1a\17\20\36" FORM_TYPE "\17\21\3c=2"
                        "\0\0\100\0\1\0\0\0\1" FORM),
    /* BEGIN_REQUEST; PARAMS: 115 bytes and 5 of padding; STDIN */
    BYTES("\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\163\5\0"
          "\16\4REQUEST_METHODPOST\14\3QUERY_STRINGq=1\13\3HTTP_COOKIEc=2"
          "\14\36CONTENT_TYPE" FORM_TYPE "\16\2CONTENT_LENGTH64.....\1\4\0\1\0\0\0\0"
          "\1\5\0\1\0\100\0\0" FORM "\1\5\0\1\0\0\0\0"),
};

static int connect_to(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    memcpy(un.sun_path + 1, name, len);
    assert_int_equal(connect(fd, (struct sockaddr *)&un,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
                     0);
    return fd;
}

/* HTTP/2: stream 1 has ended, by DATA or HEADERS with END_STREAM, or RST_STREAM. */
static bool has_ended(const char *text, size_t len)
{
    return memmem(text, len, "\0\1\0\0\0\1", 6) || memmem(text, len, "\1\5\0\0\0\1", 6) ||
           memmem(text, len, "\3\0\0\0\0\1", 6);
}

/* Sends the request, and reads until the end of the answer or of the connection. Whether the answer
 * is the handler's. */
static bool ask(uv_loop_t *loop, weir_str request, bool is_http2)
{
    char text[8192];
    size_t have = 0;
    int fd = connect_to(request.ptr[0] == 1 ? "weir-test-b" : "weir-test-a");

    assert_int_equal(send(fd, request.ptr, request.len, MSG_NOSIGNAL), request.len);
    for (int i = 0; !is_http2 || !has_ended(text, have); i++) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        assert_true(i < 5000);
        (void)uv_run(loop, UV_RUN_NOWAIT);
        if (poll(&readable, 1, 1) == 0)
            continue;
        ssize_t n = read(fd, text + have, sizeof text - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    return memmem(text, have, "all is well\n", 12) != NULL;
}

/* 0 and *ret_well, or the error of starting the server. */
static int serve_one(size_t which, bool *ret_well)
{
    weir_server_options options = {sizeof options, .head_timeout = 1000, .body_timeout = 1000};
    weir_server *server;
    uv_loop_t loop;
    int rc = WEIR_ERROR_NOMEM;

    *ret_well = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    server = weir_server_new(&options);
    if (server)
        rc = weir_server_listen(server, "http+unix:@weir-test-a", handle, NULL);
    if (rc == 0)
        rc = weir_server_listen(server, "fcgi+unix:@weir-test-b", handle, NULL);
    if (rc == 0)
        rc = weir_server_attach(server, &loop, on_stopped, &server);
    if (rc == 0) {
        *ret_well = ask(&loop, requests[which], which == 1);
        weir_server_stop(server);
    } else {
        server = weir_server_free(server);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    return rc;
}

/* Whichever allocation fails: the request is answered, or seen to fail, and everything ends. */
static void requests_without_memory(void **state)
{
    (void)state;
    for (size_t which = 0; which < sizeof requests / sizeof *requests; which++)
        for (int forever = 0; forever < 2; forever++) {
            unsigned not_well = 0;
            for (unsigned long n = 1;; n++) {
                bool is_well;
                failmalloc_reset();
                failmalloc_fail(n, forever);
                int rc = serve_one(which, &is_well);
                if (!failmalloc_failed()) {
                    assert_int_equal(rc, 0);
                    assert_true(is_well);
                    break;
                }
                not_well += rc == 0 && !is_well;
            }
            assert_true(not_well >= 3);
        }
    failmalloc_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attached_without_memory),
        cmocka_unit_test(run_without_memory),
        cmocka_unit_test(requests_without_memory),
    };
    return cmocka_run_group_tests_name("server/memory", tests, NULL, NULL);
}
