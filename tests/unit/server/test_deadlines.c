/* SPDX-License-Identifier: MIT
 *
 * What deadlines may not do: cut off an answer that the client is still reading when the time to
 * keep the connection is over, or give a handler more of a body that was declared broken off. A
 * server with short deadlines runs in this process, a child process is its client. */
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

enum { LARGE = 4 << 20, DEADLINE_MS = 100, LATER_MS = 300 };

struct state {
    weir_server *server;
    int failures, calls_after;
};

/* ---- The child ------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(2);
    return fd;
}

static void send_text(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(3);
}

/* Reads to the end of the connection, the beginning at leisure; how many bytes there were. */
static size_t read_all(int fd, bool slowly)
{
    static char piece[65536];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0) {
        total += (size_t)n;
        if (slowly && total < 8 * sizeof piece)
            usleep(DEADLINE_MS * 1000 / 2);
    }
    return total;
}

static void slow_reader(const char *path)
{
    int fd = connect_to(path);

    send_text(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    size_t got = read_all(fd, true);
    send_text(connect_to(path), "GET /stop HTTP/1.1\r\nHost: a\r\n\r\n");
    _exit(got > LARGE ? 0 : 4);
}

static void slow_sender(const char *path)
{
    int fd = connect_to(path);

    send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    usleep(2 * DEADLINE_MS * 1000);
    send_text(fd, "def");
    _exit(read_all(fd, false) > 0 ? 0 : 4);
}

/* ---- The server ------------------------------------------------------------------------------ */

static void respond_large(weir_exchange *x, void *arg)
{
    static char large[LARGE];
    struct state *s = arg;

    if (strcmp(weir_path(x), "/stop") == 0) {
        weir_server_stop(s->server);
        weir_respond(x, 200, NULL, "");
        return;
    }
    memset(large, 'x', sizeof large);
    assert_int_equal(weir_respond_bytes(x, 200, "text/plain", (weir_str){large, LARGE}), 0);
}

static void answer_late(weir_exchange *x, void *arg)
{
    struct state *s = arg;

    weir_respond(x, 200, "text/plain", "late\n");
    weir_server_stop(s->server);
}

static void on_body(weir_exchange *x, weir_str data, int body_state, void *arg)
{
    struct state *s = arg;

    (void)data;
    if (s->failures > 0)
        s->calls_after++;
    if (body_state < 0) {
        assert_int_equal(body_state, WEIR_ERROR_TIMEOUT);
        s->failures++;
        assert_int_equal(weir_after(x, LATER_MS, answer_late, s), 0);
    }
}

static void read_body(weir_exchange *x, void *arg)
{
    weir_on_body(x, on_body, arg);
}

static void serve(weir_handler *handler, struct state *s, void (*client)(const char *path))
{
    char folder[] = "/tmp/weir-test-XXXXXX", path[64], url[128];
    weir_server_options options = {
        .size = sizeof options, .keepalive_timeout = DEADLINE_MS, .body_timeout = DEADLINE_MS};
    int status = -1;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(url, sizeof url, "http+unix:%s", path);
    s->server = weir_server_new(&options);
    assert_non_null(s->server);
    assert_int_equal(weir_server_listen(s->server, url, handler, s), 0);

    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        client(path);
    }
    alarm(30); /* a hang is a failure */
    assert_int_equal(weir_server_run(s->server), 0);
    alarm(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_null(weir_server_free(s->server));
    assert_int_equal(rmdir(folder), 0);
}

static void the_answer_is_sent_to_its_end(void **state)
{
    struct state s = {.failures = 0};

    (void)state;
    serve(respond_large, &s, slow_reader);
}

static void a_broken_body_stays_broken(void **state)
{
    struct state s = {.failures = 0};

    (void)state;
    serve(read_body, &s, slow_sender);
    assert_int_equal(s.failures, 1);
    assert_int_equal(s.calls_after, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_sent_to_its_end),
        cmocka_unit_test(a_broken_body_stays_broken),
    };
    return cmocka_run_group_tests_name("server/deadlines", tests, NULL, NULL);
}
