/* SPDX-License-Identifier: MIT
 *
 * client/call.h: one request to a FastCGI application and its answer.
 *
 * Embedded in whatever makes the request. After call_start, done is called exactly once, as the
 * last of its operations, unless call_abort comes first. All operations are called from the loop,
 * never from inside call_start or another function here. */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include "client/upstream.h"

struct call;

struct call_ops {
    /* A connection is ready and BEGIN_REQUEST is written: write the parameters with weir_web_param
     * on call->request. What comes after them, the body included, may follow at once. 0, or an
     * error that ends the call (LIMIT: a parameter is too long). */
    int (*params)(struct call *call);
    /* STDOUT; all of it must be taken. call_pause stops more from coming. */
    void (*output)(struct call *call, weir_str data);
    void (*error_output)(struct call *call, weir_str data);
    /* There is room for more of the body, after call_want_drain. */
    void (*drained)(struct call *call);
    /* It is over: 0 after END_REQUEST with REQUEST_COMPLETE; OVERLOADED, CANT_MPX, UNKNOWN_ROLE;
     * CONNECT, HANDSHAKE, CERTIFICATE, CLOSED, TRUNCATED, TIMEOUT, CANCELLED or a protocol error.
     */
    void (*done)(struct call *call, int error);
};

struct call {
    const struct call_ops *ops;
    struct upstream *up;
    struct upstream_conn *conn;
    struct weir_web_request *request; /* from params on, until done */
    struct deadline deadline;
    struct loop_task task; /* start, or tell of an early failure, from the loop */
    weir_role role;
    int8_t
        keep_conn; /* the flag; -1: what suits the upstream. May be changed before the loop runs */
    uint64_t connect_until;
    uint32_t app_status;
    int16_t protocol_status; /* -1: no END_REQUEST has come */
    unsigned tried;          /* addresses that could not be connected to */
    int failed_with;
    const char *detail; /* in done: what OpenSSL said, or NULL or "" */
    bool reused;        /* runs on a connection that served others before */
    bool fresh_only;    /* do not take a kept connection */
    bool asks; /* no request: params writes GET_VALUES on call->conn->session, and done tells 0 when
                  the answer is there, or UNKNOWN_TYPE. To be set before the loop runs */
    bool sent; /* a request was written: it may have been processed */
    bool responded; /* a byte of STDOUT or STDERR came */
    bool paused;
    bool cancelled; /* by call_cancel */
    bool stalled;   /* it was too slow in taking the request */
};

/* Clears and starts the call. up must outlive it. */
void call_start(struct call *call, struct upstream *up, weir_role role, const struct call_ops *ops,
                bool fresh_only);

/* Body bytes; with borrow they may be referenced until the loop's data op returns. Dropped when
 * the application does not read any more: its answer may still come. */
void call_stdin(struct call *call, weir_str data, bool borrow);
void call_stdin_end(struct call *call);

/* A Filter's file, behind the body. */
void call_data(struct call *call, weir_str data);
void call_data_end(struct call *call);

/* Whether much is unsent; then pause the source and wait for drained. */
bool call_congested(const struct call *call);
void call_want_drain(struct call *call);

/* Stops and restarts output. */
void call_pause(struct call *call);
void call_resume(struct call *call);

/* Starts the time in which the application must do something anew: it was not its fault. */
void call_touch(struct call *call);

/* As call_abort, but done is called, after END_REQUEST or abort_timeout: with CANCELLED. 0; STATE:
 * the request was not sent yet, use call_abort; NOMEM, the connection is lost. */
int call_cancel(struct call *call);

/* Nobody wants the answer any more: no operation is called from now on. The application is told
 * with ABORT_REQUEST; a connection that is to be kept is drained to END_REQUEST. */
void call_abort(struct call *call);

#endif
