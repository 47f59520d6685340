/* SPDX-License-Identifier: MIT
 *
 * server/loop.c: accepting on one loop, and stopping it.
 *
 *     serving -> stopping (no new connections, idle ones close, requests finish)
 *             -> cancelling (drain_timeout passed or a second stop: running requests are cancelled)
 *             -> stopped */
#include "server/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { CANCEL_GRACE_MS = 1000 };

struct site_listener {
    struct listener listener;
    struct list node;
    struct server_loop *sl;
    struct site *site;
};

/* ---- Connections ----------------------------------------------------------------------------- */

void conn_add(struct conn *conn, struct server_loop *sl, struct site *site)
{
    conn->sl = sl;
    conn->site = site;
    conn->stream.stall_ms = sl->server->options.send_timeout;
    list_insert(&sl->conns, &conn->node);
    sl->conn_count++;
}

static void stop_if_done(struct server_loop *sl)
{
    if (sl->stopping && list_empty(&sl->conns))
        loop_stop(&sl->loop);
}

void conn_remove(struct conn *conn)
{
    struct server_loop *sl = conn->sl;

    list_remove(&conn->node);
    stream_done(&conn->stream);
    sl->conn_count--;
    stop_if_done(sl);
}

static void accepted(struct listener *listener, int fd)
{
    struct site_listener *l = container_of(listener, struct site_listener, listener);
    const weir_server_options *options = &l->sl->server->options;

    if (l->sl->conn_count >= options->max_connections / options->threads + 1) {
        server_log(l->sl->server, WEIR_LOG_WARNING,
                   "reason=max-connections listener=%s limit=%u: a connection was closed; raise "
                   "max-connections",
                   l->site->url, options->max_connections);
        close(fd);
        return;
    }
    if (l->site->endpoint.carrier == ENDPOINT_HTTP)
        http1_accept(l->sl, l->site, fd);
    else
        fcgi_accept(l->sl, l->site, fd);
}

static void listener_closed(struct listener *listener)
{
    free(container_of(listener, struct site_listener, listener));
}

static int start_listeners(struct server_loop *sl)
{
    struct list *sites = &sl->server->sites;

    for (struct list *n = sites->next; n != sites; n = n->next) {
        struct site_listener *l = calloc(1, sizeof *l);
        if (!l)
            return WEIR_ERROR_NOMEM;
        l->sl = sl;
        l->site = container_of(n, struct site, node);
        if (listener_start(&l->listener, &sl->loop, l->site->fds[sl->loop.index], accepted,
                           listener_closed) != 0) {
            free(l);
            return WEIR_ERROR_SYSTEM;
        }
        list_insert(&sl->listeners, &l->node);
    }
    return 0;
}

static void close_listeners(struct server_loop *sl)
{
    while (!list_empty(&sl->listeners)) {
        struct site_listener *l = container_of(sl->listeners.next, struct site_listener, node);
        list_remove(&l->node);
        listener_close(&l->listener);
    }
}

/* ---- Stopping -------------------------------------------------------------------------------- */

/* Connections may go from the list while it is walked. */
static void stop_conns(struct server_loop *sl, bool now)
{
    struct list all;

    list_take(&all, &sl->conns);
    while (!list_empty(&all)) {
        struct list *node = all.next;
        list_remove(node);
        list_insert(&sl->conns, node);
        struct conn *conn = container_of(node, struct conn, node);
        conn->stop(conn, now);
    }
    stop_if_done(sl);
}

static void on_drain_timeout(struct deadline *deadline)
{
    struct server_loop *sl = container_of(deadline, struct server_loop, drain);

    if (sl->cancelling) {
        server_log(sl->server, WEIR_LOG_WARNING,
                   "reason=stop-forced: %u connections still had requests that did not end when "
                   "cancelled",
                   sl->conn_count);
        atomic_store(&sl->server->forced, true);
        loop_stop(&sl->loop);
        return;
    }
    sl->cancelling = true;
    deadline_set(&sl->loop.deadlines, &sl->drain, CANCEL_GRACE_MS);
    stop_conns(sl, true);
}

