/* SPDX-License-Identifier: MIT
 *
 * server/http1_response.c: exchanges answered over HTTP/1.1: the head, its framing, the body. */
#include "http/response.h"
#include "server/http1.h"

static struct http1_exchange *of(const weir_exchange *x)
{
    return (struct http1_exchange *)(uintptr_t)x;
}

static bool is_gone(const struct http1_exchange *x)
{
    return x->conn->lost || !stream_writable(&x->conn->conn.stream);
}

static char *put(char *p, weir_str s)
{
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static char *put_field(char *p, weir_str name, weir_str value)
{
    p = put(p, name);
    p = put(p, WEIR_STR(": "));
    p = put(p, value);
    return put(p, WEIR_STR("\r\n"));
}

/* How the body is framed (RFC 9112 6.3): a known length, chunks, or for HTTP/1.0 the close. */
static char *put_framing(char *p, struct http1_exchange *x, bool end, size_t total)
{
    const weir_exchange *ex = &x->x;
    uint64_t length = ex->declared >= 0 ? (uint64_t)ex->declared : total;
    bool no_length = ex->status == 204 || (ex->status == 304 && ex->declared < 0);
    bool by_length = ex->declared >= 0 || (end && ex->trailer_count == 0);

    if (no_length)
        return p;
    if (by_length) {
        p = put(p, WEIR_STR("Content-Length: "));
        p += u64_to_dec(length, p);
        return put(p, WEIR_STR("\r\n"));
    }
    if (x->request.minor == 0) {
        x->close_delimited = exchange_sends_body(ex);
        if (x->close_delimited)
            x->keep_alive = false;
        return p;
    }
    x->chunked_out = exchange_sends_body(ex);
    for (size_t i = 0; i < ex->trailer_count; i++)
        p = put_field(p, WEIR_STR("Trailer"), ex->trailers[i].name);
    return put(p, WEIR_STR("Transfer-Encoding: chunked\r\n"));
}

/* Whether the connection can serve another request after this response. Once the last words are
 * known while the request body is still coming, a short rest will be read, a long one not. */
static void decide_keep_alive(struct http1_exchange *x, bool end)
{
    if (x->conn->conn.sl->stopping)
        x->keep_alive = false;
    if (end && !x->body_complete &&
        (x->continue_due || x->request.body == HTTP_BODY_CHUNKED || x->body_left > 65536))
        x->keep_alive = false;
}

static int write_head(struct http1_exchange *x, bool end, size_t total)
{
    weir_exchange *ex = &x->x;
    struct outq *out = &x->conn->conn.stream.out;
    weir_str reason = ex->reason.len ? ex->reason : http_reason_phrase(ex->status);
    size_t room = 256 + reason.len;

    for (size_t i = 0; i < ex->field_count; i++)
        room += ex->fields[i].name.len + ex->fields[i].value.len + 4;
    for (size_t i = 0; i < ex->trailer_count; i++)
        room += ex->trailers[i].name.len + 11;
    char *start = outq_reserve(out, room);
    if (!start)
        return WEIR_ERROR_NOMEM;

    char *p = put(start, WEIR_STR("HTTP/1.1 "));
    p += u64_to_dec(ex->status, p);
    *p++ = ' ';
    p = put(p, reason);
    p = put(p, WEIR_STR("\r\n"));
    if (!ex->has_date)
        p = put_field(p, WEIR_STR("Date"), loop_date(ex->loop));
    for (size_t i = 0; i < ex->field_count; i++)
        p = put_field(p, ex->fields[i].name, ex->fields[i].value);
    decide_keep_alive(x, end);
    p = put_framing(p, x, end, total);
    if (!x->keep_alive)
        p = put(p, WEIR_STR("Connection: close\r\n"));
    else if (x->request.minor == 0)
        p = put(p, WEIR_STR("Connection: keep-alive\r\n"));
    p = put(p, WEIR_STR("\r\n"));
    outq_commit(out, (size_t)(p - start));
    ex->head_sent = true;
    return 0;
}

static int write_body(struct http1_exchange *x, const weir_str *pieces, size_t count, size_t total,
                      bool borrow)
{
    struct outq *out = &x->conn->conn.stream.out;
    int rc = 0;

    if (x->chunked_out)
        rc = http1_write_chunk_size(out, total);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = borrow ? outq_borrow(out, pieces[i].ptr, pieces[i].len)
                    : outq_append(out, pieces[i].ptr, pieces[i].len);
    if (rc == 0 && x->chunked_out)
        rc = outq_append(out, "\r\n", 2);
    return rc;
}

/* The last chunk and the trailers (RFC 9112 7.1.2). */
static int write_last_chunk(struct http1_exchange *x)
{
    const weir_exchange *ex = &x->x;
    struct outq *out = &x->conn->conn.stream.out;
    int rc = outq_append(out, "0\r\n", 3);

    for (size_t i = 0; i < ex->trailer_count && rc == 0; i++)
        rc = http1_write_field(out, ex->trailers[i].name, ex->trailers[i].value);
    return rc ? rc : outq_append(out, "\r\n", 2);
}

static int send_pieces(weir_exchange *ex, const weir_str *pieces, size_t count, unsigned flags)
{
    struct http1_exchange *x = of(ex);
    struct stream *stream = &x->conn->conn.stream;
    size_t total = 0;
    int rc = 0;

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    if (!ex->head_sent)
        rc = write_head(x, flags & SEND_END, total);
    if (rc == 0 && total > 0 && exchange_sends_body(ex))
        rc = write_body(x, pieces, count, total, flags & SEND_BORROW);
    if (rc == 0 && flags & SEND_END && x->chunked_out)
        rc = write_last_chunk(x);
    if (rc != 0) {
        stream_close(stream);
        return rc;
    }
    if (stream->out.borrowed > 0)
        stream_borrowed(stream);
    else
        stream_dirty(stream);
    return 0;
}

/* With a Content-Length, or up to the close, the file can go to the socket as it is. */
static int64_t send_file(weir_exchange *ex, int fd, uint64_t offset, uint64_t length)
{
    struct http1_exchange *x = of(ex);
    struct stream *stream = &x->conn->conn.stream;
    bool chunked = ex->head_sent ? x->chunked_out : ex->declared < 0 && x->request.minor > 0;

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    if (chunked || !stream_can_sendfile(stream))
        return WEIR_ERROR_INVALID;
    if (!ex->head_sent) {
        int rc = write_head(x, false, 0);
        if (rc != 0) {
            stream_close(stream);
            return rc;
        }
        stream_dirty(stream);
    }
    return stream_sendfile(stream, fd, offset, length);
}

/* Trailers need chunks, and a client that has asked for them (RFC 9110 6.5.1). */
static bool takes_trailers(const weir_exchange *ex)
{
    const struct http1_exchange *x = of(ex);
    bool chunked = ex->head_sent ? x->chunked_out || !exchange_sends_body(ex) : ex->declared < 0;

    if (x->request.minor == 0 || !chunked)
        return false;
    for (uint16_t i = 0; i < x->request.field_count; i++)
        if (x->fields[i].id == HTTP_FIELD_TE &&
            http_list_has(http_field_value(x->head, &x->fields[i]), WEIR_STR("trailers")))
            return true;
    return false;
}

static int informational(weir_exchange *ex, unsigned status, const weir_pair *fields, size_t count)
{
    struct http1_exchange *x = of(ex);
    struct outq *out = &x->conn->conn.stream.out;

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    if (x->request.minor == 0 || ex->head_sent) /* RFC 9110 15.2 */
        return 0;
    int rc = http1_write_status(out, status, WEIR_STR(""));
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = http1_write_field(out, fields[i].name, fields[i].value);
    if (rc == 0)
        rc = outq_append(out, "\r\n", 2);
    if (rc != 0)
        stream_close(&x->conn->conn.stream);
    else
        stream_dirty(&x->conn->conn.stream);
    return rc;
}

/* The client must see that something is missing: chunks without the last one, fewer bytes than
 * Content-Length, or where only the close marks the end, a reset. */
static void fail(weir_exchange *ex)
{
    struct http1_exchange *x = of(ex);

    x->keep_alive = false;
    if (is_gone(x))
        return;
    if (x->close_delimited)
        stream_reset(&x->conn->conn.stream);
    else
        stream_finish(&x->conn->conn.stream, false);
}

static void body_wanted(weir_exchange *ex)
{
    struct http1_exchange *x = of(ex);

    if (is_gone(x) || x->body_complete)
        return;
    if (x->continue_due && !ex->head_sent) {
        x->continue_due = false;
        (void)informational(ex, 100, NULL, 0);
    }
    stream_resume(&x->conn->conn.stream);
}

static size_t pending(const weir_exchange *ex)
{
    const struct stream *stream = &of(ex)->conn->conn.stream;

    /* What cannot be sent any more is not kept: a handler that wrote on until it has to wait would
     * never hear of that, since the loop tells it. */
    return stream->write_failed ? SIZE_MAX : stream_pending(stream);
}

static void want_drain(weir_exchange *ex)
{
    struct stream *stream = &of(ex)->conn->conn.stream;

    stream_want_drain(stream);
    stream_dirty(stream);
}

static void flush(weir_exchange *ex)
{
    if (!is_gone(of(ex)))
        stream_flush_now(&of(ex)->conn->conn.stream);
}

static void release(weir_exchange *ex)
{
    http1_released(of(ex)->conn);
}

const struct carrier http1_carrier = {
    .load_headers = http1_load_headers,
    .load_params = http1_load_params,
    .send = send_pieces,
    .send_file = send_file,
    .takes_trailers = takes_trailers,
    .informational = informational,
    .fail = fail,
    .body_wanted = body_wanted,
    .pending = pending,
    .want_drain = want_drain,
    .flush = flush,
    .release = release,
};
