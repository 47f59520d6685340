/* SPDX-License-Identifier: MIT
 *
 * client/conn.h: one connection to an application, inside the client. */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include "client/call.h"

enum conn_state { CONN_CONNECTING, CONN_BUSY, CONN_IDLE, CONN_DRAINING };

struct upstream_conn {
    struct stream stream; /* first */
    struct weir_web_session session;
    struct upstream *up;
    struct list node;  /* in up->idle or up->conns */
    struct call *call; /* NULL: idle, draining after an abort, or asking */
    struct deadline deadline;
    uint32_t drained; /* bytes read since an abort */
    uint8_t state;
    bool is_probe;
    bool was_used;
};

/* A connection to the application, connected or about to be: 1, 0 or an error as stream_connect
 * (AGAIN: its backlog is full). */
int upstream_conn_open(struct upstream *up, struct upstream_conn **ret_conn);

/* The idle connection used last, now busy; NULL when there is none. */
struct upstream_conn *upstream_conn_take(struct upstream *up);

void upstream_conn_close(struct upstream_conn *conn);

/* What the conn tells its call, in call.c. */
void call_connected(struct call *call);
void call_ended(struct call *call, int error);
void call_event(struct call *call, const weir_web_event *event);

/* Asks the application about itself, unless that was done or is being done. */
void upstream_ask(struct upstream *up);

#endif
