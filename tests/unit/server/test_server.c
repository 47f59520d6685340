/* SPDX-License-Identifier: MIT
 *
 * The life of a server: options that cannot be, calls in the wrong order, several servers on a loop
 * that the application runs and goes on running, out of memory at every point, signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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

#include "support/failmalloc.h"

static void hello(weir_exchange *x, void *arg)
{
    int *calls = arg;

    (*calls)++;
    weir_respond(x, 200, "text/plain", "hello");
}

static int calls;

/* ---- Options and order ----------------------------------------------------------------------- */

static void assert_refused(weir_server_options options, const char *name, const char *most)
{
    char text[200];

    options.size = sizeof options;
    weir_server *server = weir_server_new(&options);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls),
                     WEIR_ERROR_INVALID);
    snprintf(text, sizeof text, "weir_server_options.%s is", name);
    assert_non_null(strstr(weir_server_error(server), text));
    assert_non_null(strstr(weir_server_error(server), most));
    assert_int_equal(weir_server_run(server), WEIR_ERROR_INVALID);
    assert_null(weir_server_free(server));
}

static void options_over_their_maximum(void **state)
{
    weir_server_options no_size = {.threads = 1};

    (void)state;
    assert_refused((weir_server_options){.threads = 257}, "threads", "at most 256");
    assert_refused((weir_server_options){.workers = 4097}, "workers", "at most 4096");
    assert_refused((weir_server_options){.fields_max = 1001}, "fields_max", "at most 1000");
    assert_refused((weir_server_options){.max_requests = 65536}, "max_requests", "at most 65535");
    assert_refused((weir_server_options){.head_max = UINT32_MAX}, "head_max", "at most 16777216");
    assert_refused((weir_server_options){.target_max = UINT32_MAX}, "target_max", "16777216");
    assert_refused((weir_server_options){.params_max = UINT32_MAX}, "params_max", "67108864");

    weir_server *server = weir_server_new(&no_size);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls),
                     WEIR_ERROR_INVALID);
    assert_non_null(strstr(weir_server_error(server), "size must be sizeof"));
    weir_server_free(server);

    weir_server_options most = {sizeof most, .threads = 256, .workers = 0, .fields_max = 1000};
    server = weir_server_new(&most);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls), 0);
    weir_server_free(server);
}

/* A program built when the struct was shorter. */
static void options_of_an_older_version(void **state)
{
    weir_server_options old = {.threads = 2, .web_server_addrs = "nonsense"};
    weir_server *server;

    (void)state;
    old.size = offsetof(weir_server_options, web_server_addrs);
    server = weir_server_new(&old);
    assert_int_equal(weir_server_listen(server, "fcgi+unix:@weir-test", hello, &calls), 0);
    weir_server_free(server);
    old.size = sizeof old;
    server = weir_server_new(&old);
    assert_int_equal(weir_server_listen(server, "fcgi+unix:@weir-test", hello, &calls),
                     WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(weir_server_error(server), "web_server_addrs is \"nonsense\""));
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls), 0);
    weir_server_free(server);
}

static void wrong_order(void **state)
{
    weir_server_options two = {sizeof two, .threads = 2};
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    weir_server *server = weir_server_new(NULL);
    assert_int_equal(weir_server_run(server), WEIR_ERROR_STATE);
    assert_string_equal(weir_server_error(server), "the server has no listener");
    assert_int_equal(weir_server_attach(server, &loop, NULL, NULL), WEIR_ERROR_STATE);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", NULL, NULL),
                     WEIR_ERROR_INVALID);
    assert_null(weir_server_url(server, 0));
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls), 0);
    assert_string_equal(weir_server_url(server, 0), "http+unix:@weir-test");
    assert_null(weir_server_url(server, 1));
    weir_server_stop(server);
    assert_int_equal(weir_server_run(server), 0); /* stopped before it began */
    assert_int_equal(weir_server_run(server), WEIR_ERROR_STATE);
    assert_string_equal(weir_server_error(server), "the server runs already, or has run");
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls),
                     WEIR_ERROR_STATE);
    weir_server_free(server);

    server = weir_server_new(&two);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test", hello, &calls), 0);
    assert_int_equal(weir_server_attach(server, &loop, NULL, NULL), WEIR_ERROR_INVALID);
    assert_non_null(strstr(weir_server_error(server), "threads must be 1"));
    weir_server_free(server);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- On the application's loop --------------------------------------------------------------- */

static int connect_abstract(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    memcpy(un.sun_path + 1, name, len);
    if (connect(fd, (struct sockaddr *)&un,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void ask(uv_loop_t *loop, int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    char answer[1000];
    ssize_t n = -1;

    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    for (int i = 0; i < 1000 && n <= 0; i++) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        n = read(fd, answer, sizeof answer - 1);
    }
    assert_true(n > 0);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "200 OK"));
    assert_non_null(strstr(answer, "hello"));
}

