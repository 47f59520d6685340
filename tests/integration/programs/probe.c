/* SPDX-License-Identifier: MIT
 *
 * probe.c: handlers that misbehave in one way each, and tell when what happened to them.
 *
 *     probe URL [WORKERS [DRAIN_MS]]
 *
 * The path says what to do; ?id=N is a number to recognise the request by, ?hold=MS how long the
 * exchange is kept after it was cancelled, ?for=MS how long something takes. Each event is a line
 * on stdout: EVENT ID NANOSECONDS (of CLOCK_MONOTONIC). */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/weir.h>

enum { PIECE = 64 * 1024, APP_STATUS = 7 };

static char piece[PIECE];

static unsigned long option(weir_exchange *x, const char *name)
{
    const char *query = weir_query(x);
    const char *found = query ? strstr(query, name) : NULL;

    return found ? strtoul(found + strlen(name), NULL, 10) : 0;
}

static void tell(weir_exchange *x, const char *event)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%s %lu %" PRIu64 "\n", event, option(x, "id="),
           (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    fflush(stdout);
}

static void pause_for(unsigned long ms)
{
    struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};

    nanosleep(&wait, NULL);
}

/* ---- On the loop ----------------------------------------------------------------------------- */

static void let_go(weir_exchange *x, void *arg)
{
    (void)arg;
    tell(x, "release");
    weir_set_app_status(x, APP_STATUS);
    weir_finish(x);
}

static void hold(weir_exchange *x)
{
    unsigned long ms = option(x, "hold=");

    if (ms == 0 || weir_after(x, (uint32_t)ms, let_go, NULL) != 0)
        let_go(x, NULL);
}

static void on_cancel(weir_exchange *x, void *arg)
{
    (void)arg;
    tell(x, "cancel");
    hold(x);
}

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    (void)data;
    (void)arg;
    if (state == WEIR_ERROR_CANCELLED) {
        tell(x, "cancel");
        hold(x);
    } else if (state != 0) {
        weir_respond(x, 200, "text/plain", state == 1 ? "whole\n" : "short\n");
    }
}

static void write_on(weir_exchange *x, void *arg)
{
    int rc;

    (void)arg;
    bool full;
    do {
        full = weir_full(x);
        rc = weir_write(x, piece, sizeof piece);
    } while (rc == 0);
    if (rc == WEIR_ERROR_AGAIN && full) {
        weir_on_drain(x, write_on, NULL);
        return;
    }
    tell(x, rc == WEIR_ERROR_CANCELLED ? "cancel" : "odd");
    hold(x);
}

static void answer(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, "text/plain", "ok\n");
}

/* A Filter's two inputs: how long each was, and how it ended. */
struct filter {
    unsigned long long body, data;
    int body_state;
};

static void answer_filter(weir_exchange *x, const struct filter *f, int data_state)
{
    char line[200];

    snprintf(line, sizeof line, "body %llu %d data %llu of %lld %d changed %lld\n", f->body,
             f->body_state, f->data, (long long)weir_data_length(x), data_state,
             (long long)weir_data_mtime(x));
    weir_respond(x, 200, "text/plain", line);
}

static void on_filter_data(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct filter *f = arg;

    f->data += data.len;
    if (state != 0)
        answer_filter(x, f, state);
}

static void on_filter_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct filter *f = arg;

    f->body += data.len;
    if (state == 0)
        return;
    f->body_state = state;
    if (strcmp(weir_path(x), "/filter-cached") == 0)
        answer_filter(x, f, 0);
    else
        weir_on_data(x, on_filter_data, f);
}

static void filter(weir_exchange *x)
{
    struct filter *f = weir_alloc(x, sizeof *f);

    if (!f) {
        weir_fail(x);
        return;
    }
    memset(f, 0, sizeof *f);
    weir_on_body(x, on_filter_body, f);
}

static void on_loop(weir_exchange *x, const char *path)
{
    if (strcmp(path, "/wait") == 0)
        weir_on_cancel(x, on_cancel, NULL);
    else if (strcmp(path, "/read") == 0)
        weir_on_body(x, on_body, NULL);
    else if (strcmp(path, "/write") == 0)
        write_on(x, NULL);
    else if (strcmp(path, "/ignore") == 0) /* its body */
        weir_after(x, (uint32_t)option(x, "for="), answer, NULL);
    else if (strcmp(path, "/filter") == 0 || strcmp(path, "/filter-cached") == 0)
        filter(x);
    else
        answer(x, NULL);
}

