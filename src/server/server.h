/* SPDX-License-Identifier: MIT
 *
 * server/server.h: what the front ends share. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdatomic.h>
#include <weir/server.h>

#include "exchange/exchange.h"
#include "http/request.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "server/certificates.h"

struct server_loop;
struct workers;

/* One address and what is served there. */
struct site {
    struct list node; /* in the server's list */
    struct weir_server *server;
    struct endpoint endpoint;
    char url[ENDPOINT_TEXT];
    weir_str alpn; /* what it speaks over TLS, as tls_session_new takes it */
    weir_handler *handler;
    void *handler_arg;
    weir_handler *dispatch; /* what exchanges call: the handler, or what hands them to workers */
    void *dispatch_arg;
    int fds[256]; /* one a loop; UNIX sockets and inherited ones are shared: the same in all */
};

/* What every connection has, whatever it carries. */
struct conn {
    struct stream stream; /* first: stream ops get back here */
    struct list node;     /* in its loop's list */
    struct server_loop *sl;
    struct site *site;
    /* The server stops: close if idle, else as soon as possible; now: cancel what runs. */
    void (*stop)(struct conn *conn, bool now);
};

struct server_loop {
    struct loop loop;
    struct weir_server *server;
    uv_thread_t thread;
    uv_async_t stop_signal;
    struct list listeners;
    struct list conns;
    uint32_t conn_count;
    struct deadline drain;
    bool stopping; /* a stop has begun on this loop */
    bool cancelling;
    struct http_parser parser; /* of the request head being read, while it comes in one piece */
    struct http_field *fields; /* for parser */
};

/* What a part built on the server does at both ends of a loop's life. */
struct server_hooks {
    int (*loop_started)(struct loop *loop, void *arg);
    /* The server stops on this loop: let idle things go. */
    void (*loop_draining)(struct loop *loop, void *arg);
    /* Nothing is served any more: close all handles. The loop still runs until they are closed. */
    void (*loop_stopped)(struct loop *loop, void *arg);
    void *arg;
};

struct weir_server {
    weir_server_options options;
    struct list sites;
    struct certificates certificates;
    struct server_loop *loops;
    struct workers *workers; /* NULL: handlers run on the loops */
    struct server_hooks hooks;
    atomic_int stops; /* how often weir_server_stop was called */
    atomic_bool running;
    atomic_bool forced; /* handlers did not end when told to: they may still run */
    bool handles_signals;
    char error[TLS_ERROR];
};

/* Adds a connection to its loop, or takes it off: conn_remove is to be called after the stream's
 * closed op, before freeing. */
void conn_add(struct conn *conn, struct server_loop *sl, struct site *site);
void conn_remove(struct conn *conn);

/* One line through the server's log function; safe on any of its threads. */
__attribute__((format(printf, 3, 4))) void server_log(const struct weir_server *server,
                                                      weir_log_level level, const char *format,
                                                      ...);

/* Makes connections of the front ends out of accepted descriptors, which they take over. */
void http1_accept(struct server_loop *sl, struct site *site, int fd);
void fcgi_accept(struct server_loop *sl, struct site *site, int fd);

/* Makes SIGTERM and SIGINT stop the server while it runs, and SIGHUP reload certificates if it has
 * any. */
void server_handle_signals(struct weir_server *server);

#endif