static void on_stopped(weir_server *server, void *arg)
{
    weir_server **own = arg;

    assert_ptr_equal(*own, server);
    *own = weir_server_free(server);
}

static void count_tick(uv_timer_t *timer)
{
    (*(int *)timer->data)++;
}

static void several_servers_on_one_loop(void **state)
{
    weir_server *a = weir_server_new(NULL), *b = weir_server_new(NULL);
    struct sigaction before[65] = {{.sa_flags = 0}}, after;
    uv_timer_t timer;
    uv_loop_t loop;
    int a_calls = 0, b_calls = 0, ticks = 0;

    (void)state;
    for (int i = 1; i < 65; i++)
        (void)sigaction(i, NULL, &before[i]);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &timer), 0);
    timer.data = &ticks;
    assert_int_equal(uv_timer_start(&timer, count_tick, 1, 1), 0);
    assert_int_equal(weir_server_listen(a, "http+unix:@weir-test-a", hello, &a_calls), 0);
    assert_int_equal(weir_server_listen(b, "http+unix:@weir-test-b", hello, &b_calls), 0);
    assert_int_equal(weir_server_attach(a, &loop, on_stopped, &a), 0);
    assert_int_equal(weir_server_attach(b, &loop, on_stopped, &b), 0);
    assert_int_equal(weir_server_attach(b, &loop, on_stopped, &b), WEIR_ERROR_STATE);

    int to_a = connect_abstract("weir-test-a"), to_b = connect_abstract("weir-test-b");
    ask(&loop, to_a);
    ask(&loop, to_b);
    ask(&loop, to_a);
    assert_int_equal(a_calls, 2);
    assert_int_equal(b_calls, 1);

    weir_server_stop(a);
    for (int i = 0; i < 1000 && a; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_null(a);
    assert_int_equal(connect_abstract("weir-test-a"), -1);
    ask(&loop, to_b); /* the other one is still there */

    /* Its name may be used again, and what was attached comes and goes as often as one likes. */
    a = weir_server_new(NULL);
    assert_int_equal(weir_server_listen(a, "http+unix:@weir-test-a", hello, &a_calls), 0);
    assert_int_equal(weir_server_attach(a, &loop, on_stopped, &a), 0);
    int again = connect_abstract("weir-test-a");
    ask(&loop, again);
    weir_server_stop(a);
    weir_server_stop(b);
    for (int i = 0; i < 1000 && (a || b); i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_null(a);
    assert_null(b);

    int seen = ticks;
    for (int i = 0; i < 1000000 && ticks == seen; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(ticks > seen);
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing was left on it */
    close(to_a);
    close(to_b);
    close(again);
    for (int i = 1; i < 65; i++) {
        if (sigaction(i, NULL, &after) == 0) /* some numbers belong to the C library */
            assert_ptr_equal(after.sa_handler, before[i].sa_handler);
    }
}

/* A stop that comes before the loop runs, and while a client waits for nothing. */
static void stopped_at_once(void **state)
{
    weir_server *server = weir_server_new(NULL);
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test-a", hello, &calls), 0);
    int client = connect_abstract("weir-test-a");
    weir_server_stop(server);
    assert_int_equal(weir_server_attach(server, &loop, on_stopped, &server), 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* returns by itself */
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(client);
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
        rc = weir_server_listen(server, "http+unix:@weir-test-a", hello, &calls);
    if (rc == 0)
        rc = weir_server_listen(server, "fcgi+unix:@weir-test-b", hello, &calls);
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
        rc = weir_server_listen(server, "http+unix:@weir-test-a", hello, &calls);
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

/* ---- Signals --------------------------------------------------------------------------------- */

static int interrupts;

static void on_interrupt(int number)
{
    (void)number;
    interrupts++;
}

static void stop_everything(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, NULL, "");
    raise(SIGTERM);
}

/* Whatever was set before weir_serve is set after it. */
static void serve_puts_signals_back(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGPIPE};
    struct sigaction own = {.sa_handler = on_interrupt}, found;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sigaction(numbers[i], &own, NULL), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        alarm(20);
        while ((fd = connect_abstract("weir-test-s")) < 0)
            usleep(1000);
        (void)!write(fd, "GET / HTTP/1.0\r\n\r\n", 18);
        for (char c; read(fd, &c, 1) != 0;)
            ;
        _exit(0);
    }
    assert_int_equal(weir_serve("http+unix:@weir-test-s", stop_everything, NULL), 0);
    assert_int_equal(interrupts, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sigaction(numbers[i], NULL, &found), 0);
        assert_ptr_equal(found.sa_handler, on_interrupt);
    }
    raise(SIGTERM);
    assert_int_equal(interrupts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_over_their_maximum),
        cmocka_unit_test(options_of_an_older_version),
        cmocka_unit_test(wrong_order),
        cmocka_unit_test(several_servers_on_one_loop),
        cmocka_unit_test(stopped_at_once),
        cmocka_unit_test(attached_without_memory),
        cmocka_unit_test(run_without_memory),
        cmocka_unit_test(serve_puts_signals_back),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
