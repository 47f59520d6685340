/* SPDX-License-Identifier: MIT
 *
 * server/http2_response.c: exchanges answered over HTTP/2: the carrier, and what nghttp2 frames.
 *
 * Body pieces wait in the stream's own queue, borrowed ones as references; nghttp2 decides which
 * stream may send how much, and the pieces then move on to the connection's queue behind a frame
 * header. What flow control does not let out at once is copied before its owner takes it back. */
#include <stdio.h>

#include "http/response.h"
#include "server/http2.h"

enum { FRAME_HEAD = 9 };

static struct http2_stream *of(const weir_exchange *x)
{
    return (struct http2_stream *)(uintptr_t)x;
}

static bool is_gone(const struct http2_stream *st)
{
    return st->session->dead || st->session->unwritable || st->was_reset ||
           (st->gone && !st->answered);
}

/* ---- Framing --------------------------------------------------------------------------------- */

static void set_send_deadline(struct http2_stream *st)
{
    if (st->queue.bytes > 0)
        deadline_set(&st->session->loop->deadlines, &st->send_deadline,
                     st->session->options->send_timeout);
    else
        deadline_clear(&st->send_deadline);
}

/* A client that gives no window for so long does not want the answer. A stream that has one waits
 * for others, or for the socket, which has a deadline of its own. */
void http2_response_stalled(struct deadline *deadline)
{
    struct http2_stream *st = container_of(deadline, struct http2_stream, send_deadline);
    struct http2_session *s = st->session;

    if (nghttp2_session_get_stream_remote_window_size(s->ng, st->id) > 0 &&
        nghttp2_session_get_remote_window_size(s->ng) > 0) {
        set_send_deadline(st);
        return;
    }
    s->ops->note(s, "send-timeout", 0);
    http2_stream_reset(st, NGHTTP2_CANCEL);
    if (!st->let_go)
        exchange_cancel(&st->x);
}

ssize_t http2_response_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct http2_stream *st = source->ptr;
    size_t n = st->queue.bytes < length ? st->queue.bytes : length;

    (void)buf;
    (void)user;
    if (n == 0 && !st->out_ended) {
        st->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n < st->queue.bytes || !st->out_ended)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (st->last_field_count > 0) { /* END_STREAM is theirs */
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(ng, id, st->last_fields, st->last_field_count) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return (ssize_t)n;
}

int http2_response_frame(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
                         size_t length, nghttp2_data_source *source, void *user)
{
    struct http2_session *s = user;
    struct http2_stream *st = source->ptr;

    (void)ng;
    (void)frame; /* never padded */
    if (s->out->bytes > STREAM_HIGH_WATER)
        return NGHTTP2_ERR_WOULDBLOCK;
    /* It may be small because there is no more, but not because the client opens its window by so
     * little at a time. */
    if (length == st->queue.bytes)
        http2_budget_earn(&s->control, 2); /* WINDOW_UPDATE for the stream and for the connection */
    http2_budget_earn_part(&s->control, length, HTTP2_EARNING_DATA);
    if (outq_append(s->out, (const char *)head, FRAME_HEAD) != 0 ||
        outq_move(s->out, &st->queue, length) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    set_send_deadline(st);
    if (st->wants_drain && st->queue.bytes <= STREAM_LOW_WATER) {
        st->wants_drain = false;
        http2_stream_event(st, HTTP2_DRAIN);
    }
    return 0;
}

/* ---- The head -------------------------------------------------------------------------------- */

static nghttp2_nv nv(weir_str name, weir_str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len,
                        value.len, NGHTTP2_NV_FLAG_NONE};
}

/* What a head is made of. */
struct head {
    unsigned status;
    const weir_pair *fields;
    size_t field_count;
    int64_t length; /* -1: none is stated */
    weir_str date;  /* empty: the fields have it, or it needs none */
    char digits[3 + 20];
};

enum { HEAD_FIELDS = 3 }; /* besides those of fields */

/* :status, Date, the fields, Content-Length: nghttp2 copies them, and puts names in lower case. */
static size_t make_head(struct head *h, nghttp2_nv *out)
{
    size_t n = 0;

    (void)u64_to_dec(h->status, h->digits);
    out[n++] = nv(WEIR_STR(":status"), str(h->digits, 3));
    if (h->date.len)
        out[n++] = nv(WEIR_STR("date"), h->date);
    for (size_t i = 0; i < h->field_count; i++)
        out[n++] = nv(h->fields[i].name, h->fields[i].value);
    if (h->length >= 0) {
        size_t digits = u64_to_dec((uint64_t)h->length, h->digits + 3);
        out[n++] = nv(WEIR_STR("content-length"), str(h->digits + 3, digits));
    }
    return n;
}

