/* SPDX-License-Identifier: MIT
 *
 * server/accept.c: accepting connections on one loop: who may connect, and how many.
 *
 * max_connections counts the connections of all loops, exactly. While it is reached nothing is
 * accepted: what comes in waits in the kernel's backlog, as clients of nginx or Go know it, and is
 * not turned away. So that idle clients cannot keep others out, HTTP connections between two
 * requests are closed then, as HTTP allows at any time. FastCGI connections are not: they belong to
 * the web server (FastCGI 3.5), which has no more of them than its own limits allow.
 *
 *     no place -> waiting: listeners rest; idle connections are closed, here, then everywhere
 *     a connection closes -> all loops that wait try again */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"
#include "server/loop.h"

enum { LOOKED_AT = 1024 }; /* connections in one search for an idle one */

struct site_listener {
    struct listener listener;
    struct list node;
    struct server_loop *sl;
    struct site *site;
};

static struct site_listener *of(struct listener *listener)
{
    return container_of(listener, struct site_listener, listener);
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* A place is taken before accept and given back if nothing came: loops that wait on one socket are
 * all woken for one connection. While such places are all that is left, it is worth trying again;
 * only open connections make the server full. */
static bool take_place(struct weir_server *server)
{
    uint32_t most = server->options.max_connections;
    unsigned taken = atomic_load(&server->places);

    for (;;) {
        while (taken < most)
            if (atomic_compare_exchange_weak(&server->places, &taken, taken + 1))
                return true;
        if (atomic_load(&server->conn_count) >= most)
            return false;
        (void)sched_yield();
        taken = atomic_load(&server->places);
    }
}

static void signal_loops(struct server_loop *except)
{
    struct weir_server *server = except->server;

    for (unsigned i = 0; i < server->options.threads; i++)
        if (&server->loops[i] != except)
            (void)uv_async_send(&server->loops[i].signal);
}

static void set_waiting(struct server_loop *sl, bool waiting)
{
    if (sl->waiting == waiting)
        return;
    sl->waiting = waiting;
    if (waiting)
        atomic_fetch_add(&sl->server->waiting, 1);
    else
        atomic_fetch_sub(&sl->server->waiting, 1);
}

/* Those that have been looked at go to the end of the list, so that each has its turn. */
static bool close_an_idle_one(struct server_loop *sl)
{
    uint32_t n = sl->conn_count < LOOKED_AT ? sl->conn_count : LOOKED_AT;

    for (; n > 0; n--) {
        struct conn *conn = container_of(sl->conns.next, struct conn, node);
        list_remove(&conn->node);
        list_insert(&sl->conns, &conn->node);
        if (conn->give_way && conn->give_way(conn))
            return true;
    }
    return false;
}

static void resume_listeners(struct server_loop *sl)
{
    for (struct list *n = sl->listeners.next; n != &sl->listeners; n = n->next)
        listener_resume(&container_of(n, struct site_listener, node)->listener);
}

static void give_place_back(struct server_loop *sl)
{
    atomic_fetch_sub(&sl->server->places, 1);
    if (atomic_load(&sl->server->waiting) == 0)
        return;
    if (sl->waiting)
        (void)uv_async_send(&sl->signal);
    signal_loops(sl);
}

void accept_conn_gone(struct server_loop *sl)
{
    atomic_fetch_sub(&sl->server->conn_count, 1);
    give_place_back(sl);
}

static void no_longer_waiting(struct server_loop *sl)
{
    if (!sl->waiting)
        return;
    set_waiting(sl, false);
    resume_listeners(sl);
}

void accept_signalled(struct server_loop *sl)
{
    const struct weir_server *server = sl->server;

    if (atomic_load(&server->waiting) > 0 &&
        atomic_load(&server->conn_count) >= server->options.max_connections) {
        (void)close_an_idle_one(sl);
        return;
    }
    no_longer_waiting(sl);
}

/* ---- Who may connect ------------------------------------------------------------------------- */

/* NULL, or why the peer may not connect; peer says who it is. */
static const char *refusal(const struct site *site, int fd, char peer[static 64])
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    struct ucred user;
    unsigned port;
    char host[46];

