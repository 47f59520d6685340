/* SPDX-License-Identifier: MIT
 *
 * server/http2_callbacks.c: nghttp2's callbacks: they note what happened and charge what costs us
 * work. Nothing of ours runs in here that could call nghttp2 back.
 *
 * What a peer may do too much of is counted in two budgets:
 *
 *     resets    streams that end before their time, by RST_STREAM from the peer (rapid reset,
 *               CVE-2023-44487) or from us for its fault (CVE-2025-8671); answers earn them back
 *     control   SETTINGS, PING, PRIORITY_UPDATE, WINDOW_UPDATE and DATA without data
 *               (CVE-2019-9511 to 9518); DATA frames of some size earn them back, since who reads
 *               or writes much has windows to update
 *
 * CONTINUATION floods, and acks that nobody reads, are counted by nghttp2 itself. */
#include "server/http2.h"

static struct http2_stream *find(nghttp2_session *ng, int32_t id)
{
    return nghttp2_session_get_stream_user_data(ng, id);
}

void http2_stream_event(struct http2_stream *st, enum http2_event event)
{
    st->events |= (uint8_t)event;
    if (list_empty(&st->event))
        list_insert(&st->session->events, &st->event);
}

void http2_stream_reset(struct http2_stream *st, uint32_t code)
{
    if (st->was_reset || st->gone || st->session->dead)
        return;
    st->was_reset = true;
    outq_done(&st->queue);
    (void)nghttp2_submit_rst_stream(st->session->ng, NGHTTP2_FLAG_NONE, st->id, code);
    http2_session_wake(st->session);
}

static void spend(struct http2_session *s, struct http2_budget *budget, const char *reason)
{
    if (!http2_budget_spend(budget, loop_now(s->loop)) && !s->excess)
        s->excess = reason;
}

/* Nothing more is read from a peer that has had enough; see receive_failed. */
static int go_on(const struct http2_session *s)
{
    return s->excess ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http2_session *s = user;
    int32_t id = frame->hd.stream_id;
    const weir_server_options *o = s->options;

    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    s->in_head = true;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        struct http2_stream *st = find(ng, id);
        struct http_limits limits = {o->head_max, o->target_max, (uint16_t)o->fields_max};
        if (st && !st->trailers)
            st->trailers = arena_alloc(&st->arena, sizeof *st->trailers);
        if (st && st->trailers)
            http2_head_init(st->trailers, &st->arena, limits, s->tls, true);
        return 0;
    }
    struct http2_stream *st = NULL;
    bool full = s->stream_count >= o->h2_max_streams;
    if (!full && !s->excess)
        st = http2_stream_new(s, id);
    if (st)
        (void)nghttp2_session_set_stream_user_data(ng, id, st);
    else /* not processed, surely: the client may send it again (RFC 9113 8.7) */
        (void)nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct http2_session *s = user;
    struct http2_stream *st = find(ng, frame->hd.stream_id);
    bool is_request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    struct http2_head *head = !st ? NULL : is_request ? &st->head : st->trailers;

    (void)flags;
    if (head && !s->excess &&
        !http2_head_field(head, str((const char *)name, name_len),
                          str((const char *)value, value_len)))
        s->excess = "h2-header-list";
    return go_on(s);
}

static void on_headers(struct http2_session *s, struct http2_stream *st, const nghttp2_frame *frame)
{
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    s->in_head = false;
    if (!st)
        return;
    st->received = st->received || end;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        http2_head_end(&st->head, end);
        http2_stream_event(st, HTTP2_BEGIN);
        if (frame->hd.stream_id == INT32_MAX)
            http2_session_stop(s); /* there are no more numbers (RFC 9113 5.1.1) */
    } else if (st->trailers) {
        http2_head_end(st->trailers, end);
        if (st->trailers->status != 0 && st->head.status == 0) {
            st->head.status = st->trailers->status;
            st->head.reason = st->trailers->reason;
        }
    }
    if (end || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        http2_stream_event(st, HTTP2_END);
}

