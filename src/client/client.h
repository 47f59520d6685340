/* SPDX-License-Identifier: MIT
 *
 * client/client.h: what weir/client.h promises, from the inside.
 *
 *     weir_client ---- upstream (connections)        one application
 *         |               ^
 *     weir_client_request-+- call                    one request to it
 *         |- params     what is asked (params.c, cgi.c)
 *         |- outgoing   its body and a Filter's file (outgoing.c)
 *         |- answer     STDOUT, read as a CGI response (answer.c)
 *         '- kept       output that nobody has read yet: the blocking form (blocking.c) */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdatomic.h>
#include <weir/client.h>

#include "base/arena.h"
#include "client/answer.h"
#include "client/call.h"
#include "net/resolve.h"
#include "wire/tap.h"

enum {
    READ_MOST = 1 << 30,
    CLIENT_ERROR = 512,   /* bytes of an error line */
    KEPT_MAX = 64 * 1024, /* output kept for weir_client_read before the application is stopped */
};

/* The loop that one or several clients run on. */
struct client_loop {
    struct loop *loop; /* &own, or a server's */
    struct loop own;
    uv_timer_t limit; /* of how long it is run; only on a loop of our own */
    unsigned owners;  /* clients not freed by the application */
    unsigned users;   /* clients whose memory is still there */
    unsigned active;  /* requests in progress */
    bool looks_up;    /* a look-up was forgotten: it may go on for long */
    bool is_own;      /* and may be run by us */
    bool running;
    bool expired;
    atomic_bool stop;
};

struct question;

struct weir_client {
    struct upstream up; /* first: its on_empty gets back here */
    struct client_loop *cl;
    struct loop_guest guest; /* on a server's loop */
    weir_client_options options;
    struct list requests; /* all */
    struct list waiting;  /* those that wait for addresses */
    struct resolve *resolve;
    struct endpoint endpoints[RESOLVE_MAX];
    uint64_t resolved_at;      /* on the loop's clock; 0: not */
    uint64_t connections;      /* made so far */
    uint64_t served;           /* requests started so far */
    struct question *question; /* being asked now */
    int unusable;              /* an error that all requests get */
    char *url;
    char port[ENDPOINT_PORT]; /* with a host that is looked up: up.endpoint.host */
    struct tls_context *tls;  /* of fcgis:, or NULL */
    char error[CLIENT_ERROR];
};

enum request_state { REQUEST_NEW, REQUEST_WAITING, REQUEST_RUNNING, REQUEST_OVER };

enum outgoing_kind { OUTGOING_NONE, OUTGOING_BYTES, OUTGOING_SOURCE, OUTGOING_WRITTEN };

struct outgoing {
    enum outgoing_kind kind;
    weir_str bytes;
    weir_source_fn *fn;
    void *arg;
    int64_t length; /* -1: not known */
    uint64_t sent;
    bool closing; /* weir_client_write_end was called */
    bool ended;
};

struct request_params {
    weir_pair *pairs;
    size_t count, room;
    size_t size; /* of all, encoded */
};

struct weir_client_request {
    struct call call;
    weir_client *client;
    struct list node;      /* in client->requests */
    struct list wait_node; /* in client->waiting */
    struct arena arena;
    weir_role role;
    enum request_state state;
    int result;
    unsigned busy; /* callbacks on the stack */
    bool dead;     /* freed by one of them */

    struct request_params params;
    bool is_head, is_idempotent; /* by REQUEST_METHOD */
    struct outgoing body, data;
    int64_t mtime;
    int8_t keep_conn;
    bool fresh;
    bool paused;

    weir_client_callbacks callbacks;
    void *arg;
    void *user;
    bool is_pull; /* the blocking form */
    bool wants_writable;
    struct deadline total, look_up;
    struct loop_task pump; /* sends what a function gives */

    bool is_raw;
    struct answer answer;
    struct buf kept;
    bool discards; /* output is not wanted any more */
    struct buf errors;

    uint64_t started; /* ns */
    weir_client_stats stats;
    struct tap_counts counts;
    int protocol_status;
    char error[CLIENT_ERROR];
};

/* ---- client.c */
__attribute__((format(printf, 3, 4))) int client_fail(weir_client *client, int error,
                                                      const char *format, ...);
/* That many more requests are in progress. */
void client_loop_count(struct client_loop *cl, int requests);
/* Has a loop that is being run look whether it is to go on. */
void client_notice(struct client_loop *cl);
/* Runs the loop of our own until over says so, timeout has passed (TIMEOUT) or a stop (CANCELLED,
 * if heeds_stop). */
int client_drive(struct client_loop *cl, bool (*over)(void *arg), void *arg, uint32_t timeout,
                 bool heeds_stop);
/* Finds addresses if they are not known. 1: there are; 0: request_resolved will be called for all
 * in waiting; or an error. */
int client_resolve(weir_client *client);

/* ---- ask.c: a pair of a GET_VALUES_RESULT on a connection with this tap */
void question_values(struct question *question, const struct tap *tap, weir_str content);

/* ---- request.c */
__attribute__((format(printf, 3, 4))) int request_fail(weir_client_request *r, int error,
                                                       const char *format, ...);
void request_resolved(weir_client_request *r, const char *error);
/* Ends it with an error: the application is told, and done called. */
void request_refuse(weir_client_request *r, int error);
void request_hold(weir_client_request *r);
void request_unhold(weir_client_request *r);
bool request_runs(const weir_client_request *r);

/* ---- params.c */
weir_pair *request_find_param(weir_client_request *r, weir_str name);
/* As weir_client_param; with replace a parameter of this name is changed. */
int request_put(weir_client_request *r, weir_str name, weir_str value, bool replace);
/* Adds what follows from the body. */
int request_complete_params(weir_client_request *r);

/* ---- outgoing.c */
void outgoing_pump(weir_client_request *r);
/* What needs no function of the application's: bytes, or the end of a body that is none. */
void outgoing_pump_bytes(weir_client_request *r);

#endif
