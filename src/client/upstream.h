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
    bool ask_later;              /* not before upstream_ask is called, or a second call is made */
};

#define UPSTREAM_OPTIONS_DEFAULT \
    ((struct upstream_options){KEEPALIVE_AUTO, 2000, 60000, 60000, 60000, 60000, 5000, NULL, false})

struct upstream_conn;
struct tap;

struct upstream {
    struct loop *loop;
    struct endpoint endpoint;
    const struct endpoint *endpoints; /* all that there are, &endpoint unless the owner sets more */
    unsigned endpoint_count;
    unsigned preferred; /* the one that was connected to last: tried first */
    int last_errno;     /* why the last connect failed */
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

    /* For owners that look at records (wire/tap.h) or choose ids; NULL and 0 otherwise. */
    int (*make_tap)(struct upstream *up, struct tap **ret_tap); /* of a new connection: may be none;
                                                                   NOMEM */
    uint16_t first_id;
    void (*on_empty)(struct upstream *up); /* after upstream_close: no connection is left */
};

/* Starts asking (unless ask_later). endpoint and options are copied. */
void upstream_init(struct upstream *up, struct loop *loop, const struct endpoint *endpoint,
                   const struct upstream_options *options);

/* Closes idle connections, now and whenever one becomes idle. */
void upstream_drain(struct upstream *up);

/* Closes all connections; calls in progress are done with CANCELLED. The loop must run until they
 * are closed before the memory goes away. */
void upstream_close(struct upstream *up);

/* Asks the application about itself, unless that was done or is being done. */
void upstream_ask(struct upstream *up);

/* How many idle connections are kept, as things stand. */
uint32_t upstream_keeps(const struct upstream *up);

#endif
