/* SPDX-License-Identifier: MIT
 *
 * server/http2.h: the HTTP/2 front end (RFC 9113) on nghttp2.
 *
 *     bytes in -> http2_session -> nghttp2 -> events -> exchanges    one of each stream
 *     bytes out <- out (outq) <- nghttp2 <- queue of each stream <---+
 *
 * A session knows no socket: bytes come in by http2_session_receive, and go out through a queue
 * that its owner empties; so tests and the fuzzer drive it as http2_conn does. No handler ever runs
 * while nghttp2 is on the stack: its callbacks only note what happened, http2_session.c acts on it
 * afterwards. So an event may end any stream, or the session. */
#ifndef SERVER_HTTP2_H
#define SERVER_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "http/http2_head.h"
#include "server/http2_budget.h"
#include "server/server.h"

struct http2_session;

struct http2_session_ops {
    /* There are bytes in out: send them this turn; borrowed: before the data op in progress ends.
     * more: call http2_session_run again when out has drained. */
    void (*output)(struct http2_session *s, bool borrowed, bool more);
    /* Send now what is in out, and copy what is borrowed. False: it cannot be sent any more. */
    bool (*flush)(struct http2_session *s);
    /* The session has said its last word: close when out is sent. */
    void (*over)(struct http2_session *s);
    /* A handler has let go of an exchange, which may have been the last one. May free the session.
     */
    void (*released)(struct http2_session *s);
    /* As the carrier's. */
    int (*load_params)(struct http2_session *s, weir_exchange *x);
    /* A line for the log; status 0: none was sent. */
    void (*note)(struct http2_session *s, const char *reason, unsigned status);
};

/* So many bytes of DATA are worth a frame that carries none. */
enum { HTTP2_EARNING_DATA = 128 };

/* What a session's own deadline is waiting for. */
enum http2_wait { HTTP2_WAIT_NOTHING, HTTP2_WAIT_HEAD, HTTP2_WAIT_REQUEST };

struct http2_session {
    nghttp2_session *ng;
    const struct http2_session_ops *ops;
    struct loop *loop;
    struct outq *out;
    const weir_server_options *options;
    weir_handler *handler;
    void *handler_arg;
    const struct exchange_peer *peer; /* of the connection, or NULL; for the exchanges */
    struct list streams;
    struct list events;    /* streams to which something has happened */
    struct loop_task task; /* http2_session_run, later in this turn */
    struct deadline deadline;
    struct deadline drain; /* of a graceful stop: the second step comes now, PING answered or not */
    struct http2_budget resets, control;
    uint32_t stream_count;
    uint64_t held;                     /* bytes of bodies that handlers have not taken */
    uint32_t growth_left;              /* bytes by which windows of streams may still grow */
    struct http2_stream *chunk_stream; /* whose DATA nghttp2 has stopped at */
    weir_str chunk;
    const char *excess; /* the peer does too much of this: the connection is to be ended */
    enum http2_wait waits;
    bool tls;
    bool paused;     /* nghttp2 has stopped at a chunk */
    bool in_head;    /* a header list has begun and not ended */
    bool started;    /* the peer's preface has come */
    bool running;    /* http2_session_run is on the stack */
    bool ending;     /* GOAWAY with an error was submitted: nothing more is read */
    bool stopping;   /* a graceful stop has begun */
    bool unwritable; /* what is sent reaches nobody: the owner will soon hear of it */
    bool failed;     /* nghttp2 could not go on */
    bool dead;       /* the connection is gone or must not be used any more */
};

/* What has happened to a stream, in the order in which it is dealt with. */
enum http2_event {
    HTTP2_BEGIN = 1,  /* the head is complete */
    HTTP2_END = 2,    /* the body is complete */
    HTTP2_CLOSED = 4, /* nghttp2 has forgotten the stream */
    HTTP2_DRAIN = 8,  /* its queue is nearly empty */
};

/* A stream, and the exchange on it. It lives until nghttp2 has closed it and the handler has let
 * go, whichever comes last; until then it counts for SETTINGS_MAX_CONCURRENT_STREAMS. */
