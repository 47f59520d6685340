/* SPDX-License-Identifier: MIT
 *
 * server/site.c: the addresses that a server listens on, from the URL to open sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server.h"
#include "server/workers.h"

enum { PORT_ATTEMPTS = 16 };

static void close_sockets(struct site *site)
{
    for (unsigned i = 0; i < SERVER_THREADS_MAX; i++) {
        if (site->fds[i] >= 0 && !(site->shared && i > 0))
            close(site->fds[i]);
        site->fds[i] = -1;
    }
    socket_file_remove(&site->file);
}

static void site_free(struct site *site)
{
    list_remove(&site->node);
    close_sockets(site);
    free(site);
}

static void free_all(struct list *sites)
{
    while (!list_empty(sites))
        site_free(container_of(sites->next, struct site, node));
}

void sites_free(struct weir_server *server)
{
    free_all(&server->sites);
}

void site_leave(struct site *site, unsigned loop_index)
{
    if (!site->shared && site->fds[loop_index] >= 0) {
        close(site->fds[loop_index]);
        site->fds[loop_index] = -1;
    }
    if (atomic_fetch_sub(&site->users, 1) == 1) /* all others are done with theirs */
        close_sockets(site);
}

/* What is offered in the TLS handshake (RFC 7301), the best first. */
static weir_str alpn_of(const struct weir_server *server, const struct endpoint *ep)
{
    if (ep->carrier != ENDPOINT_HTTP)
        return WEIR_STR("");
    return server->options.http2 == WEIR_HTTP2_AUTO ? WEIR_STR("\2h2\10http/1.1")
                                                    : WEIR_STR("\10http/1.1");
}

static struct site *site_new(struct weir_server *server, const struct endpoint *ep,
                             weir_handler *handler, void *arg)
{
    struct site *site = calloc(1, sizeof *site);

    if (!site)
        return NULL;
    *site = (struct site){
        .server = server,
        .endpoint = *ep,
        .handler = handler,
        .handler_arg = arg,
        .dispatch = server->options.workers ? workers_handle : handler,
        .dispatch_arg = server->options.workers ? site : arg,
        .alpn = alpn_of(server, ep),
        .file = {.folder = -1},
        .shared = ep->is_unix || ep->is_fd,
        .users = server->options.threads,
    };
    list_init(&site->node);
    for (unsigned i = 0; i < SERVER_THREADS_MAX; i++)
        site->fds[i] = -1;
    return site;
}

/* A listening socket for each loop: the kernel spreads TCP connections over them (SO_REUSEPORT);
 * UNIX sockets cannot be shared that way, so the loops wait on the same one. */
static int open_sockets(struct site *site, const struct listen_options *options)
{
    unsigned threads = site->server->options.threads;
    struct socket_file none;

    for (unsigned i = 0; i < threads; i++) {
        bool first = i == 0;
        if (!first && site->shared) {
            site->fds[i] = site->fds[0];
            continue;
        }
        int fd = listen_open(&site->endpoint, options,
                             threads == 1 ? LISTEN_ALONE
                             : first      ? LISTEN_FIRST
                                          : LISTEN_FURTHER,
                             first ? &site->file : &none, site->server->error);
        if (fd < 0)
            return fd;
        site->fds[i] = fd;
    }
    return 0;
}

static int restrict_access(struct site *site, const struct listen_options *options)
{
    struct weir_server *server = site->server;
    int rc = listen_access(&site->endpoint, options, &site->access, server->error);

    if (rc == 0 && site->endpoint.carrier == ENDPOINT_FCGI)
        rc = listen_web_servers(server->web_server_addrs, &site->web_servers, server->error);
    return rc;
}

static in_port_t *port_of(struct endpoint *ep)
{
    if (ep->address.any.sa_family == AF_INET)
        return &((struct sockaddr_in *)(void *)&ep->address)->sin_port;
    return &((struct sockaddr_in6 *)(void *)&ep->address)->sin6_port;
}

/* What a URL becomes. */
struct opening {
    struct weir_server *server;
    struct endpoint eps[ENDPOINTS_MAX];
    size_t count;
    struct listen_options options;
    weir_handler *handler;
    void *arg;
};

/* One site of several. An address that this machine does not have (::1 without IPv6) is passed over
 * as long as there is another one: *ret_skipped. */
static int open_one(const struct opening *o, struct endpoint ep, struct list *sites,
                    bool *ret_skipped)
{
    bool is_last = o->count == 1;
    struct site *site = site_new(o->server, &ep, o->handler, o->arg);

    *ret_skipped = false;
    if (!site)
        return WEIR_ERROR_NOMEM;
    int rc = open_sockets(site, &o->options);
    *ret_skipped = rc == WEIR_ERROR_SYSTEM && !is_last && listen_lacks_address(errno);
    if (rc == 0)
        rc = restrict_access(site, &o->options);
    if (rc != 0) {
        int saved = errno;
        site_free(site);
        errno = saved;
        return rc;
    }
    endpoint_format(&site->endpoint, site->url);
    list_insert(sites, &site->node);
    return 0;
}

/* All addresses, on one port if the kernel may choose it. */
static int open_all(const struct opening *o, struct list *sites)
{
    in_port_t port = 0;
    int rc = 0;

    for (size_t i = 0; i < o->count; i++) {
        struct endpoint ep = o->eps[i];
        bool tcp = !ep.is_fd && !ep.is_unix, skipped;
        if (tcp && port != 0)
            *port_of(&ep) = port;
        int one = open_one(o, ep, sites, &skipped);
        if (one == 0 && tcp)
            port = *port_of(&container_of(sites->prev, struct site, node)->endpoint);
        if (one != 0 && !skipped)
            return one;
        if (one != 0)
            rc = one;
    }
    return list_empty(sites) ? rc : 0;
}

static bool any_port(struct opening *o)
{
    return !o->eps[0].is_fd && !o->eps[0].is_unix && *port_of(&o->eps[0]) == 0;
}

/* For listeners that speak TLS. */
static int load_certificates(struct weir_server *server, const char *url)
{
    int rc = certificates_load(&server->certificates, server->error);

    if (rc == 0 && server->certificates.count == 0) {
        snprintf(server->error, sizeof server->error,
                 "%s: TLS needs a certificate and its key, and none was given", url);
        rc = WEIR_ERROR_CERTIFICATE;
    }
    return rc;
}

int sites_add(struct weir_server *server, const char *url, weir_handler *handler, void *arg)
{
    struct opening o = {.server = server, .handler = handler, .arg = arg};
    struct list sites;
    int rc = listen_parse(url, o.eps, &o.count, &o.options, server->error);

    if (rc == 0 && o.eps[0].is_tls)
        rc = load_certificates(server, url);
    if (rc != 0)
        return rc;
    list_init(&sites);
    for (int i = 0; i < PORT_ATTEMPTS; i++) {
        rc = open_all(&o, &sites);
        if (rc == 0)
            break;
        int error = errno;
        free_all(&sites);
        /* A port that is free on one address may be taken on another. */
        if (!(rc == WEIR_ERROR_SYSTEM && error == EADDRINUSE && o.count > 1 && any_port(&o)))
            return rc;
    }
    if (rc != 0)
        return rc;
    while (!list_empty(&sites)) {
        struct list *node = sites.next;
        list_remove(node);
        list_insert(&server->sites, node);
    }
    server->error[0] = '\0';
    return 0;
}
