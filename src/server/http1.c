/* SPDX-License-Identifier: MIT
 *
 * server/http1.c: an HTTP/1.1 connection: bytes to exchanges, one after the other.
 *
 *     idle -> head -> exchange: body arrives, response leaves -> (rest of the body skipped) -> idle
 *
 * The next request is not looked at before the exchange has ended; what a client pipelines stays
 * unread in the socket. */
#include "server/http1.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/response.h"
#include "server/http2.h"
#include "server/tls.h"

enum { SKIP_MAX = 64 * 1024 }; /* of a body nobody wants: reading it costs less than a connection */

static struct http1_conn *conn_of(struct stream *stream)
{
    return (struct http1_conn *)(void *)stream;
}

static void set_deadline(struct http1_conn *c, uint32_t ms)
{
    deadline_set(&c->conn.sl->loop.deadlines, &c->deadline, ms);
}

static const weir_server_options *options_of(const struct http1_conn *c)
{
    return &c->conn.sl->server->options;
}

/* The client is gone, and the handler hears of it; the memory stays until it has let go. */
static void lose(struct http1_conn *c)
{
    c->lost = true;
    deadline_clear(&c->deadline);
    stream_close(&c->conn.stream);
    if (c->x && !c->draining)
        exchange_cancel(&c->x->x);
}

/* ---- Refusing -------------------------------------------------------------------------------- */

void http1_refuse(struct http1_conn *c, unsigned status, const char *reason)
{
    struct outq *out = &c->conn.stream.out;
    weir_str phrase = http_reason_phrase(status);
    char text[64], length[20];
    int n = snprintf(text, sizeof text, "%u %.*s\n", status, (int)phrase.len, phrase.ptr);
    size_t digits = u64_to_dec((uint64_t)n, length);

    server_log(c->conn.sl->server, WEIR_LOG_INFO, "reason=%s status=%u listener=%s", reason, status,
               c->conn.site->url);
    if (http1_write_status(out, status, WEIR_STR("")) == 0 &&
        http1_write_field(out, WEIR_STR("Date"), loop_date(&c->conn.sl->loop)) == 0 &&
        http1_write_field(out, WEIR_STR("Content-Type"), WEIR_STR("text/plain")) == 0 &&
        http1_write_field(out, WEIR_STR("Content-Length"), str(length, digits)) == 0 &&
        http1_write_field(out, WEIR_STR("Connection"), WEIR_STR("close")) == 0 &&
        outq_append(out, "\r\n", 2) == 0)
        (void)outq_append(out, text, (size_t)n);
    deadline_clear(&c->deadline);
    stream_finish(&c->conn.stream, true);
}

/* ---- The head -------------------------------------------------------------------------------- */

static struct http_limits limits_of(const struct http1_conn *c)
{
    const weir_server_options *o = options_of(c);
    return (struct http_limits){o->head_max, o->target_max, (uint16_t)o->fields_max};
}

static void begin_exchange(struct http1_conn *c, const struct http_parser *parser, const char *head)
{
    const char *reason = NULL;
    struct http1_exchange *x;
    int status = http1_exchange_new(c, parser, head, &x, &reason);

    if (status != 0) {
        arena_done(&c->arena);
        http1_refuse(c, (unsigned)status, reason);
        return;
    }
    c->x = x;
    c->parser = NULL;
    buf_done(&c->head);
    if (x->body_complete)
        deadline_clear(&c->deadline);
    else
        set_deadline(c, options_of(c)->body_timeout);

    exchange_hold(&x->x); /* until the body's end is told, too */
    exchange_start(&x->x);
    if (x->body_complete)
        exchange_body_end(&x->x, 1);
    exchange_unhold(&x->x);
}

/* Keeps what there is of a head that goes on in the next read, with the parser's state. */
static void keep_head(struct http1_conn *c, weir_str *in)
{
    struct http_parser *parser = arena_alloc(&c->arena, sizeof *parser);
    struct http_field *fields = arena_alloc(&c->arena, options_of(c)->fields_max * sizeof *fields);

    if (!parser || !fields || buf_append(&c->head, in->ptr, in->len) != 0) {
        stream_close(&c->conn.stream);
        return;
    }
    http_parser_move(parser, &c->conn.sl->parser, fields);
    c->parser = parser;
    in->ptr += in->len;
    in->len = 0;
    set_deadline(c, options_of(c)->head_timeout);
}

