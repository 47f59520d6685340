/* SPDX-License-Identifier: MIT
 *
 * server/server.c: the public face of a server: its life from new to free, its threads. What
 * happens on each loop is in loop.c and accept.c. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/inherited.h"
#include "server/loop.h"
#include "server/server.h"
#include "server/workers.h"

weir_server *weir_server_new(const weir_server_options *options)
{
    weir_server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->no_stderr = inherited_fill_standard();
    list_init(&server->sites);
    if (server_take_options(server, options) != 0) {
        free(server);
        return NULL;
    }
    return server;
}

static int fail(weir_server *server, int error, const char *text)
{
    snprintf(server->error, sizeof server->error, "%s", text);
    return error;
}

int weir_server_add_certificate(weir_server *server, const char *cert_file, const char *key_file)
{
    if (!cert_file)
        return fail(server, WEIR_ERROR_INVALID, "a certificate's file is needed");
    if (server->served)
        return fail(server, WEIR_ERROR_STATE, "the server runs already, or has run");
    return certificates_add(&server->certificates, cert_file, key_file, server->error);
}

int weir_server_reload_certificates(weir_server *server)
{
    char error[TLS_ERROR];
    int rc;

    if (server->certificates.count == 0)
        return WEIR_ERROR_STATE;
    rc = certificates_reload(&server->certificates, error);
    if (rc != 0)
        server_log(server, WEIR_LOG_ERROR, "certificates not reloaded, the old ones stay: %s",
                   error);
    return rc;
}

int weir_server_listen(weir_server *server, const char *url, weir_handler *handler, void *arg)
{
    if (server->options_error[0])
        return fail(server, WEIR_ERROR_INVALID, server->options_error);
    if (!handler)
        return fail(server, WEIR_ERROR_INVALID, "a handler is needed");
    if (server->served)
        return fail(server, WEIR_ERROR_STATE, "the server runs already, or has run");
    return sites_add(server, url, handler, arg);
}

const char *weir_server_url(const weir_server *server, size_t index)
{
    for (struct list *n = server->sites.next; n != &server->sites; n = n->next)
        if (index-- == 0)
            return container_of(n, struct site, node)->url;
    return NULL;
}

const char *weir_server_error(const weir_server *server)
{
    return server->error;
}

weir_server *weir_server_free(weir_server *server)
{
    if (!server)
        return NULL;
    sites_free(server);
    server_drop_options(server);
    free(server);
    return NULL;
}

/* ---- Running --------------------------------------------------------------------------------- */

static int check(weir_server *server)
{
    if (server->options_error[0])
        return fail(server, WEIR_ERROR_INVALID, server->options_error);
    if (server->served)
        return fail(server, WEIR_ERROR_STATE, "the server runs already, or has run");
    if (list_empty(&server->sites))
        return fail(server, WEIR_ERROR_STATE, "the server has no listener");
    return 0;
}

/* What comes before the loops. */
static int prepare(weir_server *server)
{
    server->served = true;
    server->loops = calloc(server->options.threads, sizeof *server->loops);
    if (!server->loops)
        return WEIR_ERROR_NOMEM;
    if (server->options.workers) {
        server->workers = workers_start(server->options.workers, server->options.worker_queue);
        if (!server->workers)
            return fail(server, WEIR_ERROR_SYSTEM, "the worker threads could not be started");
    }
    return 0;
}

/* Nobody reaches the loops any more when this returns. */
static void set_not_running(weir_server *server)
{
    atomic_store(&server->running, false);
    while (atomic_load(&server->stopping) > 0)
        (void)sched_yield();
}

static void give_back_loops(weir_server *server)
{
    workers_stop(server->workers);
    server->workers = NULL;
    free(server->loops);
    server->loops = NULL;
}

/* ---- On loops of our own --------------------------------------------------------------------- */

/* Signals that the server has taken over, and what was set before. */
enum { TAKEN = 4, WATCHED = 3 };

struct taken_signals {
    uv_signal_t watchers[WATCHED];
    struct sigaction before[TAKEN];
    int watched;
};

/* SIGHUP only with certificates; SIGPIPE is ignored, not watched. */
static const int taken_numbers[TAKEN] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};

void server_own_process(struct weir_server *server)
{
    server->owns_process = true;
}

static void on_signal(uv_signal_t *handle, int number)
{
    weir_server *server = handle->data;

    if (number != SIGHUP)
        weir_server_stop(server);
    else if (weir_server_reload_certificates(server) == 0)
        server_log(server, WEIR_LOG_INFO, "certificates reloaded");
}

