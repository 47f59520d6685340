/* SPDX-License-Identifier: MIT
 *
 * server/loop.c: the connections of one loop, and stopping it. How they come in is in accept.c.
 *
 *     serving -> stopping (no new connections, idle ones close, requests finish)
 *             -> cancelling (drain_timeout passed or a second stop: running requests are cancelled)
 *             -> stopped */
#include "server/loop.h"

#include <signal.h>
#include <stdlib.h>

enum { CANCEL_GRACE_MS = 1000 };

/* ---- Connections ----------------------------------------------------------------------------- */

/* Who connected, as the kernel recorded it then. */
static void find_peer(struct conn *conn)
{
    struct ucred user;
    socklen_t len = sizeof user;

    if (getsockopt(conn->stream.fd, SOL_SOCKET, SO_PEERCRED, &user, &len) != 0)
        return;
    conn->peer.uid = user.uid;
    conn->peer.gid = user.gid;
    if (user.pid > 0) /* 0: in a namespace that we do not see */
        conn->peer.pid = user.pid;
}

void conn_add(struct conn *conn, struct server_loop *sl, struct site *site)
{
    conn->sl = sl;
    conn->site = site;
    conn->stream.stall_ms = sl->server->options.send_timeout;
    conn->peer = (struct exchange_peer){-1, -1, -1};
    if (conn->stream.is_unix)
        find_peer(conn);
    list_insert(&sl->conns, &conn->node);
    sl->conn_count++;
}

static void end_loop(struct server_loop *sl)
{
    if (sl->ending)
        return;
    sl->ending = true;
    sl->ended(sl);
}

static void stop_if_done(struct server_loop *sl)
{
    if (sl->stopping && list_empty(&sl->conns))
        end_loop(sl);
}

void conn_remove(struct conn *conn)
{
    struct server_loop *sl = conn->sl;

    list_remove(&conn->node);
    stream_done(&conn->stream);
    sl->conn_count--;
    accept_conn_gone(sl);
    stop_if_done(sl);
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

/* Handlers did not end even when cancelled. The application's loop goes on, so there the server
 * waits for them; what we run ourselves ends. */
static void on_cancel_timeout(struct server_loop *sl)
{
    server_log(sl->server, WEIR_LOG_WARNING,
               "reason=stop-forced: %u connections still had requests that did not end when "
               "cancelled",
               sl->conn_count);
    if (!sl->loop.owns_uv)
        return;
    atomic_store(&sl->server->forced, true);
    end_loop(sl);
}

static void on_drain_timeout(struct deadline *deadline)
{
    struct server_loop *sl = container_of(deadline, struct server_loop, drain);

    if (sl->cancelling) {
        on_cancel_timeout(sl);
        return;
    }
    sl->cancelling = true;
    deadline_set(&sl->loop.deadlines, &sl->drain, CANCEL_GRACE_MS);
    stop_conns(sl, true);
}

static void begin_stop(struct server_loop *sl)
{
    sl->stopping = true;
    accept_stop(sl, false);
    if (sl->server->hooks.loop_draining)
        sl->server->hooks.loop_draining(&sl->loop, sl->server->hooks.arg);
    deadline_set(&sl->loop.deadlines, &sl->drain, sl->server->options.drain_timeout);
    stop_conns(sl, false);
}

static void on_loop_signal(uv_async_t *async)
{
    struct server_loop *sl = async->data;
    int stops = atomic_load(&sl->server->stops);

    if (sl->ending)
        return;
    if (stops == 0) {
        accept_signalled(sl);
        return;
    }
    if (!sl->stopping)
        begin_stop(sl);
    if (stops > 1 && !sl->cancelling && !sl->ending)
        on_drain_timeout(&sl->drain);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void log_line(struct loop *loop, const char *line)
{
    server_log(container_of(loop, struct server_loop, loop)->server, WEIR_LOG_WARNING, "%s", line);
}

static void free_failed(struct server_loop *sl)
{
    free(sl);
}

int server_loop_init(struct server_loop *sl, struct weir_server *server, unsigned index,
                     uv_loop_t *uv, void (*ended)(struct server_loop *sl))
{
    const struct server_hooks *hooks = &server->hooks;
    int rc = WEIR_ERROR_NOMEM;

    sl->server = server;
    sl->ended = ended;
    list_init(&sl->listeners);
    list_init(&sl->conns);
    deadline_init(&sl->drain, on_drain_timeout);
    sl->fields = calloc(server->options.fields_max, sizeof *sl->fields);
    if (!sl->fields)
        goto no_fields;
    rc = loop_init(&sl->loop, uv);
    if (rc != 0)
        goto no_loop;
    sl->loop.index = index;
    sl->loop.log = log_line;
    (void)uv_async_init(sl->loop.uv, &sl->signal, on_loop_signal); /* as that of sl->loop did */
    sl->signal.data = sl;
    rc = accept_start(sl);
    if (rc == 0 && hooks->loop_started)
        rc = hooks->loop_started(&sl->loop, hooks->arg);
    if (rc == 0)
        return 0;
    accept_stop(sl, true);
    if (uv)
        server_loop_close(sl, free_failed);
    else
        server_loop_done(sl);
    return rc;

no_loop:
    free(sl->fields);
no_fields:
    if (uv)
        free(sl);
    return rc;
}

void server_loop_run(struct server_loop *sl)
{
    /* A stop that came before the loop ran. */
    if (atomic_load(&sl->server->stops) > 0)
        (void)uv_async_send(&sl->signal);
    loop_run(&sl->loop);
    if (sl->server->hooks.loop_stopped)
        sl->server->hooks.loop_stopped(&sl->loop, sl->server->hooks.arg);
}

void server_loop_done(struct server_loop *sl)
{
    /* Only a forced stop leaves connections, with requests that nobody will end. */
    for (struct list *n = sl->conns.next; n != &sl->conns; n = n->next)
        stream_close(&container_of(n, struct conn, node)->stream);
    accept_stop(sl, false);
    deadline_clear(&sl->drain);
    uv_close((uv_handle_t *)&sl->signal, NULL);
    loop_done(&sl->loop);
    free(sl->fields);
}

static void on_loop_closed(struct loop *loop)
{
    struct server_loop *sl = container_of(loop, struct server_loop, loop);

    free(sl->fields);
    sl->closed(sl);
}

static void on_signal_closed(uv_handle_t *handle)
{
    struct server_loop *sl = handle->data;

    loop_close(&sl->loop, on_loop_closed);
}

void server_loop_close(struct server_loop *sl, void (*closed)(struct server_loop *sl))
{
    sl->closed = closed;
    deadline_clear(&sl->drain);
    uv_close((uv_handle_t *)&sl->signal, on_signal_closed);
}
