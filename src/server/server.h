/* SPDX-License-Identifier: MIT
 *
 * server/server.h: what the front ends share. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdatomic.h>
#include <weir/server.h>

#include "exchange/exchange.h"
#include "http/request.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/unix_socket.h"
#include "server/certificates.h"

struct http2_conn;
struct server_loop;
struct workers;

enum {
    SERVER_THREADS_MAX = 256,
    SERVER_WORKERS_MAX = 4096,
    SERVER_FIELDS_MAX = 1000,
    SERVER_REQUESTS_MAX = 65535,
    SERVER_HEAD_MAX = 16 << 20,
    SERVER_PARAMS_MAX = 64 << 20,
    SERVER_H2_STREAMS_MAX = 1000,
    SERVER_H2_WINDOW_MAX = 16 << 20,
    SERVER_H2_TABLE_MAX = 65536,
};

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
    struct access access;      /* the URL's own list */
    struct access web_servers; /* FCGI_WEB_SERVER_ADDRS */
    struct socket_file file;
    bool shared; /* all loops wait on fds[0]: UNIX sockets and inherited ones */
    atomic_uint users;
    int fds[SERVER_THREADS_MAX]; /* one a loop */
};

/* What every connection has, whatever it carries. */
struct conn {
    struct stream stream; /* first: stream ops get back here */
    struct list node;     /* in its loop's list */
    struct server_loop *sl;
    struct site *site;
    struct exchange_peer peer;
    struct http2_conn *http2; /* once it is one */
    /* The server stops: close if idle, else as soon as possible; now: cancel what runs. */
    void (*stop)(struct conn *conn, bool now);
    /* Others need the place: close if the peer expects that at this moment. NULL: it never does.
     * Returns whether it will be closed. */
    bool (*give_way)(struct conn *conn);
};

/* At most one line a second of its kind is logged; held counts the others. */
struct log_limit {
    uint64_t next; /* ms on the loop's clock */
    uint32_t held;
};

struct server_loop {
    struct loop loop;
    struct weir_server *server;
    uv_thread_t thread;
    uv_async_t signal; /* a stop, or connections wait for a place */
    struct list listeners;
    struct list conns;
    uint32_t conn_count;
    struct deadline drain;
    bool waiting;  /* connections of this loop's listeners wait for a place */
    bool stopping; /* a stop has begun on this loop */
    bool cancelling;
    bool ending;
    /* The last connection of a stopping loop is gone. */
    void (*ended)(struct server_loop *sl);
    void (*closed)(struct server_loop *sl); /* on the application's loop: all handles are closed */
    struct log_limit refused, full, trouble, overloaded;
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
    atomic_uint conn_count; /* open connections on all loops */
    atomic_uint places;     /* taken by them, or by accept; at most options.max_connections */
    atomic_uint waiting;    /* loops on which connections wait for a place */
    atomic_int stops;       /* how often weir_server_stop was called */
    atomic_int stopping;    /* calls of it that are in progress */
    atomic_bool running;
    atomic_bool forced; /* handlers did not end when told to: they may still run */
    bool served;        /* it has run, or runs */
    bool owns_process;  /* the process serves and does nothing else: signals are ours */
    bool no_stderr;
    weir_stopped_fn *stopped; /* of an attached server */
    void *stopped_arg;
    char *web_server_addrs;  /* of the options, or NULL */
    char options_error[128]; /* what is wrong with the options, "" if nothing is */
    char error[TLS_ERROR];
};

/* Copies the caller's options with what they point to and fills in the defaults;
 * server->options_error says what is wrong. 0, or NOMEM or SYSTEM and then nothing is left behind.
 */
int server_take_options(struct weir_server *server, const weir_server_options *given);
void server_drop_options(struct weir_server *server);

/* Opens the sockets of a URL and adds a site for each of its addresses. 0 or an error, and then no
 * site was added; server->error says why. */
int sites_add(struct weir_server *server, const char *url, weir_handler *handler, void *arg);

/* A loop does not listen any more; the last one of them closes what is shared. */
void site_leave(struct site *site, unsigned loop_index);

void sites_free(struct weir_server *server);

/* Starts listening at all sites on this loop; and stops, for good: sockets are closed when no loop
 * needs them any more, unless they are to be kept. */
int accept_start(struct server_loop *sl);
void accept_stop(struct server_loop *sl, bool keep_sockets);

/* A place among max_connections is free again, or somebody waits for one: does what this loop can
 * do about it. */
void accept_signalled(struct server_loop *sl);

/* A connection of this loop has gone. */
void accept_conn_gone(struct server_loop *sl);

/* Whether connections wait for a place: one that has become idle should be closed. */
static inline bool accept_is_waiting(const struct server_loop *sl)
{
    return atomic_load_explicit(&sl->server->waiting, memory_order_relaxed) > 0;
}

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

/* The same, for lines that a peer can cause: only some of a flood. */
__attribute__((format(printf, 4, 5))) void server_log_some(struct server_loop *sl,
                                                           struct log_limit *limit,
                                                           weir_log_level level, const char *format,
                                                           ...);

/* The default of weir_server_options.log. */
void log_to_stderr(weir_log_level level, const char *line, void *arg);

/* For a process that does nothing but serve: while weir_server_run runs, SIGTERM and SIGINT stop
 * the server, SIGHUP reloads certificates if it has any, and SIGPIPE is ignored; afterwards they
 * are as they were. Once that is so the log is told where the server listens. */
void server_own_process(struct weir_server *server);

#endif