static void read_more_head(struct http1_conn *c, weir_str *in)
{
    size_t before = c->head.len;
    /* The parser refuses what is over its limit, so one byte more than that is enough. */
    size_t n = in->len;
    if (n > c->head.max - before)
        n = c->head.max - before;

    if (buf_append(&c->head, in->ptr, n) != 0) {
        stream_close(&c->conn.stream);
        return;
    }
    enum http_verdict verdict = http_parser_feed(c->parser, c->head.ptr, c->head.len);
    if (verdict == HTTP_REFUSED) {
        http1_refuse(c, c->parser->status, c->parser->reason);
        return;
    }
    size_t used = verdict == HTTP_DONE ? c->parser->request.head_len - before : n;
    in->ptr += used;
    in->len -= used;
    if (verdict == HTTP_DONE)
        begin_exchange(c, c->parser, c->head.ptr);
}

static void read_head(struct http1_conn *c, weir_str *in)
{
    struct http_parser *parser = &c->conn.sl->parser;

    if (c->parser) {
        read_more_head(c, in);
        return;
    }
    http_parser_init(parser, limits_of(c), c->conn.sl->fields, c->conn.site->endpoint.is_tls);
    switch (http_parser_feed(parser, in->ptr, in->len)) {
    case HTTP_DONE: {
        const char *head = in->ptr;
        in->ptr += parser->request.head_len;
        in->len -= parser->request.head_len;
        begin_exchange(c, parser, head);
        break;
    }
    case HTTP_MORE:
        keep_head(c, in);
        break;
    default:
        http1_refuse(c, parser->status, parser->reason);
    }
}

/* ---- The body -------------------------------------------------------------------------------- */

static void body_complete(struct http1_conn *c)
{
    c->x->body_complete = true;
    deadline_clear(&c->deadline);
    if (!c->draining)
        exchange_body_end(&c->x->x, 1);
}

/* A body that is malformed or too long: nothing after it can be understood. */
static void body_refused(struct http1_conn *c, unsigned status, const char *reason)
{
    struct weir_exchange *x = &c->x->x;

    c->x->keep_alive = false;
    if (c->draining || x->head_sent) {
        server_log(c->conn.sl->server, WEIR_LOG_INFO, "reason=%s listener=%s", reason,
                   c->conn.site->url);
        lose(c);
        return;
    }
    http1_refuse(c, status, reason);
    c->lost = true;
    exchange_cancel(x);
}

/* Offers body data; false when it was not taken whole. */
static bool offer(struct http1_conn *c, weir_str data, size_t *ret_taken)
{
    struct http1_exchange *x = c->x;

    x->continue_due = false;
    x->body_seen += data.len;
    *ret_taken = c->draining ? data.len : exchange_body(&x->x, data);
    if (*ret_taken == data.len)
        return true;
    x->body_seen -= data.len - *ret_taken;
    stream_pause(&c->conn.stream);
    return false;
}

static void read_length_body(struct http1_conn *c, weir_str *in)
{
    struct http1_exchange *x = c->x;
    size_t n = in->len < x->body_left ? in->len : (size_t)x->body_left;
    size_t taken;

    x->body_left -= n; /* before the handler sees it: the exchange may end in there */
    bool all = offer(c, str(in->ptr, n), &taken);
    in->ptr += taken;
    in->len -= taken;
    if (!all)
        x->body_left += n - taken;
    else if (c->x == x && x->body_left == 0 && !c->lost)
        body_complete(c);
}

static void read_chunked_body(struct http1_conn *c, weir_str *in)
{
    struct http1_exchange *x = c->x;
    weir_str data;
    size_t taken;
    struct http_chunked before = x->chunked;
    weir_str start = *in;

    switch (http_chunked_next(&x->chunked, in, &data)) {
    case HTTP_MORE:
        if (data.len == 0)
            return;
        if (x->body_seen + data.len > options_of(c)->body_max) {
            body_refused(c, 413, "body-too-large");
            return;
        }
        if (!offer(c, data, &taken)) {
            /* Decode the part that was taken again, so that the decoder stands behind it. */
            size_t skipped = (size_t)(data.ptr - start.ptr) + taken;
            weir_str part = {start.ptr, skipped};
            x->chunked = before;
            while (part.len > 0 && http_chunked_next(&x->chunked, &part, &data) == HTTP_MORE)
                ;
            *in = str(start.ptr + skipped, start.len - skipped);
        }
        return;
    case HTTP_DONE:
        body_complete(c);
        return;
    default:
        body_refused(c, x->chunked.status, x->chunked.reason);
    }
}

