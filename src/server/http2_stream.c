/* SPDX-License-Identifier: MIT
 *
 * server/http2_stream.c: one stream: its request, the flow of its body, its end.
 *
 * A byte of DATA is given back to the peer by WINDOW_UPDATE when the handler has taken it, not when
 * it has arrived: a handler that does not read stalls its own stream, and what is kept for it is
 * never more than the stream's window. The windows of all streams together are never more than that
 * of the connection, so that no number of stalled streams can stall another. */
#include "server/http2.h"

struct http2_stream *http2_stream_new(struct http2_session *s, int32_t id)
{
    const weir_server_options *o = s->options;
    struct arena arena;

    arena_init(&arena, &s->loop->pool);
    struct http2_stream *st = arena_zalloc(&arena, sizeof *st);
    if (!st)
        return NULL;
    st->arena = arena;
    st->session = s;
    st->id = id;
    st->window = o->h2_window;
    st->reset_after = -1;
    st->let_go = true; /* until a handler is started */
    http2_head_init(&st->head, &st->arena,
                    (struct http_limits){o->head_max, o->target_max, (uint16_t)o->fields_max},
                    s->tls, false);
    outq_init(&st->queue, &s->loop->pool);
    buf_init(&st->rest, &s->loop->pool, o->h2_window_max);
    list_init(&st->event);
    list_insert(&s->streams, &st->node);
    s->stream_count++;
    return st;
}

/* Before the exchange is started there are no deadlines. */
static void clear_deadlines(struct http2_stream *st)
{
    if (st->body_deadline.expired) {
        deadline_clear(&st->body_deadline);
        deadline_clear(&st->send_deadline);
    }
}

void http2_stream_free(struct http2_stream *st)
{
    struct http2_session *s = st->session;
    struct arena arena = st->arena;

    clear_deadlines(st);
    s->held -= st->unconsumed;
    s->growth_left += st->window - s->options->h2_window;
    if (s->chunk_stream == st)
        s->chunk_stream = NULL;
    list_remove(&st->node);
    list_remove(&st->event);
    s->stream_count--;
    outq_done(&st->queue);
    buf_done(&st->rest);
    arena_done(&arena);
    http2_session_wake(s);
}

/* ---- The request ----------------------------------------------------------------------------- */

static void on_body_deadline(struct deadline *deadline);

static void set_body_deadline(struct http2_stream *st)
{
    deadline_set(&st->session->loop->deadlines, &st->body_deadline,
                 st->session->options->body_timeout);
}

static void fill_exchange(struct http2_stream *st)
{
    const struct http2_session *s = st->session;
    const struct http2_head *h = &st->head;
    weir_exchange *x = &st->x;

    exchange_init(x, &http2_carrier, s->loop, &st->arena);
    x->peer = s->peer;
    x->handler = s->handler;
    x->handler_arg = s->handler_arg;
    x->method = h->method;
    x->is_head = str_eq(h->method, WEIR_STR("HEAD"));
    x->target = h->target;
    x->path = h->path;
    x->query = h->query;
    x->host = h->host;
    x->protocol = WEIR_STR("HTTP/2.0");
    x->content_length = h->has_content_length ? (int64_t)h->content_length : st->received ? 0 : -1;
}

/* RFC 9218: the header first, PRIORITY_UPDATE frames later; the latter are nghttp2's. */
static void set_priority(struct http2_stream *st)
{
    for (uint16_t i = 0; i < st->head.field_count; i++) {
        unsigned urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY;
        bool incremental = false;
        if (!str_eq(st->head.fields[i].name, WEIR_STR("priority")))
            continue;
        http_priority_parse(st->head.fields[i].value, &urgency, &incremental);
        (void)nghttp2_session_change_extpri_stream_priority(
            st->session->ng, st->id, &(nghttp2_extpri){urgency, incremental}, 0);
        return;
    }
}

void http2_stream_begin(struct http2_stream *st)
{
    const struct http2_session *s = st->session;
    struct http2_head *h = &st->head;

    if (st->gone || st->was_reset)
        return;
    deadline_init(&st->body_deadline, on_body_deadline);
    deadline_init(&st->send_deadline, http2_response_stalled);
    if (h->status == 0 && h->has_content_length && h->content_length > s->options->body_max) {
        h->status = 413;
        h->reason = "body-too-large";
    }
    if (h->status != 0) {
        http2_stream_refuse(st, h->status, h->reason);
        return;
    }
    st->let_go = false;
    fill_exchange(st);
    set_priority(st);
    st->continue_due = h->expect_continue && !st->received;
    if (!st->received)
        set_body_deadline(st);
    exchange_start(&st->x);
}

void http2_stream_refuse(struct http2_stream *st, unsigned status, const char *reason)
{
    struct http2_session *s = st->session;
    uint32_t code = status == 400 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
    bool late = st->head_sent;

    if (st->refused || st->gone)
        return;
    st->refused = true;
    st->body_over = true;
    clear_deadlines(st);
    s->ops->note(s, reason, late ? 0 : status);
    /* What is malformed is also said to be (RFC 9113 8.1.1); what is only too much may be all
     * right, the client need just not send the rest. */
    if (code != NGHTTP2_NO_ERROR || !st->received)
        st->reset_after = (int32_t)code;
    if (late || http2_response_plain(st, status) != 0)
        http2_stream_reset(st, late ? code : NGHTTP2_INTERNAL_ERROR);
    if (!st->let_go)
        exchange_cancel(&st->x);
}