static int64_t stated_length(const weir_exchange *x, bool last, size_t total)
{
    if (x->status == 204 || (x->status == 304 && x->declared < 0))
        return -1;
    return x->declared >= 0 ? x->declared : last ? (int64_t)total : -1;
}

/* end: the head is all there is. */
static int submit_head(struct http2_stream *st, bool last, size_t total, bool end)
{
    weir_exchange *x = &st->x;
    nghttp2_data_provider body = {.source.ptr = st, .read_callback = http2_response_read};
    nghttp2_nv *fields = arena_alloc(&st->arena, (x->field_count + HEAD_FIELDS) * sizeof *fields);
    struct head head = {
        .status = x->status,
        .fields = x->fields,
        .field_count = x->field_count,
        .length = stated_length(x, last, total),
        .date = x->has_date ? WEIR_STR("") : loop_date(x->loop),
    };

    if (!fields)
        return WEIR_ERROR_NOMEM;
    size_t count = make_head(&head, fields);
    st->head_sent = x->head_sent = true;
    st->out_ended = st->out_ended || end;
    return nghttp2_submit_response(st->session->ng, st->id, fields, count, end ? NULL : &body)
               ? WEIR_ERROR_NOMEM
               : 0;
}

/* ---- The carrier ----------------------------------------------------------------------------- */

static int queue_body(struct http2_stream *st, const weir_str *pieces, size_t count, bool borrow)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = borrow ? outq_borrow(&st->queue, pieces[i].ptr, pieces[i].len)
                    : outq_append(&st->queue, pieces[i].ptr, pieces[i].len);
    return rc;
}

/* Lets nghttp2 go on with the stream. Borrowed pieces are framed at once; what of them has to wait
 * is copied. */
static int let_out(struct http2_stream *st)
{
    if (st->deferred) {
        st->deferred = false;
        (void)nghttp2_session_resume_data(st->session->ng, st->id);
    }
    if (!deadline_is_set(&st->send_deadline))
        set_send_deadline(st);
    http2_session_wake(st->session);
    if (st->queue.borrowed == 0)
        return 0;
    http2_session_pump(st->session);
    return outq_settle(&st->queue);
}

/* Trailers (RFC 9113 8.1), in the stream's memory: nghttp2 may ask for them after the exchange. */
static int keep_trailers(struct http2_stream *st)
{
    weir_exchange *x = &st->x;
    nghttp2_nv *out = arena_alloc(&st->arena, x->trailer_count * sizeof *out);

    if (!out)
        return WEIR_ERROR_NOMEM;
    for (size_t i = 0; i < x->trailer_count; i++) {
        weir_str name = x->trailers[i].name, value = x->trailers[i].value;
        name.ptr = arena_copy(&st->arena, name.ptr, name.len);
        value.ptr = arena_copy(&st->arena, value.ptr, value.len);
        if (!name.ptr || !value.ptr)
            return WEIR_ERROR_NOMEM;
        out[i] = nv(name, value);
    }
    st->last_fields = out;
    st->last_field_count = x->trailer_count;
    return 0;
}

static bool takes_trailers(const weir_exchange *x)
{
    (void)x;
    return true;
}

static int send_pieces(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags)
{
    struct http2_stream *st = of(x);
    bool last = flags & SEND_END;
    bool has_body = exchange_sends_body(x);
    size_t total = 0;
    int rc = 0;

    if (is_gone(st) || st->refused)
        return WEIR_ERROR_CANCELLED;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    if (last && has_body && x->trailer_count > 0)
        rc = keep_trailers(st);
    if (rc == 0 && !x->head_sent)
        rc = submit_head(st, last, total,
                         !has_body || (last && total == 0 && st->last_field_count == 0));
    if (rc == 0 && total > 0 && has_body)
        rc = queue_body(st, pieces, count, flags & SEND_BORROW);
    if (rc == 0) {
        st->out_ended = st->out_ended || last;
        rc = let_out(st);
    }
    if (rc != 0)
        http2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
    return rc;
}

static int informational(weir_exchange *x, unsigned status, const weir_pair *fields, size_t count)
{
    struct http2_stream *st = of(x);
    struct head head = {.status = status, .fields = fields, .field_count = count, .length = -1};

    if (is_gone(st) || st->refused)
        return WEIR_ERROR_CANCELLED;
    if (x->head_sent)
        return 0;
    nghttp2_nv *out = arena_alloc(&st->arena, (count + HEAD_FIELDS) * sizeof *out);
    if (!out || nghttp2_submit_headers(st->session->ng, NGHTTP2_FLAG_NONE, st->id, NULL, out,
                                       make_head(&head, out), NULL) < 0)
        return WEIR_ERROR_NOMEM;
    http2_session_wake(st->session);
    return 0;
}

