/* SPDX-License-Identifier: MIT
 *
 * exchange/exchange.h: what weir/exchange.h promises, seen from those who carry exchanges.
 *
 * A carrier (server/http1, server/fcgi) embeds weir_exchange in a struct of its own, fills in the
 * request, and calls exchange_start; from then on exchange_body, exchange_body_end, exchange_cancel
 * and exchange_drained tell the handler what happens, and the carrier's operations do what the
 * handler asks for. Whatever a handler does inside a callback, the exchange stays valid until the
 * outermost of these calls returns; then release is called if the handler is done with it. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include <stdatomic.h>
#include <weir/exchange.h>
#include <weir/wire.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/field.h"
#include "net/loop.h"

enum send_flags {
    SEND_END = 1,    /* the response is complete with these pieces */
    SEND_BORROW = 2, /* large pieces stay valid until the loop's data op in progress returns */
};

struct carrier {
    /* Output waits for windows that the peer opens, and should be there when one opens. */
    bool has_windows;
    /* Fills headers and header_count, and params where they are not filled yet. 0 or NOMEM. */
    int (*load_headers)(weir_exchange *x);
    int (*load_params)(weir_exchange *x);
    /* Sends body pieces, and the head from status and fields if it was not sent. */
    int (*send)(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags);
    /* Sends part of a file as body without reading it, where that can be done: how many bytes were
     * sent; 0, none now, drained will be called; INVALID, read it and use send instead; or another
     * error. NULL: never. Asked for only when the response has a body on the wire. */
    int64_t (*send_file)(weir_exchange *x, int fd, uint64_t offset, uint64_t length);
    /* Whether trailers will reach the client; they are in x->trailers when send is told of the
     * end. NULL: never. Called on the handler's thread. */
    bool (*takes_trailers)(const weir_exchange *x);
    /* Sends a 1xx response made of these fields, or drops it where the other side takes none. */
    int (*informational)(weir_exchange *x, unsigned status, const weir_pair *fields, size_t count);
    /* Makes the response visibly broken; the head was sent. */
    void (*fail)(weir_exchange *x);
    /* The handler takes body again. */
    void (*body_wanted)(weir_exchange *x);
    /* Unsent output that stands between the handler and the peer. */
    size_t (*pending)(const weir_exchange *x);
    /* Have exchange_drained called once there is little of it. */
    void (*want_drain)(weir_exchange *x);
    /* Passes a line on to the error log of the peer; NULL where there is no such way. */
    int (*log)(weir_exchange *x, weir_str line);
    /* Send now what was queued: borrowed bytes are about to go away. */
    void (*flush)(weir_exchange *x);
    /* The handler is done: free the exchange and go on. */
    void (*release)(weir_exchange *x);
};

/* The process on the other end of a UNIX socket; -1: not known, or another kind of socket. */
struct exchange_peer {
    int64_t pid, uid, gid;
};

struct exchange_timer;
struct exchange_pairs;
struct blocking;
struct file_pump;
struct form_reader;

/* Something beyond the arena that must be given back when the exchange ends. */
struct exchange_cleanup {
    struct exchange_cleanup *next;
    void (*run)(struct exchange_cleanup *cleanup);
};

/* A stream of bytes for the handler. */
struct exchange_input {
    weir_body_fn *fn;
    void *arg;
    struct buf kept;   /* received and not given to the handler */
    size_t given_back; /* of what fn was just given, how much it did not take */
    int state;         /* 0, 1 or an error, once everything was received */
    bool paused;
    bool done;    /* the handler has been told of the end */
    bool dropped; /* nobody will read it */
};

struct weir_exchange {
    const struct carrier *carrier;
    struct loop *loop;
    struct arena *arena;
    weir_handler *handler;
    void *handler_arg;
    void *user;
    const struct exchange_peer *peer; /* of the connection; NULL: not known */
    weir_role role;

    /* The request; every string is followed by a NUL. */
    weir_str method, target, path, query, host, protocol;
    int64_t content_length;
    struct header *headers;
    size_t header_count;
    weir_pair *params;
    size_t param_count;
    bool headers_loaded, params_loaded;
    struct weir_tls_info *tls;                    /* once it was asked for */
    struct exchange_pairs *query_pairs, *cookies; /* once asked for */

    struct exchange_input body; /* the request's body */
    struct exchange_input data; /* the file that a Filter is to work on */
    int64_t data_length;        /* of it, -1 if not known */