struct http2_stream {
    struct weir_exchange x; /* first; initialised when the handler is started */
    struct http2_session *session;
    struct arena arena;
    struct http2_head head;
    struct http2_head *trailers;
    struct list node, event;
    struct outq queue;       /* response body that nghttp2 has not framed yet */
    nghttp2_nv *last_fields; /* the response's trailers, once its end is queued */
    size_t last_field_count;
    struct buf rest; /* request body that the exchange did not take */
    struct deadline body_deadline, send_deadline;
    uint64_t unconsumed;     /* bytes received that no WINDOW_UPDATE has given back */
    uint32_t window, filled; /* the stream's receive window; bytes since it last grew */
    int32_t id;
    int32_t reset_after; /* RST_STREAM with this code follows END_STREAM; -1: none */
    uint8_t events;      /* enum http2_event */
    bool let_go;         /* no handler has been started, or it is done */
    bool gone;           /* nghttp2 has closed it */
    bool closed;         /* and that was dealt with */
    bool refused;        /* we answer instead of the handler */
    bool received;       /* END_STREAM was received */
    bool ended;          /* and the handler may be told of it, once it has taken the rest */
    bool body_over;      /* the exchange has been told of the body's end */
    bool continue_due;   /* the client waits for 100 Continue */
    bool head_sent;      /* HEADERS of the final response were submitted */
    bool out_ended;      /* the queue holds the last of the body */
    bool answered;       /* END_STREAM was sent */
    bool was_reset;      /* RST_STREAM was submitted */
    bool deferred;       /* nghttp2 waits for more in the queue */
    bool wants_drain;
};

/* ---- http2_session.c ------------------------------------------------------------------------- */

/* Begins a session and queues the server's preface. 0, or NOMEM with nothing to be undone. */
int http2_session_init(struct http2_session *s, const struct http2_session_ops *ops,
                       struct loop *loop, struct outq *out, const weir_server_options *options,
                       bool tls, weir_handler *handler, void *arg);

/* Frees what the session holds. No handler may be running: stream_count is 0, or the loop has
 * ended. */
void http2_session_done(struct http2_session *s);

/* Bytes arrived; all are used. They may be borrowed into other queues until the call returns and
 * stream_flush_borrowed was called. */
void http2_session_receive(struct http2_session *s, const char *bytes, size_t len);

/* Frames what can be framed into out, and acts on what has happened. */
void http2_session_run(struct http2_session *s);

/* Has http2_session_run called later in this turn. */
void http2_session_wake(struct http2_session *s);

/* Graceful stop in two steps (RFC 9113 6.8): GOAWAY that names no stream, and once the peer has
 * answered a PING behind it, GOAWAY that names the last one. */
void http2_session_stop(struct http2_session *s);

/* The connection is gone: every handler hears of it. */
void http2_session_lose(struct http2_session *s);

/* Whether an exchange is not finished yet. */
bool http2_session_busy(const struct http2_session *s);

/* Frames what can be framed into out. */
void http2_session_pump(struct http2_session *s);

/* Ends the connection with an error, after what is already queued. */
void http2_session_end(struct http2_session *s, uint32_t code, const char *reason);

/* ---- http2_callbacks.c ----------------------------------------------------------------------- */

/* Makes s->ng. 0 or NOMEM. */
int http2_callbacks_open(struct http2_session *s);

/* Notes an event of a stream. */
void http2_stream_event(struct http2_stream *st, enum http2_event event);

/* RST_STREAM. */
void http2_stream_reset(struct http2_stream *st, uint32_t code);

/* ---- http2_stream.c -------------------------------------------------------------------------- */

/* NULL when memory is out. */
struct http2_stream *http2_stream_new(struct http2_session *s, int32_t id);
void http2_stream_free(struct http2_stream *st);

/* The head is complete: starts the handler, or refuses. */
void http2_stream_begin(struct http2_stream *st);

/* DATA, and its end. */
void http2_stream_data(struct http2_stream *st, weir_str data);
void http2_stream_end(struct http2_stream *st);

/* nghttp2 has closed the stream, or the connection is gone. May free it. */
void http2_stream_closed(struct http2_stream *st);

/* Tells nghttp2 how much of the body has been taken. */
void http2_stream_give_back(struct http2_stream *st);

/* The handler takes body again. */
void http2_stream_resume(struct http2_stream *st);

/* Answers instead of the handler, which is cancelled if it runs. */
void http2_stream_refuse(struct http2_stream *st, unsigned status, const char *reason);

/* ---- http2_response.c ------------------------------------------------------------------------ */

extern const struct carrier http2_carrier;

/* A plain answer of our own, with its end. */
int http2_response_plain(struct http2_stream *st, unsigned status);

/* nghttp2 asks for body, and has framed it. */
ssize_t http2_response_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *user);
int http2_response_frame(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
                         size_t length, nghttp2_data_source *source, void *user);

void http2_response_stalled(struct deadline *deadline);

/* ---- http2_conn.c ---------------------------------------------------------------------------- */

enum { HTTP2_PREFACE_SIZE = 24 };
extern const char http2_preface[];

/* Makes an HTTP/2 connection of one that has just been accepted: by prior knowledge in clear text,
 * or after a TLS handshake that chose "h2". conn was allocated with malloc, with the struct that it
 * is the first member of, and what else is in there must hold nothing more: http2 frees it. The
 * stream's ops are replaced; bytes that have come already are to be passed to its data op next,
 * from the preface on. 0 or NOMEM; then conn is as before. */
int http2_begin(struct conn *conn);

#endif