int http2_response_plain(struct http2_stream *st, unsigned status)
{
    struct http2_session *s = st->session;
    weir_str phrase = http_reason_phrase(status);
    weir_pair type = {WEIR_STR("content-type"), WEIR_STR("text/plain")};
    nghttp2_data_provider body = {.source.ptr = st, .read_callback = http2_response_read};
    nghttp2_nv fields[1 + HEAD_FIELDS];
    char text[64];
    int n = snprintf(text, sizeof text, "%u %.*s\n", status, (int)phrase.len, phrase.ptr);
    bool is_head = str_eq(st->head.method, WEIR_STR("HEAD"));
    struct head head = {status, &type, 1, n, loop_date(s->loop), {0}};

    st->head_sent = st->out_ended = true;
    if (!is_head && outq_append(&st->queue, text, (size_t)n) != 0)
        return WEIR_ERROR_NOMEM;
    if (nghttp2_submit_response(s->ng, st->id, fields, make_head(&head, fields),
                                is_head ? NULL : &body) != 0)
        return WEIR_ERROR_NOMEM;
    set_send_deadline(st);
    http2_session_wake(s);
    return 0;
}

/* The client must see that something is missing: never END_STREAM. */
static void fail(weir_exchange *x)
{
    struct http2_stream *st = of(x);

    if (st->answered)
        return;
    http2_session_pump(st->session); /* what there is of it goes first, or RST_STREAM would */
    http2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
}

static void body_wanted(weir_exchange *x)
{
    struct http2_stream *st = of(x);

    if (is_gone(st) || st->gone)
        return;
    if (st->continue_due && !x->head_sent) {
        st->continue_due = false;
        (void)informational(x, 100, NULL, 0);
    }
    http2_stream_resume(st);
}

static size_t pending(const weir_exchange *x)
{
    return of(x)->queue.bytes;
}

static void want_drain(weir_exchange *x)
{
    struct http2_stream *st = of(x);

    if (st->queue.bytes <= STREAM_LOW_WATER && !is_gone(st))
        http2_stream_event(st, HTTP2_DRAIN);
    else
        st->wants_drain = true;
    http2_session_wake(st->session);
}

static void flush(weir_exchange *x)
{
    struct http2_session *s = of(x)->session;

    http2_session_pump(s);
    if (!s->dead && !s->ops->flush(s))
        s->unwritable = true;
}

static int load_headers(weir_exchange *x)
{
    struct http2_stream *st = of(x);

    x->header_count = 0;
    x->headers = arena_alloc(x->arena, st->head.field_count * sizeof *x->headers);
    if (!x->headers)
        return WEIR_ERROR_NOMEM;
    for (uint16_t i = 0; i < st->head.field_count; i++) {
        struct header field = st->head.fields[i];
        bool dropped = http_field_stays_at_edge(field.id);
        for (size_t k = 0; k < field.name.len && !dropped; k++) {
            char c = field.name.ptr[k];
            dropped = !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
        }
        if (!dropped)
            x->headers[x->header_count++] = field;
    }
    return exchange_join_headers(x);
}

static int load_params(weir_exchange *x)
{
    struct http2_session *s = of(x)->session;

    return s->ops->load_params(s, x);
}

/* The handler is done. An answer that it never gave, or a rest of the request that nobody reads, is
 * told by RST_STREAM; for the latter END_STREAM goes first. */
static void release(weir_exchange *x)
{
    struct http2_stream *st = of(x);
    struct http2_session *s = st->session;

    exchange_done(x);
    st->let_go = true;
    deadline_clear(&st->body_deadline);
    http2_stream_give_back(st);
    if (st->closed) {
        http2_stream_free(st);
        s->ops->released(s);
        return;
    }
    if (!st->out_ended)
        http2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
    else if (st->answered && !st->received)
        http2_stream_reset(st, NGHTTP2_NO_ERROR);
}

const struct carrier http2_carrier = {
    .has_windows = true,
    .load_headers = load_headers,
    .load_params = load_params,
    .send = send_pieces,
    .takes_trailers = takes_trailers,
    .informational = informational,
    .fail = fail,
    .body_wanted = body_wanted,
    .pending = pending,
    .want_drain = want_drain,
    .flush = flush,
    .release = release,
};
