/* SPDX-License-Identifier: MIT
 *
 * client/upstream.h: one FastCGI application as one loop sees it: its connections, what it said
 * about itself, and whether connections to it are kept.
 *
 * A kept connection pins a worker of an application that serves one request at a time (php-fpm), so
 * by default connections are kept only to those that declared that they mind (FCGI_MPXS_CONNS=1, or
 * FCGI_MAX_CONNS, which is then also the limit). They are asked on a connection of its own. */
#ifndef CLIENT_UPSTREAM_H
#define CLIENT_UPSTREAM_H

#include "net/endpoint.h"
#include "net/stream.h"
#include "wire/web.h"

enum { KEEPALIVE_AUTO = -1 };

struct upstream_options {
    int keepalive;               /* idle connections to keep; 0 none, KEEPALIVE_AUTO */
    uint32_t connect_timeout;    /* ms, with the TLS handshake */
    uint32_t first_byte_timeout; /* ms from the request, or its last piece, to the first STDOUT */
    uint32_t response_timeout;   /* ms between two pieces of STDOUT */
    uint32_t send_timeout;       /* ms in which the application takes nothing */
    uint32_t idle_timeout;       /* ms that a kept connection may be unused */
    uint32_t abort_timeout;      /* ms from ABORT_REQUEST to END_REQUEST */
    struct tls_context *tls;     /* for fcgis: endpoints, which need one; not owned */
};

#define UPSTREAM_OPTIONS_DEFAULT \
    ((struct upstream_options){KEEPALIVE_AUTO, 2000, 60000, 60000, 60000, 60000, 5000, NULL})

struct upstream_conn;

struct upstream {
    struct loop *loop;
    struct endpoint endpoint;
    char url[ENDPOINT_TEXT];
    struct upstream_options options;
    struct list idle;  /* most recently used first */
    struct list conns; /* all others */
    uint32_t idle_count;
    uint32_t conn_count;
    struct upstream_conn *probe; /* asking, NULL: not now */
    struct deadline probe_again;
    struct tls_ticket ticket;
    weir_web_values values;
    bool asked; /* values are what the application said, or did not say */
    bool closing;
};

/* Starts asking. endpoint and options are copied. */
void upstream_init(struct upstream *up, struct loop *loop, const struct endpoint *endpoint,
                   const struct upstream_options *options);

/* Closes idle connections, now and whenever one becomes idle. */
void upstream_drain(struct upstream *up);

/* Closes all connections; calls in progress are done with CANCELLED. The loop must run until they
 * are closed before the memory goes away. */
void upstream_close(struct upstream *up);

/* How many idle connections are kept, as things stand. */
uint32_t upstream_keeps(const struct upstream *up);

#endif
