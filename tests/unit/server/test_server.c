/* SPDX-License-Identifier: MIT
 *
 * The life of a server: options that cannot be, calls in the wrong order, several servers on a loop
 * that the application runs and goes on running, signals. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
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

/* Loops that stop at the same time close each socket once. ThreadSanitizer sees when they do not.
 */
static void many_loops_stop(void **state)
{
    weir_server_options options = {sizeof options, .threads = 16};

    (void)state;
    for (int i = 0; i < 20; i++) {
        weir_server *server = weir_server_new(&options);
        assert_int_equal(weir_server_listen(server, "http://127.0.0.1:0", hello, &calls), 0);
        weir_server_stop(server);
        assert_int_equal(weir_server_run(server), 0);
        weir_server_free(server);
    }
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
    char answer[1000] = "";
    size_t have = 0;

    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    for (int ms = 0; ms < 20000 && !strstr(answer, "hello"); ms++) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        (void)uv_run(loop, UV_RUN_NOWAIT);
        if (poll(&readable, 1, 1) == 0) /* workers need their time */
            continue;
        ssize_t n = read(fd, answer + have, sizeof answer - 1 - have);
        assert_true(n > 0);
        have += (size_t)n;
        answer[have] = '\0';
    }
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

static void blocking_hello(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_printf(x, "hello");
    weir_flush(x);
}

static void attached_with_workers(void **state)
{
    weir_server_options options = {sizeof options, .workers = 2};
    weir_server *server = weir_server_new(&options);
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test-a", blocking_hello, NULL), 0);
    assert_int_equal(weir_server_attach(server, &loop, on_stopped, &server), 0);
    int client = connect_abstract("weir-test-a");
    ask(&loop, client);
    weir_server_stop(server);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(client);
}

static void keep(weir_exchange *x, void *arg)
{
    *(weir_exchange **)arg = x;
}

static void note_line(weir_log_level level, const char *line, void *arg)
{
    (void)level;
    snprintf(arg, 200, "%.199s", line);
}