static void take_signals(weir_server *server, struct taken_signals *taken)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    taken->watched = server->certificates.context ? WATCHED : WATCHED - 1;
    for (int i = 0; i < TAKEN; i++)
        (void)sigaction(taken_numbers[i], NULL, &taken->before[i]);
    for (int i = 0; i < taken->watched; i++) {
        (void)uv_signal_init(server->loops[0].loop.uv, &taken->watchers[i]);
        taken->watchers[i].data = server;
        (void)uv_signal_start(&taken->watchers[i], on_signal, taken_numbers[i]);
    }
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* libuv leaves the default behind, whatever there was. */
static void give_back_signals(weir_server *server, struct taken_signals *taken)
{
    for (int i = 0; i < taken->watched; i++)
        uv_close((uv_handle_t *)&taken->watchers[i], NULL);
    (void)uv_run(server->loops[0].loop.uv, UV_RUN_NOWAIT);
    for (int i = 0; i < TAKEN; i++)
        (void)sigaction(taken_numbers[i], &taken->before[i], NULL);
}

/* Where we listen, once a signal would be answered too. */
static void announce(const weir_server *server)
{
    const char *url;

    for (size_t i = 0; (url = weir_server_url(server, i)) != NULL; i++)
        server_log(server, WEIR_LOG_INFO, "listening on %s", url);
}

static void own_loop_ended(struct server_loop *sl)
{
    loop_stop(&sl->loop);
}

static void run_thread(void *arg)
{
    server_loop_run(arg);
}

static int run_loops(weir_server *server)
{
    unsigned started = 1;
    struct taken_signals taken;
    int rc = 0;

    atomic_store(&server->running, true);
    while (started < server->options.threads &&
           uv_thread_create(&server->loops[started].thread, run_thread, &server->loops[started]) ==
               0)
        started++;
    if (started < server->options.threads) {
        rc = fail(server, WEIR_ERROR_SYSTEM, "the loop threads could not be started");
        weir_server_stop(server);
    }
    if (server->owns_process) {
        take_signals(server, &taken);
        announce(server);
    }
    server_loop_run(&server->loops[0]);
    for (unsigned i = 1; i < started; i++)
        (void)uv_thread_join(&server->loops[i].thread);
    if (server->owns_process)
        give_back_signals(server, &taken);
    set_not_running(server);
    return rc;
}

int weir_server_run(weir_server *server)
{
    unsigned ready = 0;
    int rc = check(server);

    if (rc != 0)
        return rc;
    rc = prepare(server);
    while (rc == 0 && ready < server->options.threads) {
        rc = server_loop_init(&server->loops[ready], server, ready, NULL, own_loop_ended);
        if (rc == 0)
            ready++;
    }
    if (rc == 0)
        rc = run_loops(server);
    if (atomic_load(&server->forced) && server->workers)
        return WEIR_ERROR_TIMEOUT; /* what still runs there may not lose the ground under it */
    while (ready-- > 0)
        server_loop_done(&server->loops[ready]);
    give_back_loops(server);
    return rc;
}

/* ---- On the application's loop --------------------------------------------------------------- */

static void attached_closed(struct server_loop *sl)
{
    weir_server *server = sl->server;

    give_back_loops(server);
    if (server->stopped)
        server->stopped(server, server->stopped_arg);
}

static void attached_ended(struct server_loop *sl)
{
    set_not_running(sl->server);
    server_loop_close(sl, attached_closed);
}

int weir_server_attach(weir_server *server, struct uv_loop_s *loop, weir_stopped_fn *stopped,
                       void *arg)
{
    int rc = check(server);

    if (rc == 0 && server->options.threads != 1)
        rc = fail(server, WEIR_ERROR_INVALID,
                  "weir_server_options.threads must be 1 on the application's loop");
    if (rc != 0)
        return rc;
    rc = prepare(server);
    if (rc == 0) {
        uv_update_time(loop);
        rc = server_loop_init(server->loops, server, 0, loop, attached_ended);
        if (rc != 0)
            server->loops = NULL;
    }
    if (rc != 0) {
        give_back_loops(server);
        return rc;
    }
    server->stopped = stopped;
    server->stopped_arg = arg;
    atomic_store(&server->running, true);
    if (atomic_load(&server->stops) > 0) /* a stop that came before */
        (void)uv_async_send(&server->loops[0].signal);
    return 0;
}

/* ---- Stopping -------------------------------------------------------------------------------- */

void weir_server_stop(weir_server *server)
{
    atomic_fetch_add(&server->stopping, 1);
    atomic_fetch_add(&server->stops, 1);
    if (atomic_load(&server->running))
        for (unsigned i = 0; i < server->options.threads; i++)
            (void)uv_async_send(&server->loops[i].signal);
    atomic_fetch_sub(&server->stopping, 1);
}

/* ---- The whole program ----------------------------------------------------------------------- */

int weir_serve(const char *url, weir_handler *handler, void *arg)
{
    weir_server *server = weir_server_new(NULL);
    int rc;

    if (!server)
        return WEIR_ERROR_NOMEM;
    rc = weir_server_listen(server, url, handler, arg);
    if (rc == 0) {
        server_own_process(server);
        rc = weir_server_run(server);
    }
    if (rc != 0)
        server_log(server, WEIR_LOG_ERROR, "%s",
                   server->error[0] ? server->error : weir_error_text(rc));
    if (rc != WEIR_ERROR_TIMEOUT)
        (void)weir_server_free(server);
    return rc;
}