static void read_body(struct http1_conn *c, weir_str *in)
{
    set_deadline(c, options_of(c)->body_timeout);
    if (c->x->request.body == HTTP_BODY_LENGTH)
        read_length_body(c, in);
    else
        read_chunked_body(c, in);
}

/* ---- The stream ------------------------------------------------------------------------------ */

/* The exchange is over and its body read: back to idle. */
static void next_request(struct http1_conn *c)
{
    arena_done(&c->arena);
    c->x = NULL;
    c->draining = false;
    c->served = true;
    if (c->conn.sl->stopping || accept_is_waiting(c->conn.sl)) {
        stream_finish(&c->conn.stream, c->conn.stream.in.len > 0);
        return;
    }
    set_deadline(c, options_of(c)->keepalive_timeout);
    stream_resume(&c->conn.stream);
}

/* A client that knows we speak HTTP/2 begins with its preface (RFC 9113 3.3). Its bytes need not be
 * kept, since they are known. False: the connection is none of HTTP/1.1's any more, or not yet. */
static bool is_http1(struct http1_conn *c, weir_str in, size_t *ret_same)
{
    size_t left = HTTP2_PREFACE_SIZE - c->preface;
    size_t n = in.len < left ? in.len : left;
    weir_str seen = {http2_preface, c->preface};

    *ret_same = n;
    if (memcmp(in.ptr, http2_preface + c->preface, n) == 0) {
        c->preface += (uint8_t)n;
        return false;
    }
    c->may_be_http2 = false;
    if (seen.len > 0)
        read_head(c, &seen);
    c->preface = 0;
    return true;
}

static void become_http2(struct http1_conn *c)
{
    struct stream *stream = &c->conn.stream;

    deadline_clear(&c->deadline);
    if (http2_begin(&c->conn) != 0)
        stream_close(stream);
    else
        (void)stream->ops->data(stream, http2_preface, HTTP2_PREFACE_SIZE);
}

static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    struct http1_conn *c = conn_of(stream);
    weir_str in = {bytes, len};
    size_t same;

    if (c->may_be_http2 && !is_http1(c, in, &same)) {
        if (c->preface < HTTP2_PREFACE_SIZE)
            return len;
        become_http2(c);
        return same + (same < len && !stream->closing
                           ? stream->ops->data(stream, bytes + same, len - same)
                           : 0);
    }
    while (in.len > 0 && !stream->closing && !stream->close_when_sent && !c->lost) {
        if (!c->x) {
            if (!stream_has_room(stream))
                break;
            read_head(c, &in);
        } else if (!c->x->body_complete) {
            read_body(c, &in);
            if (stream->paused)
                break;
            if (c->draining && c->x->body_complete)
                next_request(c);
        } else {
            stream_pause(stream);
            break;
        }
    }
    return stream->paused && !c->lost && !stream->close_when_sent ? len - in.len : len;
}

/* The client sends no more. Most have gone; one on a UNIX socket can be seen to have only closed
 * its sending side, and one whose answer is already on its way shall have it. */
static void on_end(struct stream *stream)
{
    struct http1_conn *c = conn_of(stream);

    if (!c->x || c->draining) {
        stream_finish(stream, false);
    } else if (c->x->body_complete && stream->is_unix && !stream_peer_closed(stream)) {
        c->x->keep_alive = false;
    } else {
        lose(c);
    }
}

static void on_error(struct stream *stream, int error, bool writing)
{
    struct http1_conn *c = conn_of(stream);

    (void)writing;
    if (conn_handshake_failed(&c->conn, error))
        deadline_clear(&c->deadline);
    else
        lose(c);
}

/* The handshake is done: the client has the time of a new connection, and may have chosen HTTP/2.
 */
static void on_connected(struct stream *stream)
{
    struct http1_conn *c = conn_of(stream);

    set_deadline(c, options_of(c)->head_timeout);
    if (!str_eq(tls_session_alpn(stream->tls), WEIR_STR("h2")))
        return;
    deadline_clear(&c->deadline);
    if (http2_begin(&c->conn) != 0)
        stream_close(stream);
}