    if (!site->access.restricted && !site->web_servers.restricted)
        return NULL;
    snprintf(peer, 64, "unknown");
    if (site->endpoint.is_unix) {
        len = sizeof user;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len) != 0)
            return "peer-unknown";
        snprintf(peer, 64, "uid=%u,pid=%d", user.uid, user.pid);
        if (!access_allows_user(&site->access, user.uid))
            return "peer-not-allowed";
        return site->web_servers.restricted ? "peer-not-in-FCGI_WEB_SERVER_ADDRS" : NULL;
    }
    if (getpeername(fd, (struct sockaddr *)&address, &len) != 0 ||
        !endpoint_host_port((struct sockaddr *)&address, host, &port))
        return "peer-unknown";
    snprintf(peer, 64, "%s", host);
    if (!access_allows_address(&site->access, (struct sockaddr *)&address))
        return "peer-not-allowed";
    if (!access_allows_address(&site->web_servers, (struct sockaddr *)&address))
        return "peer-not-in-FCGI_WEB_SERVER_ADDRS";
    return NULL;
}

/* ---- Listeners ------------------------------------------------------------------------------- */

static enum listener_answer may_accept(struct listener *listener)
{
    struct site_listener *l = of(listener);
    struct server_loop *sl = l->sl;
    struct weir_server *server = sl->server;

    if (take_place(server))
        return LISTENER_ACCEPT;
    if (!listener_has_waiting(listener)) /* another loop was faster */
        return LISTENER_NOTHING;
    server_log_some(sl, &sl->full, WEIR_LOG_WARNING,
                    "reason=max-connections listener=%s limit=%u: new connections wait until "
                    "others have ended; raise max_connections",
                    l->site->url, server->options.max_connections);
    set_waiting(sl, true);
    if (take_place(server)) /* given back before the others knew that we wait */
        return LISTENER_ACCEPT;
    if (!close_an_idle_one(sl))
        signal_loops(sl);
    return LISTENER_REST;
}

static void accepted(struct listener *listener, int fd)
{
    struct site_listener *l = of(listener);
    struct server_loop *sl = l->sl;
    uint32_t before = sl->conn_count;
    char peer[64];
    const char *reason = refusal(l->site, fd, peer);

    no_longer_waiting(sl);
    if (reason) {
        server_log_some(sl, &sl->refused, WEIR_LOG_WARNING, "reason=%s listener=%s peer=%s", reason,
                        l->site->url, peer);
        close(fd);
    } else if (l->site->endpoint.carrier == ENDPOINT_HTTP) {
        http1_accept(sl, l->site, fd);
    } else {
        fcgi_accept(sl, l->site, fd);
    }
    if (sl->conn_count == before)
        give_place_back(sl);
    else
        atomic_fetch_add(&sl->server->conn_count, 1);
}

static void declined(struct listener *listener)
{
    struct server_loop *sl = of(listener)->sl;

    no_longer_waiting(sl);
    give_place_back(sl);
}

/* If somebody still waits, may_accept will be asked again. */
static void resumed(struct listener *listener)
{
    set_waiting(of(listener)->sl, false);
}

static void trouble(struct listener *listener, enum listener_trouble what)
{
    struct site_listener *l = of(listener);
    struct server_loop *sl = l->sl;

    if (what == LISTENER_BROKEN) {
        server_log(sl->server, WEIR_LOG_ERROR,
                   "reason=listener-lost listener=%s: %s; no connections are accepted there any "
                   "more",
                   l->site->url, strerror(errno));
        return;
    }
    server_log_some(sl, &sl->trouble, WEIR_LOG_ERROR,
                    "reason=accept-failed listener=%s: %s; new connections wait; raise the limit "
                    "of open files or lower max_connections",
                    l->site->url, strerror(errno));
    (void)close_an_idle_one(sl);
}

static void listener_closed(struct listener *listener)
{
    free(of(listener));
}

static const struct listener_ops listener_ops = {
    .may_accept = may_accept,
    .accepted = accepted,
    .declined = declined,
    .resumed = resumed,
    .trouble = trouble,
    .closed = listener_closed,
};

int accept_start(struct server_loop *sl)
{
    struct list *sites = &sl->server->sites;

    for (struct list *n = sites->next; n != sites; n = n->next) {
        struct site_listener *l = calloc(1, sizeof *l);
        if (!l)
            return WEIR_ERROR_NOMEM;
        l->sl = sl;
        l->site = container_of(n, struct site, node);
        if (listener_start(&l->listener, &sl->loop, l->site->fds[sl->loop.index], &listener_ops) !=
            0) {
            free(l);
            return WEIR_ERROR_SYSTEM;
        }
        list_insert(&sl->listeners, &l->node);
    }
    return 0;
}

void accept_stop(struct server_loop *sl, bool keep_sockets)
{
    set_waiting(sl, false);
    while (!list_empty(&sl->listeners)) {
        struct site_listener *l = container_of(sl->listeners.next, struct site_listener, node);
        list_remove(&l->node);
        listener_close(&l->listener);
        if (!keep_sockets)
            site_leave(l->site, sl->loop.index);
    }
}
