/* SPDX-License-Identifier: MIT
 *
 * server/http2_conn.c: an HTTP/2 session on a socket. */
#include <stdlib.h>
#include <unistd.h>

#include "server/http2.h"
#include "server/socket_params.h"

const char http2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

_Static_assert(sizeof http2_preface - 1 == HTTP2_PREFACE_SIZE, "RFC 9113 3.4");

struct http2_conn {
    struct http2_session session; /* first */
    struct conn *conn;
    bool closed; /* the stream is gone; handlers have not let go yet */
    struct socket_addresses addresses;
};

static struct http2_conn *conn_of(struct stream *stream)
{
    return ((struct conn *)(void *)stream)->http2;
}

static struct http2_conn *owner_of(struct http2_session *s)
{
    return (struct http2_conn *)(void *)s;
}

static void conn_free(struct http2_conn *c)
{
    http2_session_done(&c->session);
    conn_remove(c->conn);
    free(c->conn);
    free(c);
}

static void lose(struct http2_conn *c)
{
    stream_close(&c->conn->stream);
    http2_session_lose(&c->session);
}

/* ---- What the session asks for --------------------------------------------------------------- */

static void output(struct http2_session *s, bool borrowed, bool more)
{
    struct stream *stream = &owner_of(s)->conn->stream;

    if (more)
        stream_want_drain(stream);
    if (borrowed)
        stream_borrowed(stream);
    else
        stream_dirty(stream);
}

static bool flush(struct http2_session *s)
{
    struct stream *stream = &owner_of(s)->conn->stream;

    stream_flush_now(stream);
    return stream_writable(stream);
}

static void over(struct http2_session *s)
{
    stream_finish(&owner_of(s)->conn->stream, true);
}

static void released(struct http2_session *s)
{
    struct http2_conn *c = owner_of(s);

    if (c->closed && s->stream_count == 0)
        conn_free(c);
}

static int load_params(struct http2_session *s, weir_exchange *x)
{
    struct http2_conn *c = owner_of(s);

    return socket_params_load(x, c->conn, &c->addresses);
}

static void note(struct http2_session *s, const char *reason, unsigned status)
{
    const struct conn *conn = owner_of(s)->conn;

    if (status)
        server_log(conn->sl->server, WEIR_LOG_INFO, "reason=%s status=%u listener=%s", reason,
                   status, conn->site->url);
    else
        server_log(conn->sl->server, WEIR_LOG_INFO, "reason=%s listener=%s", reason,
                   conn->site->url);
}

static const struct http2_session_ops session_ops = {
    .output = output,
    .flush = flush,
    .over = over,
    .released = released,
    .load_params = load_params,
    .note = note,
};

/* ---- What the socket tells ------------------------------------------------------------------- */

/* Is never paused: what a peer that does not read can have us queue is bounded by nghttp2 and by
 * the number of streams, and its RST_STREAM must be heard. */
static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    http2_session_receive(&conn_of(stream)->session, bytes, len);
    return len;
}

static void on_drained(struct stream *stream)
{
    http2_session_run(&conn_of(stream)->session);
}

/* The client sends no more, and HTTP/2 has no half-closed connections: it has gone. What is already
 * on its way out may still find somebody. */
static void on_end(struct stream *stream)
{
    struct http2_conn *c = conn_of(stream);

    if (http2_session_busy(&c->session)) {
        lose(c);
        return;
    }
    http2_session_lose(&c->session);
    stream_finish(stream, false);
}

static void on_error(struct stream *stream, int error, bool writing)
{
    (void)error;
    (void)writing;
    lose(conn_of(stream));
}

static void on_closed(struct stream *stream)
{
    struct http2_conn *c = conn_of(stream);

    http2_session_lose(&c->session);
    c->closed = true;
    if (c->session.stream_count == 0)
        conn_free(c);
}

static const struct stream_ops stream_ops = {
    .data = on_data,
    .end = on_end,
    .error = on_error,
    .drained = on_drained,
    .closed = on_closed,
};

static void stop(struct conn *conn, bool now)
{
    if (now)
        lose(conn->http2);
    else
        http2_session_stop(&conn->http2->session);
}

/* Between two requests. */
static bool give_way(struct conn *conn)
{
    struct http2_session *s = &conn->http2->session;

    if (!s->started || s->stream_count > 0 || s->stopping || s->dead)
        return false;
    http2_session_stop(s);
    return true;
}

int http2_begin(struct conn *conn)
{
    struct site *site = conn->site;
    struct http2_conn *c = calloc(1, sizeof *c);

    if (!c)
        return WEIR_ERROR_NOMEM;
    if (http2_session_init(&c->session, &session_ops, &conn->sl->loop, &conn->stream.out,
                           &conn->sl->server->options, conn->stream.tls != NULL, site->dispatch,
                           site->dispatch_arg) != 0) {
        free(c);
        return WEIR_ERROR_NOMEM;
    }
    c->session.peer = &conn->peer;
    c->conn = conn;
    conn->http2 = c;
    conn->stream.ops = &stream_ops;
    conn->stop = stop;
    conn->give_way = give_way;
    if (conn->sl->stopping)
        http2_session_stop(&c->session);
    return 0;
}
