/* SPDX-License-Identifier: MIT
 *
 * client/conn.h: one connection to an application, inside the client. */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include "client/call.h"
#include "wire/tap.h"

enum conn_state { CONN_CONNECTING, CONN_BUSY, CONN_IDLE, CONN_DRAINING };

struct upstream_conn {
    struct stream stream; /* first */
    struct weir_web_session session;
    struct upstream *up;
    struct tap *tap;   /* between session and stream, or NULL */
    struct list node;  /* in up->idle or up->conns */
    struct call *call; /* NULL: idle, draining after an abort, or asking */
    struct deadline deadline;
    uint32_t drained;  /* bytes read since an abort */
    unsigned endpoint; /* which of the upstream's */
    uint8_t state;
    bool is_probe;
    bool was_used;
    bool not_reusable; /* more was sent on it than the session knows */
};

/* A connection to one of the application's addresses, connected or about to be: 1, 0 or an error as
 * stream_connect (AGAIN: its backlog is full). */
int upstream_conn_open(struct upstream *up, unsigned endpoint, struct upstream_conn **ret_conn);

/* The idle connection used last, now busy; NULL when there is none. */
struct upstream_conn *upstream_conn_take(struct upstream *up);

void upstream_conn_close(struct upstream_conn *conn);

/* To be called after each function that queues on the session: what a tap has to see is moved on to
 * the stream. 0 or NOMEM; then the connection cannot be used any more. */
static inline int upstream_conn_push(struct upstream_conn *conn)
{
    return conn->tap ? tap_send(conn->tap, &conn->stream.out) : 0;
}

/* What the conn tells its call, in call.c. */
void call_connected(struct call *call);
void call_not_connected(struct call *call);
void call_ended(struct call *call, int error);
void call_event(struct call *call, const weir_web_event *event);

#endif
