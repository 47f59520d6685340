/* SPDX-License-Identifier: MIT
 *
 * max_connections, over four loops and both carriers: never exceeded, nobody is turned away, and
 * idle clients keep nobody out. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>
#include <weir/weir.h>

enum { LIMIT = 8, CLIENTS = 64, WAIT_MS = 20000, QUIET_MS = 300 };

static const char http_request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char fcgi_request[] = "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
                                   "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";

static atomic_int warnings;

static void count_warnings(weir_log_level level, const char *line, void *arg)
{
    (void)arg;
    if (level == WEIR_LOG_WARNING && strstr(line, "reason=max-connections"))
        atomic_fetch_add(&warnings, 1);
}

static void hello(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, "text/plain", "hello");
}

static void run_server(void *arg)
{
    assert_int_equal(weir_server_run(arg), 0);
}

static weir_server *start(uv_thread_t *thread, const char *url)
{
    weir_server_options options = {
        .size = sizeof options,
        .threads = 4,
        .max_connections = LIMIT,
        .log = count_warnings,
    };
    weir_server *server = weir_server_new(&options);

    atomic_store(&warnings, 0);
    assert_int_equal(weir_server_listen(server, url, hello, NULL), 0);
    assert_int_equal(uv_thread_create(thread, run_server, server), 0);
    return server;
}

static void end(weir_server *server, uv_thread_t *thread)
{
    weir_server_stop(server);
    assert_int_equal(uv_thread_join(thread), 0);
    weir_server_free(server);
}

/* Clients that have sent a request each. */
static void connect_some(struct pollfd *clients, int count, const char *request, size_t len)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0weir-test-l"};

    for (int i = 0; i < count; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(
            connect(fd, (struct sockaddr *)&un, offsetof(struct sockaddr_un, sun_path) + 1 + 11),
            0);
        assert_int_equal(write(fd, request, len), len);
        clients[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

static void leave(struct pollfd *client)
{
    close(client->fd);
    client->fd = -1;
}

/* Reads one answer of whoever has one: 1; or 0 when nobody gets one for wait milliseconds. What
 * was answered is not polled any more; fds of the others stay. */
static int next_answer(struct pollfd *clients, int wait, struct pollfd **ret_client, char *got,
                       size_t room)
{
    if (poll(clients, CLIENTS, wait) == 0)
        return 0;
    for (int i = 0; i < CLIENTS; i++) {
        if (!clients[i].revents)
            continue;
        ssize_t n = read(clients[i].fd, got, room - 1);
        assert_true(n > 0); /* nobody is turned away */
        got[n] = '\0';
        clients[i].events = 0;
        *ret_client = &clients[i];
        return 1;
    }
    return 0;
}

static void close_all(struct pollfd *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].fd >= 0)
            close(clients[i].fd);
}

/* Kept FastCGI connections stay, so exactly LIMIT clients are answered; each that goes lets one
 * more in. */
static void fastcgi_waits(void **state)
{
    struct pollfd clients[CLIENTS], *one, *answered[CLIENTS];
    uv_thread_t thread;
    weir_server *server = start(&thread, "fcgi+unix:@weir-test-l");
    char got[500];
    int count = 0;

    (void)state;
    connect_some(clients, CLIENTS, fcgi_request, sizeof fcgi_request - 1);
    while (count < LIMIT) {
        assert_int_equal(next_answer(clients, WAIT_MS, &one, got, sizeof got), 1);
        answered[count++] = one;
    }
    assert_int_equal(next_answer(clients, QUIET_MS, &one, got, sizeof got), 0);
    for (int gone = 0; count < CLIENTS; gone++) {
        leave(answered[gone]);
        assert_int_equal(next_answer(clients, WAIT_MS, &one, got, sizeof got), 1);
        answered[count++] = one;
    }
    assert_true(atomic_load(&warnings) >= 1);
    assert_true(atomic_load(&warnings) <= 4 * 3); /* a second and loop, and it takes no two */
    close_all(clients);
    end(server, &thread);
}

/* Idle HTTP connections are closed to make room: all clients get their answer, though none leaves.
 */
static void idle_http_makes_room(void **state)
{
    struct pollfd clients[CLIENTS], *one;
    uv_thread_t thread;
    weir_server *server = start(&thread, "http+unix:@weir-test-l");
    char got[500];

    (void)state;
    connect_some(clients, CLIENTS, http_request, sizeof http_request - 1);
    for (int count = 0; count < CLIENTS; count++) {
        /* a hang-up of those that were answered is polled too */
        do {
            int rc = poll(clients, CLIENTS, WAIT_MS);
            assert_true(rc > 0);
            one = NULL;
            for (int i = 0; i < CLIENTS; i++)
                if (clients[i].fd >= 0 && clients[i].revents & POLLIN && clients[i].events)
                    one = &clients[i];
                else if (clients[i].fd >= 0 && clients[i].revents && !clients[i].events)
                    leave(&clients[i]);
        } while (!one);
        ssize_t n = read(one->fd, got, sizeof got - 1);
        assert_true(n > 0);
        got[n] = '\0';
        assert_non_null(strstr(got, "200 OK"));
        one->events = 0;
    }
    int kept = 0;
    for (int i = 0; i < CLIENTS; i++)
        kept += clients[i].fd >= 0 && recv(clients[i].fd, got, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
    assert_true(kept <= LIMIT);
    close_all(clients);
    end(server, &thread);
}

/* As long as nobody waits, kept connections are kept, also when there is no place left. */
static void nobody_is_closed_without_need(void **state)
{
    struct pollfd clients[CLIENTS];
    uv_thread_t thread;
    weir_server *server = start(&thread, "http+unix:@weir-test-l");
    char got[500];

    (void)state;
    connect_some(clients, LIMIT, http_request, sizeof http_request - 1);
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < LIMIT; i++) {
            assert_true(read(clients[i].fd, got, sizeof got) > 0);
            assert_int_equal(write(clients[i].fd, http_request, sizeof http_request - 1),
                             sizeof http_request - 1);
        }
    for (int i = 0; i < LIMIT; i++) {
        assert_true(read(clients[i].fd, got, sizeof got) > 0);
        close(clients[i].fd);
    }
    assert_int_equal(atomic_load(&warnings), 0);
    end(server, &thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fastcgi_waits),
        cmocka_unit_test(idle_http_makes_room),
        cmocka_unit_test(nobody_is_closed_without_need),
    };
    alarm(60); /* a hang is a failure */
    return cmocka_run_group_tests_name("server/limits", tests, NULL, NULL);
}