/* ---- The body -------------------------------------------------------------------------------- */

/* Bytes that were received and that the handler has not taken. */
static uint64_t held(const struct http2_stream *st)
{
    return st->rest.len + (st->let_go ? 0 : st->x.body.kept.len);
}

static bool is_reading(const struct http2_stream *st)
{
    return !st->let_go && !st->refused && !st->body_over && !st->x.cancelled;
}

/* A handler that keeps up with a full window is given a larger one. */
static void grow(struct http2_stream *st)
{
    struct http2_session *s = st->session;
    uint32_t more = s->options->h2_window_max - st->window;

    if (st->filled < st->window || st->received)
        return;
    st->filled = 0;
    if (more > st->window)
        more = st->window;
    if (more > s->growth_left)
        more = s->growth_left;
    if (more > 0 && nghttp2_session_set_local_window_size(s->ng, NGHTTP2_FLAG_NONE, st->id,
                                                          (int32_t)(st->window + more)) == 0) {
        st->window += more;
        s->growth_left -= more;
    }
}

/* The sender of a body that nobody reads will be told to stop: it gets no more window for this
 * stream, but those of the others must not suffer. */
void http2_stream_give_back(struct http2_stream *st)
{
    struct http2_session *s = st->session;

    if (!is_reading(st))
        buf_done(&st->rest);
    uint64_t kept = held(st);
    size_t taken = (size_t)(st->unconsumed - kept);

    st->unconsumed = kept;
    s->held -= taken;
    if (taken == 0 || s->dead || st->gone || st->received || !is_reading(st))
        return;
    (void)nghttp2_session_consume_stream(s->ng, st->id, taken);
    if (kept == 0)
        grow(st);
}

void http2_stream_data(struct http2_stream *st, weir_str data)
{
    struct http2_session *s = st->session;
    size_t taken = data.len;

    st->unconsumed += data.len;
    s->held += data.len;
    if (!is_reading(st)) {
        http2_stream_give_back(st);
        return;
    }
    http2_head_body(&st->head, data.len);
    if (st->head.status == 0 && st->head.body_seen > s->options->body_max) {
        st->head.status = 413;
        st->head.reason = "body-too-large";
    }
    if (st->head.status != 0) {
        http2_stream_refuse(st, st->head.status, st->head.reason);
        http2_stream_give_back(st);
        return;
    }
    st->continue_due = false;
    st->filled += (uint32_t)data.len;
    set_body_deadline(st);
    if (st->rest.len == 0)
        taken = exchange_body(&st->x, data);
    else
        taken = 0;
    if (taken < data.len && is_reading(st) &&
        buf_append(&st->rest, data.ptr + taken, data.len - taken) != 0)
        http2_stream_refuse(st, 503, "out-of-memory");
    http2_stream_give_back(st);
}

static void tell_end(struct http2_stream *st, int state)
{
    if (!is_reading(st))
        return;
    st->body_over = true;
    deadline_clear(&st->body_deadline);
    exchange_body_end(&st->x, state);
}

void http2_stream_end(struct http2_stream *st)
{
    if (!is_reading(st))
        return;
    st->ended = true;
    if (st->head.status == 0)
        http2_head_body_end(&st->head);
    if (st->head.status != 0)
        http2_stream_refuse(st, st->head.status, st->head.reason);
    else if (st->rest.len == 0)
        tell_end(st, 1);
}

void http2_stream_resume(struct http2_stream *st)
{
    while (st->rest.len > 0 && is_reading(st)) {
        size_t taken = exchange_body(&st->x, str(st->rest.ptr, st->rest.len));
        stream_flush_borrowed(st->session->loop); /* the handler may have passed it on */
        if (taken == 0)
            break;
        buf_consume(&st->rest, taken);
    }
    buf_trim(&st->rest);
    http2_stream_give_back(st);
    if (st->rest.len == 0 && st->ended)
        tell_end(st, 1);
    http2_session_wake(st->session);
}

/* While the handler does not take what has come, it is us who do not read. */
static void on_body_deadline(struct deadline *deadline)
{
    struct http2_stream *st = container_of(deadline, struct http2_stream, body_deadline);
    struct http2_session *s = st->session;

    if (held(st) > 0) {
        set_body_deadline(st);
        return;
    }
    s->ops->note(s, "body-timeout", 0);
    tell_end(st, WEIR_ERROR_TIMEOUT);
    http2_session_wake(s);
}

/* ---- The end --------------------------------------------------------------------------------- */

void http2_stream_closed(struct http2_stream *st)
{
    st->closed = true;
    clear_deadlines(st);
    outq_done(&st->queue);
    if (st->let_go) {
        http2_stream_free(st);
        return;
    }
    /* An answer without body may be complete before its handler is: that is no cancellation. */
    if (!st->answered || st->session->dead)
        exchange_cancel(&st->x);
}