static void on_data_frame(struct http2_session *s, struct http2_stream *st,
                          const nghttp2_frame *frame)
{
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    size_t length = frame->hd.length - frame->data.padlen;

    if (length == 0 && !end)
        spend(s, &s->control, "h2-empty-data");
    else
        http2_budget_earn_part(&s->control, length, HTTP2_EARNING_DATA);
    if (st && end) {
        st->received = true;
        http2_stream_event(st, HTTP2_END);
    }
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http2_session *s = user;
    struct http2_stream *st = frame->hd.stream_id ? find(ng, frame->hd.stream_id) : NULL;

    s->started = true;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(s, st, frame);
        break;
    case NGHTTP2_DATA:
        on_data_frame(s, st, frame);
        break;
    case NGHTTP2_RST_STREAM:
        spend(s, &s->resets, "h2-rapid-reset");
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
            if (s->stopping && deadline_is_set(&s->drain)) {
                deadline_clear(&s->drain);
                s->drain.expired(&s->drain);
            }
            break;
        }
        spend(s, &s->control, "h2-ping-flood");
        break;
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            spend(s, &s->control, "h2-settings-flood");
        break;
    case NGHTTP2_WINDOW_UPDATE:
        spend(s, &s->control, "h2-window-update-flood");
        break;
    case NGHTTP2_GOAWAY:
        break;
    default: /* PRIORITY and PRIORITY_UPDATE */
        spend(s, &s->control, "h2-priority-flood");
    }
    return go_on(s);
}

/* Stops nghttp2, so that the data is dealt with when it is off the stack. */
static int on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *user)
{
    struct http2_session *s = user;

    (void)flags;
    s->chunk_stream = find(ng, id);
    if (!s->chunk_stream) /* refused before */
        return 0;
    s->chunk = str((const char *)data, len);
    s->paused = true;
    return NGHTTP2_ERR_PAUSE;
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct http2_stream *st = find(ng, id);

    (void)code;
    (void)user;
    if (st) {
        st->gone = true;
        http2_stream_event(st, HTTP2_CLOSED);
    }
    return 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static ssize_t on_send(nghttp2_session *ng, const uint8_t *data, size_t len, int flags, void *user)
{
    struct http2_session *s = user;

    (void)ng;
    (void)flags;
    if (s->out->bytes > STREAM_HIGH_WATER)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (outq_append(s->out, (const char *)data, len) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return (ssize_t)len;
}

/* Whether a stream was reset for the peer's fault, not for the handler's or for no fault. */
static bool is_peers_fault(uint32_t code)
{
    return code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_CANCEL;
}

static void end_stream_sent(struct http2_session *s, struct http2_stream *st)
{
    st->answered = true;
    deadline_clear(&st->send_deadline);
    if (!st->refused)
        http2_budget_earn(&s->resets, 1);
    if (st->reset_after >= 0)
        http2_stream_reset(st, (uint32_t)st->reset_after);
    else if (!st->received && st->let_go)
        http2_stream_reset(st, NGHTTP2_NO_ERROR); /* RFC 9113 8.1: the rest is not wanted */
}

static int on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct http2_session *s = user;
    struct http2_stream *st = frame->hd.stream_id ? find(ng, frame->hd.stream_id) : NULL;

    if (frame->hd.type == NGHTTP2_RST_STREAM && is_peers_fault(frame->rst_stream.error_code))
        spend(s, &s->resets, "h2-resets");
    if (st && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        end_stream_sent(s, st);
    return 0;
}

/* A response that cannot be sent, as when its head is too large for nghttp2, is a broken one. */
static int on_frame_not_send(nghttp2_session *ng, const nghttp2_frame *frame, int error, void *user)
{
    struct http2_stream *st = find(ng, frame->hd.stream_id);

    (void)error;
    (void)user;
    if (st && frame->hd.type == NGHTTP2_HEADERS)
        http2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void set_options(nghttp2_option *option, const weir_server_options *o)
{
    nghttp2_option_set_no_http_messaging(option, 1); /* http2_head.c is stricter, and answers */
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, 0); /* nothing is pushed */
    nghttp2_option_set_max_deflate_dynamic_table_size(option, o->h2_header_table);
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX / 2, 0); /* ours counts */
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
}

static void set_callbacks(nghttp2_session_callbacks *c)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_send_callback(c, on_send);
    nghttp2_session_callbacks_set_send_data_callback(c, http2_response_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
}

/* The server's preface, and the connection's window. */
static int greet(struct http2_session *s)
{
    const weir_server_options *o = s->options;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, o->h2_max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, o->h2_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, o->head_max},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, o->h2_header_table},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    if (nghttp2_submit_settings(s->ng, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof *settings) != 0)
        return WEIR_ERROR_NOMEM;
    return nghttp2_session_set_local_window_size(s->ng, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)o->h2_connection_window)
               ? WEIR_ERROR_NOMEM
               : 0;
}

int http2_callbacks_open(struct http2_session *s)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rc = WEIR_ERROR_NOMEM;

    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        set_callbacks(callbacks);
        set_options(option, s->options);
        if (nghttp2_session_server_new2(&s->ng, callbacks, s, option) == 0) {
            rc = greet(s);
            if (rc != 0)
                nghttp2_session_del(s->ng);
        }
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return rc;
}