static void on_stop_signal(uv_async_t *async)
{
    struct server_loop *sl = async->data;

    if (!sl->stopping) {
        sl->stopping = true;
        close_listeners(sl);
        if (sl->server->hooks.loop_draining)
            sl->server->hooks.loop_draining(&sl->loop, sl->server->hooks.arg);
        deadline_set(&sl->loop.deadlines, &sl->drain, sl->server->options.drain_timeout);
        stop_conns(sl, false);
    }
    if (atomic_load(&sl->server->stops) > 1 && !sl->cancelling)
        on_drain_timeout(&sl->drain);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void log_line(struct loop *loop, const char *line)
{
    server_log(container_of(loop, struct server_loop, loop)->server, WEIR_LOG_WARNING, "%s", line);
}

int server_loop_init(struct server_loop *sl, struct weir_server *server, unsigned index)
{
    const struct server_hooks *hooks = &server->hooks;
    int rc;

    sl->server = server;
    list_init(&sl->listeners);
    list_init(&sl->conns);
    deadline_init(&sl->drain, on_drain_timeout);
    sl->fields = calloc(server->options.fields_max, sizeof *sl->fields);
    if (!sl->fields)
        return WEIR_ERROR_NOMEM;
    rc = loop_init(&sl->loop, NULL);
    if (rc != 0)
        goto no_loop;
    sl->loop.index = index;
    sl->loop.log = log_line;
    if (uv_async_init(sl->loop.uv, &sl->stop_signal, on_stop_signal) != 0) {
        rc = WEIR_ERROR_SYSTEM;
        goto no_async;
    }
    sl->stop_signal.data = sl;
    rc = start_listeners(sl);
    if (rc == 0 && hooks->loop_started)
        rc = hooks->loop_started(&sl->loop, hooks->arg);
    if (rc == 0)
        return 0;
    close_listeners(sl);
    uv_close((uv_handle_t *)&sl->stop_signal, NULL);
no_async:
    loop_done(&sl->loop);
no_loop:
    free(sl->fields);
    return rc;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct weir_server *server = handle->data;

    if (number != SIGHUP)
        weir_server_stop(server);
    else if (weir_server_reload_certificates(server) == 0)
        server_log(server, WEIR_LOG_INFO, "certificates reloaded");
}

void server_handle_signals(struct weir_server *server)
{
    server->handles_signals = true;
}

void server_loop_run(struct server_loop *sl)
{
    static const int numbers[3] = {SIGTERM, SIGINT, SIGHUP};
    uv_signal_t signals[3];
    bool handles_signals = sl->server->handles_signals && sl->loop.index == 0;
    int count = !handles_signals ? 0 : sl->server->certificates.context ? 3 : 2;

    for (int i = 0; i < count; i++) {
        (void)uv_signal_init(sl->loop.uv, &signals[i]);
        signals[i].data = sl->server;
        (void)uv_signal_start(&signals[i], on_signal, numbers[i]);
    }
    /* A stop that came before the loop ran. */
    if (atomic_load(&sl->server->stops) > 0)
        (void)uv_async_send(&sl->stop_signal);
    loop_run(&sl->loop);
    if (sl->server->hooks.loop_stopped)
        sl->server->hooks.loop_stopped(&sl->loop, sl->server->hooks.arg);
    for (int i = 0; i < count; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    if (handles_signals)
        (void)uv_run(sl->loop.uv, UV_RUN_NOWAIT);
}

void server_loop_done(struct server_loop *sl)
{
    /* Only a forced stop leaves connections, with requests that nobody will end. */
    for (struct list *n = sl->conns.next; n != &sl->conns; n = n->next)
        stream_close(&container_of(n, struct conn, node)->stream);
    close_listeners(sl);
    deadline_clear(&sl->drain);
    uv_close((uv_handle_t *)&sl->stop_signal, NULL);
    loop_done(&sl->loop);
    free(sl->fields);
}