/* A handler that does not let go when it is cancelled: the server stays until it does. */
static void attached_waits_for_handlers(void **state)
{
    char line[200] = "";
    weir_server_options options = {sizeof options, .log = note_line, .log_arg = line};
    weir_server *server = weir_server_new(&options);
    weir_exchange *kept = NULL;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(weir_server_listen(server, "http+unix:@weir-test-a", keep, &kept), 0);
    assert_int_equal(weir_server_attach(server, &loop, on_stopped, &server), 0);
    int client = connect_abstract("weir-test-a");
    assert_int_equal(write(client, "GET / HTTP/1.0\r\n\r\n", 18), 18);
    for (int i = 0; i < 1000 && !kept; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    assert_non_null(kept);
    weir_server_stop(server);
    weir_server_stop(server); /* cancel at once */
    while (!line[0])
        (void)uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(strstr(line, "reason=stop-forced"));
    assert_true(weir_cancelled(kept));
    assert_non_null(server);
    weir_fail(kept);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(client);
}

/* An answer without end to somebody who has gone, or to HEAD, where it is not even sent: the
 * handler is told that it has to wait, and then that nobody is there; the loop does not hang. */
static void write_on(weir_exchange *x, void *arg)
{
    static char piece[65536];
    int rc;

    while ((rc = weir_write(x, piece, sizeof piece)) == 0)
        ;
    if (rc == WEIR_ERROR_AGAIN)
        weir_on_drain(x, write_on, arg);
    else
        weir_fail(x);
}

static void give_up(weir_exchange *x, void *arg)
{
    (*(int *)arg)++;
    weir_fail(x);
}

static void endless(weir_exchange *x, void *arg)
{
    weir_on_cancel(x, give_up, arg);
    write_on(x, arg);
}

static void endless_answer_to_nobody(void **state)
{
    const weir_str requests[] = {
        WEIR_STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        WEIR_STR("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
        WEIR_STR("\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0"),
        WEIR_STR("\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\1\0\24\4\0"
                 "\16\4REQUEST_METHODHEAD\0\0\0\0\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0"),
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        weir_server *server = weir_server_new(NULL);
        const char *request = requests[i].ptr;
        size_t len = requests[i].len;
        int cancelled = 0;
        uv_loop_t loop;

        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(
            weir_server_listen(server, i > 1 ? "fcgi+unix:@weir-test-a" : "http+unix:@weir-test-a",
                               endless, &cancelled),
            0);
        assert_int_equal(weir_server_attach(server, &loop, on_stopped, &server), 0);
        int client = connect_abstract("weir-test-a");
        struct pollfd readable = {.fd = client, .events = POLLIN};
        assert_int_equal(write(client, request, len), len);
        alarm(20);
        while (i % 2 == 1 && poll(&readable, 1, 0) == 0) /* nothing but a head */
            (void)uv_run(&loop, UV_RUN_ONCE);
        close(client);
        while (!cancelled)
            (void)uv_run(&loop, UV_RUN_ONCE);
        weir_server_stop(server);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        alarm(0);
        assert_int_equal(cancelled, 1);
        assert_null(server);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
}

/* ---- Who is there ---------------------------------------------------------------------------- */

struct remote {
    char address[50];
    weir_family family;
    int port;
    int64_t uid, gid, pid;
};

static void note_remote(weir_exchange *x, void *arg)
{
    struct remote *r = arg;
    const char *address = weir_remote_addr(x);

    snprintf(r->address, sizeof r->address, "%s", address ? address : "none");
    r->family = weir_remote_family(x);
    r->port = weir_remote_port(x);
    r->uid = weir_peer_uid(x);
    r->gid = weir_peer_gid(x);
    r->pid = weir_peer_pid(x);
    weir_respond(x, 200, "text/plain", "hello");
}

/* One request at a server on a loop of its own. Over FastCGI address and port are parameters; over
 * HTTP address may be "HTTP/2". */
static struct remote remote_of(const char *url, const char *address, const char *port)
{
    /* preface, SETTINGS, HEADERS: GET / of authority "a" (RFC 9113 3.4, RFC 7541 appendix A) */
    static const char http2_request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                        "\0\0\0\4\0\0\0\0\0"
                                        "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x41\1a";
    struct remote r = {.port = 0};
    weir_server *server = weir_server_new(NULL);
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(weir_server_listen(server, url, note_remote, &r), 0);
    assert_int_equal(weir_server_attach(server, &loop, on_stopped, &server), 0);
    int fd;
    if (strstr(url, "unix")) {
        fd = connect_abstract("weir-test-r");
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        unsigned number;
        assert_int_equal(sscanf(weir_server_url(server, 0), "http://[::1]:%u", &number), 1);
        in6.sin6_port = htons((uint16_t)number);
        fd = socket(AF_INET6, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&in6, sizeof in6), 0);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    }
    assert_true(fd >= 0);
    if (address && strcmp(address, "HTTP/2") == 0) {
        assert_int_equal(write(fd, http2_request, sizeof http2_request - 1),
                         sizeof http2_request - 1);
        for (int i = 0; i < 1000 && r.port == 0; i++)
            (void)uv_run(&loop, UV_RUN_NOWAIT);
    } else if (strncmp(url, "http", 4) == 0) {
        ask(&loop, fd);
    } else {
        uint8_t params[500], head[700] = {1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1};
        size_t n = 0;
        if (address)
            n += weir_pair_encode(params + n, sizeof params - n, (weir_str){"REMOTE_ADDR", 11},
                                  (weir_str){address, strlen(address)});
        if (port)
            n += weir_pair_encode(params + n, sizeof params - n, (weir_str){"REMOTE_PORT", 11},
                                  (weir_str){port, strlen(port)});
        size_t len = 16;
        if (n > 0) {
            memcpy(head + len, (uint8_t[8]){1, 4, 0, 1, (uint8_t)(n >> 8), (uint8_t)n}, 8);
            memcpy(head + len + 8, params, n);
            len += 8 + n;
        }
        memcpy(head + len, (uint8_t[16]){1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1}, 16);
        len += 16;
        assert_int_equal(write(fd, head, len), len);
        for (int i = 0; i < 1000 && r.uid == 0 && r.port == 0; i++)
            (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    weir_server_stop(server);
    close(fd);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    return r;
}

static void assert_peer_is_us(const struct remote *r)
{
    assert_int_equal(r->uid, getuid());
    assert_int_equal(r->gid, getgid());
    assert_int_equal(r->pid, getpid());
}

static void remote_and_peer(void **state)
{
    /* what the web server says, and what is understood of it */
    static const struct {
        const char *address, *port, *want;
        weir_family family;
        int want_port;
    } cases[] = {
        {"192.0.2.7", "4711", "192.0.2.7", WEIR_FAMILY_IPV4, 4711},
        {"2001:db8::7", "65535", "2001:db8::7", WEIR_FAMILY_IPV6, 65535},
        {NULL, NULL, "none", WEIR_FAMILY_NONE, -1},
        {"", "", "none", WEIR_FAMILY_NONE, -1},
        {"unix:", "", "none", WEIR_FAMILY_NONE, -1}, /* nginx, of a client on a UNIX socket */
        {"example.com", "0", "none", WEIR_FAMILY_NONE, -1},
        {"192.0.2.7", "65536", "192.0.2.7", WEIR_FAMILY_IPV4, -1},
    };
    struct remote r;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r = remote_of("fcgi+unix:@weir-test-r", cases[i].address, cases[i].port);
        assert_string_equal(r.address, cases[i].want);
        assert_int_equal(r.family, cases[i].family);
        assert_int_equal(r.port, cases[i].want_port);
        assert_peer_is_us(&r); /* the web server */
    }
    static const char *const versions[] = {NULL, "HTTP/2"};
    for (int i = 0; i < 2; i++) {
        r = remote_of("http+unix:@weir-test-r", versions[i], NULL);
        assert_string_equal(r.address, "none");
        assert_int_equal(r.port, -1);
        assert_peer_is_us(&r);
    }

    r = remote_of("http://[::1]:0", NULL, NULL);
    assert_string_equal(r.address, "::1");
    assert_int_equal(r.family, WEIR_FAMILY_IPV6);
    assert_true(r.port > 0);
    assert_int_equal(r.uid, -1);
    assert_int_equal(r.gid, -1);
    assert_int_equal(r.pid, -1);
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
        cmocka_unit_test(many_loops_stop),
        cmocka_unit_test(several_servers_on_one_loop),
        cmocka_unit_test(stopped_at_once),
        cmocka_unit_test(attached_with_workers),
        cmocka_unit_test(attached_waits_for_handlers),
        cmocka_unit_test(endless_answer_to_nobody),
        cmocka_unit_test(remote_and_peer),
        cmocka_unit_test(serve_puts_signals_back),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