static void on_drained(struct stream *stream)
{
    struct http1_conn *c = conn_of(stream);

    if (!c->x)
        stream_resume(stream);
    else if (!c->draining)
        exchange_drained(&c->x->x);
}

static void conn_free(struct http1_conn *c)
{
    conn_remove(&c->conn);
    deadline_clear(&c->deadline);
    arena_done(&c->arena);
    buf_done(&c->head);
    free(c);
}

static void on_closed(struct stream *stream)
{
    struct http1_conn *c = conn_of(stream);

    c->closed = true;
    if (!c->x || c->draining)
        conn_free(c);
    else
        exchange_cancel(&c->x->x);
}

static const struct stream_ops stream_ops = {
    .data = on_data,
    .end = on_end,
    .error = on_error,
    .drained = on_drained,
    .connected = on_connected,
    .closed = on_closed,
};

/* Which wait has lasted too long follows from where the connection stands. */
static void on_deadline(struct deadline *deadline)
{
    struct http1_conn *c = container_of(deadline, struct http1_conn, deadline);

    if (c->parser || c->preface) {
        http1_refuse(c, 408, "head-timeout");
    } else if (c->conn.stream.handshaking) {
        server_log(c->conn.sl->server, WEIR_LOG_INFO, "reason=tls-handshake-timeout listener=%s",
                   c->conn.site->url);
        stream_close(&c->conn.stream);
    } else if (!c->x && stream_pending(&c->conn.stream) > 0) {
        set_deadline(c, options_of(c)->keepalive_timeout); /* it still reads the last answer */
    } else if (!c->x) {
        stream_finish(&c->conn.stream, false);
    } else if (c->draining) {
        stream_finish(&c->conn.stream, true);
    } else if (c->conn.stream.paused) {
        set_deadline(c, options_of(c)->body_timeout); /* it is us who do not read */
    } else {
        server_log(c->conn.sl->server, WEIR_LOG_INFO, "reason=body-timeout listener=%s",
                   c->conn.site->url);
        c->x->keep_alive = false;
        exchange_body_end(&c->x->x, WEIR_ERROR_TIMEOUT);
    }
}

static void stop(struct conn *conn, bool now)
{
    struct http1_conn *c = (struct http1_conn *)(void *)conn;

    if (now)
        lose(c);
    else if (!c->x && !c->parser)
        stream_finish(&conn->stream, false);
}

/* Between two requests. */
static bool give_way(struct conn *conn)
{
    struct http1_conn *c = (struct http1_conn *)(void *)conn;

    if (c->x || c->parser || !c->served || c->lost || conn->stream.in.len > 0 ||
        conn->stream.closing || conn->stream.close_when_sent)
        return false;
    stream_finish(&conn->stream, false);
    return true;
}

void http1_released(struct http1_conn *c)
{
    struct http1_exchange *x = c->x;
    struct stream *stream = &c->conn.stream;

    exchange_done(&x->x);
    if (c->closed) {
        conn_free(c);
    } else if (c->lost || stream->closing || stream->close_when_sent) {
        c->draining = true;
    } else if (x->keep_alive && x->body_complete) {
        next_request(c);
    } else if (x->keep_alive && !x->continue_due && x->request.body == HTTP_BODY_LENGTH &&
               x->body_left <= SKIP_MAX) {
        c->draining = true;
        stream_resume(stream);
    } else {
        c->draining = true;
        deadline_clear(&c->deadline);
        stream_finish(stream, !x->body_complete || stream->in.len > 0);
    }
}

void http1_accept(struct server_loop *sl, struct site *site, int fd)
{
    struct http1_conn *c = calloc(1, sizeof *c);

    if (!c || stream_init(&c->conn.stream, &sl->loop, fd, &stream_ops) != 0) {
        free(c);
        close(fd);
        return;
    }
    c->conn.stop = stop;
    c->conn.give_way = give_way;
    arena_init(&c->arena, &sl->loop.pool);
    buf_init(&c->head, &sl->loop.pool, sl->server->options.head_max + 1);
    deadline_init(&c->deadline, on_deadline);
    c->may_be_http2 = sl->server->options.http2 == WEIR_HTTP2_AUTO && !site->endpoint.is_tls;
    conn_add(&c->conn, sl, site);
    set_deadline(c, sl->server->options.head_timeout);
    if (!conn_start_tls(&c->conn)) {
        stream_close(&c->conn.stream);
        return;
    }
    stream_resume(&c->conn.stream);
}
