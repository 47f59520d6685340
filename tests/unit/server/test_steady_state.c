/* SPDX-License-Identifier: MIT
 *
 * A kept-alive GET needs no malloc: a server runs in this process with malloc counted, a child
 * process makes requests on one connection. The handler resets the count after a warm-up and reads
 * it at the last request, so everything in between is counted: reading, parsing, the exchange, the
 * response, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/weir.h>

#include "base/pool.h"
#include "support/failmalloc.h"

enum { WARM_UP = 50, COUNTED = 500 };

struct state {
    weir_server *server;
    const char *remote_addr; /* as the proxy says; NULL: nobody says */
    int requests;
    unsigned long allocations;
};

static void handler(weir_exchange *x, void *arg)
{
    struct state *s = arg;

    s->requests++;
    if (s->requests == WARM_UP)
        failmalloc_reset();
    if (s->requests == WARM_UP + COUNTED) {
        s->allocations = failmalloc_count();
        weir_server_stop(s->server);
    }
    if (s->remote_addr)
        assert_string_equal(weir_param(x, "REMOTE_ADDR"), s->remote_addr);
    else
        assert_null(weir_param(x, "REMOTE_ADDR"));
    assert_non_null(weir_header(x, "user-agent"));
    weir_respond(x, 200, "text/plain", "Hello, world\n");
}

/* ---- The child: a client with one connection ------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(2);
    return fd;
}

/* Sends request and reads until the end of the answer, count times. */
static void converse(int fd, const void *request, size_t len, const char *end, size_t end_len,
                     int count)
{
    char answer[4096];

    for (int i = 0; i < count; i++) {
        size_t got = 0;
        if (write(fd, request, len) != (ssize_t)len)
            _exit(3);
        do {
            ssize_t n = read(fd, answer + got, sizeof answer - got);
            if (n <= 0)
                _exit(4);
            got += (size_t)n;
        } while (got < end_len || memcmp(answer + got - end_len, end, end_len) != 0);
    }
    _exit(0);
}

static void http_client(int fd)
{
    static const char request[] = "GET /some/path?with=query HTTP/1.1\r\nHost: example.com\r\n"
                                  "User-Agent: test\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n";

    converse(fd, request, sizeof request - 1, "Hello, world\n", 13, WARM_UP + COUNTED);
}

static size_t add_record(uint8_t *out, unsigned type, const void *content, size_t len)
{
    weir_record_encode(
        &(weir_record){.type = (uint8_t)type, .id = 1, .content_length = (uint16_t)len}, out);
    if (len)
        memcpy(out + 8, content, len);
    return 8 + len;
}

/* What nginx sends with its fastcgi_params. */
static size_t nginx_params(uint8_t *out, size_t room)
{
    static const char *const pairs[][2] = {
        {"QUERY_STRING", "with=query"},
        {"REQUEST_METHOD", "GET"},
        {"CONTENT_TYPE", ""},
        {"CONTENT_LENGTH", ""},
        {"SCRIPT_NAME", "/some/path"},
        {"REQUEST_URI", "/some/path?with=query"},
        {"DOCUMENT_URI", "/some/path"},
        {"DOCUMENT_ROOT", "/srv/www"},
        {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"REQUEST_SCHEME", "http"},
        {"GATEWAY_INTERFACE", "CGI/1.1"},
        {"SERVER_SOFTWARE", "nginx/1.22.1"},
        {"REMOTE_ADDR", "192.0.2.1"},
        {"REMOTE_PORT", "49152"},
        {"REMOTE_USER", ""},
        {"SERVER_ADDR", "192.0.2.2"},
        {"SERVER_PORT", "80"},
        {"SERVER_NAME", "example.com"},
        {"HTTP_HOST", "example.com"},
        {"HTTP_USER_AGENT", "test"},
        {"HTTP_ACCEPT", "*/*"},
        {"HTTP_COOKIE", "a=b; c=d"},
    };
    size_t len = 0;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        len += weir_pair_encode(out + len, room - len, (weir_str){pairs[i][0], strlen(pairs[i][0])},
                                (weir_str){pairs[i][1], strlen(pairs[i][1])});
    return len;
}

static void fcgi_client(int fd)
{
    static const uint8_t begin[8] = {0, 1, 1}; /* responder, keep the connection */
    static const char end[16] = "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0";
    uint8_t params[2048], request[4096];
    size_t len = add_record(request, WEIR_BEGIN_REQUEST, begin, 8);

    len += add_record(request + len, WEIR_PARAMS, params, nginx_params(params, sizeof params));
    len += add_record(request + len, WEIR_PARAMS, NULL, 0);
    len += add_record(request + len, WEIR_STDIN, NULL, 0);
    converse(fd, request, len, end, 16, WARM_UP + COUNTED);
}

/* ---- The server ------------------------------------------------------------------------------ */

static void serve(const char *scheme, const char *remote_addr, void (*client)(int fd))
{
    char folder[] = "/tmp/weir-test-XXXXXX", path[64], url[128];
    struct state s = {.remote_addr = remote_addr};
    int status = -1;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(url, sizeof url, "%s+unix:%s", scheme, path);
    s.server = weir_server_new(NULL);
    assert_non_null(s.server);
    assert_int_equal(weir_server_listen(s.server, url, handler, &s), 0);

    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        client(connect_to(path));
    }
    alarm(30); /* a hang is a failure */
    assert_int_equal(weir_server_run(s.server), 0);
    alarm(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_null(weir_server_free(s.server));
    assert_int_equal(rmdir(folder), 0); /* the socket was removed */
    assert_int_equal(s.requests, WARM_UP + COUNTED);
    if (POOL_KEEPS)
        assert_int_equal(s.allocations, 0);
}

static void http_needs_no_malloc(void **state)
{
    (void)state;
    serve("http", NULL, http_client);
}

static void fcgi_needs_no_malloc(void **state)
{
    (void)state;
    serve("fcgi", "192.0.2.1", fcgi_client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_needs_no_malloc),
        cmocka_unit_test(fcgi_needs_no_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