    /* The response. */
    unsigned status;
    weir_str reason; /* of the status line; empty: the standard one */
    weir_pair *fields;
    size_t field_count, field_room;
    weir_pair *trailers;
    size_t trailer_count, trailer_room;
    int64_t declared;        /* Content-Length the handler set, or -1 */
    uint64_t written;        /* body bytes so far, sent or not */
    size_t unsent;           /* of them those that are not to be sent, since the last rest */
    struct file_pump *files; /* parts of the body that are still being sent, or NULL */
    uint32_t app_status;
    uint8_t protocol_status; /* weir_protocol_status of a request that was not processed */
    bool has_date, has_content_type;
    bool head_sent;
    bool is_head; /* the method is HEAD */
    bool broken;  /* failed after the head was sent */
    bool rests;   /* until the loop's next turn nothing more is written */

    weir_event_fn *on_cancel, *on_drain;
    void *on_cancel_arg, *on_drain_arg;
    void (*on_readable)(weir_exchange *x); /* body was kept, or its end has come */
    struct blocking *blocking;             /* the handler runs on a worker thread */
    struct form_reader *form;              /* the body is read as a form */
    struct exchange_cleanup *cleanups;
    struct exchange_timer *timer;
    struct loop_task task;
    unsigned busy;
    atomic_bool cancelled; /* also looked at by worker threads */
    bool finished;
    bool held;     /* output must wait: a Filter's body has not ended (FastCGI 6.4) */
    weir_str last; /* of a response that was ended while held */
};

enum { BODY_BUFFER = 64 * 1024, RESPONSE_FIELDS_MAX = 100 };

/* Clears the exchange and sets what every carrier sets alike. */
void exchange_init(weir_exchange *x, const struct carrier *carrier, struct loop *loop,
                   struct arena *arena);

/* Gives back what the exchange holds beyond its arena; for the carrier's release. */
void exchange_done(weir_exchange *x);

/* Has cleanup run when the exchange ends, on the handler's thread; cleanup lives in the arena. */
void exchange_at_end(weir_exchange *x, struct exchange_cleanup *cleanup);

/* Runs the cleanups; for a handler on another thread, before its arena is gone. */
void exchange_clean_up(weir_exchange *x);

/* Inside the body's callback, having paused the body: the last n bytes were not taken, and neither
 * was the end if it was told. They come again when it is resumed. */
void exchange_give_back(weir_exchange *x, size_t n);

/* Between the two the exchange stays valid, whatever becomes of it; it may be gone after unhold.
 * For handlers that are called from elsewhere than their exchange, like weir itself by its calls.
 */
void exchange_hold(weir_exchange *x);
void exchange_unhold(weir_exchange *x);

/* Calls the handler. */
void exchange_start(weir_exchange *x);

/* Body bytes arrived: returns how many were taken; the rest is to be offered again after
 * body_wanted. After the handler is done all are taken and dropped. */
size_t exchange_body(weir_exchange *x, weir_str data);

/* The body is over: 1 complete, or an error. */
void exchange_body_end(weir_exchange *x, int state);

/* What is left of the body is not kept any more, though the exchange goes on. */
void exchange_drop_body(weir_exchange *x);

/* The same for a Filter's data. */
size_t exchange_data(weir_exchange *x, weir_str data);
void exchange_data_end(weir_exchange *x, int state);

/* The other side has lost interest. */
void exchange_cancel(weir_exchange *x);

void exchange_drained(weir_exchange *x);

/* weir_write for pieces that may be borrowed (SEND_BORROW), and for the last ones (SEND_END, which
 * finishes the exchange). Does not refuse with AGAIN: look at exchange_congested before. */
int exchange_send(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags);
bool exchange_congested(const weir_exchange *x);

/* Output need not wait any more; called with the exchange on hold. A response that was ended
 * meanwhile is sent. */
void exchange_unheld(weir_exchange *x);

/* weir_log, on the loop: line ends with a line feed. */
int exchange_log(weir_exchange *x, weir_str line);

/* Whether it is too late to change status and headers. */
bool exchange_head_is_fixed(const weir_exchange *x);

/* The exchange is over; it is released when no callback runs. */
void exchange_end(weir_exchange *x);

/* Whether fewer body bytes were written than declared. */
bool exchange_falls_short(const weir_exchange *x);

/* weir_fail, on the loop. */
void exchange_fail(weir_exchange *x);

/* As weir_add_header without copying or checking: the strings live as long as the exchange. */
int exchange_add_field(weir_exchange *x, weir_str name, weir_str value);

/* Whether the response has a body on the wire. */
bool exchange_sends_body(const weir_exchange *x);

/* Loads params and headers; for a handler on another thread. 0 or NOMEM. */
int exchange_load(weir_exchange *x);

/* Joins fields of one name and makes each name unique; for carriers, after filling headers. */
int exchange_join_headers(weir_exchange *x);

#endif