/* ---- On a worker ----------------------------------------------------------------------------- */

static void end_blocking(weir_exchange *x, int rc)
{
    tell(x, rc == WEIR_ERROR_CANCELLED ? "cancel" : "odd");
    pause_for(option(x, "hold="));
    tell(x, "release");
    weir_set_app_status(x, APP_STATUS);
}

static void read_all(weir_exchange *x)
{
    char some[1000];
    int rc;

    while ((rc = weir_read(x, some, sizeof some)) > 0)
        ;
    if (rc == 0)
        weir_respond(x, 200, "text/plain", "whole\n");
    else
        end_blocking(x, rc);
}

static void write_all(weir_exchange *x)
{
    int rc;

    while ((rc = weir_write(x, piece, sizeof piece)) == 0)
        ;
    end_blocking(x, rc);
}

/* Does nothing with the exchange until it is cancelled; then every call has to say so, whatever was
 * received or could still be buffered before. */
static void compute(weir_exchange *x)
{
    char some[10];

    while (!weir_cancelled(x))
        pause_for(0);
    tell(x, "cancel");
    tell(x, weir_read(x, some, sizeof some) == WEIR_ERROR_CANCELLED ? "read-cancelled" : "odd");
    tell(x, weir_write(x, some, 1) == WEIR_ERROR_CANCELLED ? "write-cancelled" : "odd");
    tell(x, weir_flush(x) == WEIR_ERROR_CANCELLED ? "flush-cancelled" : "odd");
    pause_for(option(x, "hold="));
    tell(x, "release");
    weir_set_app_status(x, APP_STATUS);
}

static void blocking_filter(weir_exchange *x, bool cached)
{
    struct filter f = {0};
    char some[1000];
    int rc;

    while ((rc = weir_read(x, some, sizeof some)) > 0)
        f.body += (unsigned)rc;
    f.body_state = rc ? rc : 1;
    while (!cached && (rc = weir_read_data(x, some, sizeof some)) > 0)
        f.data += (unsigned)rc;
    answer_filter(x, &f, cached ? 0 : rc ? rc : 1);
}

static void on_worker(weir_exchange *x, const char *path)
{
    if (strcmp(path, "/read") == 0) {
        read_all(x);
    } else if (strcmp(path, "/write") == 0) {
        write_all(x);
    } else if (strcmp(path, "/compute") == 0) {
        compute(x);
    } else if (strncmp(path, "/filter", 7) == 0) {
        blocking_filter(x, strcmp(path, "/filter-cached") == 0);
    } else if (strcmp(path, "/too-early") == 0) { /* for a Filter that has read nothing */
        if (weir_write(x, piece, 1000) != 0 || weir_flush(x) != WEIR_ERROR_STATE)
            tell(x, "odd");
        if (weir_write(x, piece, 1000) != 0)
            tell(x, "odd");
    } else {
        if (strcmp(path, "/ignore") == 0)
            pause_for(option(x, "for="));
        answer(x, NULL);
    }
}

/* ---- The program ----------------------------------------------------------------------------- */

/* As an application fails that wants it to be found out. */
static void fail(weir_exchange *x)
{
    if (weir_log(x, "the disk is %d%% full\nand\tburning", 100) != 0)
        tell(x, "odd");
    if (option(x, "long=") && weir_log(x, "%0*d", 3000, 0) != 0)
        tell(x, "odd");
    weir_fail(x);
    if (weir_log(x, "too late") != WEIR_ERROR_STATE)
        tell(x, "odd");
}

static void handle(weir_exchange *x, void *arg)
{
    const weir_server_options *options = arg;
    const char *path = weir_path(x);

    if (!path)
        weir_fail(x);
    else if (strcmp(path, "/error") == 0)
        fail(x);
    else if (strcmp(path, "/redirect") == 0 && weir_add_header(x, "Location", "/there") == 0)
        weir_respond(x, 302, NULL, "");
    else if (options->workers)
        on_worker(x, path);
    else
        on_loop(x, path);
}

static weir_server *server;

static void on_signal(int number)
{
    (void)number;
    weir_server_stop(server);
}

int main(int argc, char **argv)
{
    weir_server_options options = {
        .size = sizeof options,
        .workers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0,
        .drain_timeout = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0,
    };

    memset(piece, 'x', sizeof piece);
    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, &options) != 0) {
        fprintf(stderr, "probe: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "probe: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
