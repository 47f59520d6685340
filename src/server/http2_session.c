/* SPDX-License-Identifier: MIT
 *
 * server/http2_session.c: between nghttp2 and the streams: bytes in, events, bytes out, deadlines
 * of the connection, its end. */
#include "server/http2.h"

enum {
    STOP_PING_MS = 1000, /* a client that has not answered by then gets the final GOAWAY anyway */
};

static void on_task(struct loop_task *task)
{
    http2_session_run(container_of(task, struct http2_session, task));
}

static void note(struct http2_session *s, const char *reason)
{
    s->ops->note(s, reason, 0);
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

/* The connection waits for a head to be completed, or for a request when there is none; a client
 * that only sends PINGs is idle. */
static void update_deadline(struct http2_session *s)
{
    enum http2_wait waits = s->in_head || !s->started ? HTTP2_WAIT_HEAD
                            : s->stream_count == 0    ? HTTP2_WAIT_REQUEST
                                                      : HTTP2_WAIT_NOTHING;

    if (waits == s->waits)
        return;
    s->waits = waits;
    deadline_set(&s->loop->deadlines, &s->deadline,
                 waits == HTTP2_WAIT_HEAD      ? s->options->head_timeout
                 : waits == HTTP2_WAIT_REQUEST ? s->options->keepalive_timeout
                                               : 0);
}

static void on_deadline(struct deadline *deadline)
{
    struct http2_session *s = container_of(deadline, struct http2_session, deadline);

    if (s->waits == HTTP2_WAIT_HEAD && s->started)
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, "head-timeout");
    else
        http2_session_end(s, NGHTTP2_NO_ERROR, NULL);
    http2_session_run(s);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void on_events(struct http2_stream *st, unsigned events)
{
    if (events & HTTP2_BEGIN)
        http2_stream_begin(st);
    if (events & HTTP2_END)
        http2_stream_end(st);
    if (events & HTTP2_CLOSED)
        http2_stream_closed(st);
    else if (events & HTTP2_DRAIN && !st->let_go)
        exchange_drained(&st->x);
}

static void dispatch(struct http2_session *s)
{
    while (!list_empty(&s->events)) {
        struct http2_stream *st = container_of(s->events.next, struct http2_stream, event);
        unsigned events = st->events;
        list_remove(&st->event);
        st->events = 0;
        on_events(st, events);
    }
    if (s->chunk_stream) {
        struct http2_stream *st = s->chunk_stream;
        s->chunk_stream = NULL;
        http2_stream_data(st, s->chunk);
    }
}

/* ---- In and out ------------------------------------------------------------------------------ */

void http2_session_end(struct http2_session *s, uint32_t code, const char *reason)
{
    if (s->ending || s->dead)
        return;
    s->ending = true;
    if (reason)
        note(s, reason);
    (void)nghttp2_session_terminate_session(s->ng, code);
}

/* Gives back to the peer, for the connection as a whole, all that no stream holds. nghttp2 would
 * wait for half the window to be consumed, which never comes while streams hold the other half. */
static void give_back(struct http2_session *s)
{
    int64_t received = nghttp2_session_get_effective_recv_data_length(s->ng);
    int64_t free_again = received - (int64_t)s->held;

    if (free_again >= s->options->h2_window)
        (void)nghttp2_submit_window_update(s->ng, NGHTTP2_FLAG_NONE, 0, (int32_t)free_again);
}

void http2_session_pump(struct http2_session *s)
{
    if (s->dead || s->unwritable)
        return;
    give_back(s);
    if (nghttp2_session_send(s->ng) != 0) { /* memory is out; a handler may be on the stack */
        s->failed = true;
        http2_session_wake(s);
        return;
    }
    if (s->out->bytes > 0)
        s->ops->output(s, s->out->borrowed > 0, nghttp2_session_want_write(s->ng));
}

/* The peer's errors are answered by nghttp2 itself, with GOAWAY; what comes back here is what it
 * will not go on after. */
static void receive_failed(struct http2_session *s, ssize_t error)
{
    if (s->excess) { /* it was a callback of ours that stopped it */
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, s->excess);
        return;
    }
    switch (error) {
    case NGHTTP2_ERR_FLOODED:
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, "h2-flood");
        break;
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, "h2-continuation-flood");
        break;
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, "h2-settings-flood");
        break;
    case NGHTTP2_ERR_NOMEM:
        http2_session_end(s, NGHTTP2_INTERNAL_ERROR, "out-of-memory");
        break;
    default:
        http2_session_end(s, NGHTTP2_PROTOCOL_ERROR, "h2-protocol");
    }
}

void http2_session_receive(struct http2_session *s, const char *bytes, size_t len)
{
    while ((len > 0 || s->paused) && !s->dead && !s->ending && !s->failed) {
        s->paused = false;
        ssize_t n = nghttp2_session_mem_recv(s->ng, (const uint8_t *)bytes, len);
        if (n < 0) {
            receive_failed(s, n);
            break;
        }
        bytes += n;
        len -= (size_t)n;
        dispatch(s);
    }
    if (!s->dead) {
        update_deadline(s);
        http2_session_wake(s);
    }
}

void http2_session_wake(struct http2_session *s)
{
    if (!s->dead && !s->running)
        loop_defer(s->loop, &s->task);
}

void http2_session_run(struct http2_session *s)
{
    if (s->dead)
        return;
    s->running = true;
    http2_session_pump(s);
    while (!s->failed && !list_empty(&s->events)) {
        dispatch(s);
        http2_session_pump(s);
    }
    if (s->excess && !s->ending) {
        http2_session_end(s, NGHTTP2_ENHANCE_YOUR_CALM, s->excess);
        http2_session_pump(s);
    }
    s->running = false;
    if (s->failed || (!nghttp2_session_want_read(s->ng) && !nghttp2_session_want_write(s->ng))) {
        http2_session_lose(s);
        s->ops->over(s);
        return;
    }
    update_deadline(s);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void last_goaway(struct deadline *deadline)
{
    struct http2_session *s = container_of(deadline, struct http2_session, drain);

    (void)nghttp2_submit_goaway(s->ng, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(s->ng), NGHTTP2_NO_ERROR,
                                NULL, 0);
    http2_session_wake(s);
}

void http2_session_stop(struct http2_session *s)
{
    if (s->dead || s->stopping || s->ending)
        return;
    s->stopping = true;
    (void)nghttp2_submit_shutdown_notice(s->ng);
    (void)nghttp2_submit_ping(s->ng, NGHTTP2_FLAG_NONE, NULL);
    deadline_set(&s->loop->deadlines, &s->drain, STOP_PING_MS);
    http2_session_wake(s);
}

bool http2_session_busy(const struct http2_session *s)
{
    for (struct list *n = s->streams.next; n != &s->streams; n = n->next)
        if (!container_of(n, struct http2_stream, node)->let_go)
            return true;
    return false;
}

void http2_session_lose(struct http2_session *s)
{
    struct list all;

    if (s->dead)
        return;
    s->dead = true;
    s->chunk_stream = NULL;
    deadline_clear(&s->deadline);
    deadline_clear(&s->drain);
    loop_task_cancel(&s->task);
    list_take(&all, &s->streams);
    while (!list_empty(&all)) {
        struct http2_stream *st = container_of(all.next, struct http2_stream, node);
        list_remove(&st->node);
        list_insert(&s->streams, &st->node);
        list_remove(&st->event);
        st->gone = true;
        st->events = 0;
        http2_stream_closed(st);
    }
}

int http2_session_init(struct http2_session *s, const struct http2_session_ops *ops,
                       struct loop *loop, struct outq *out, const weir_server_options *options,
                       bool tls, weir_handler *handler, void *arg)
{
    *s = (struct http2_session){
        .ops = ops,
        .loop = loop,
        .out = out,
        .options = options,
        .tls = tls,
        .handler = handler,
        .handler_arg = arg,
    };
    list_init(&s->streams);
    list_init(&s->events);
    loop_task_init(&s->task, on_task);
    deadline_init(&s->deadline, on_deadline);
    deadline_init(&s->drain, last_goaway);
    http2_budget_init(&s->resets, options->h2_resets, loop_now(loop));
    http2_budget_init(&s->control, options->h2_control_frames, loop_now(loop));
    s->growth_left =
        options->h2_connection_window - (options->h2_max_streams + 1) * options->h2_window;
    int rc = http2_callbacks_open(s);
    if (rc != 0)
        return rc;
    update_deadline(s);
    http2_session_wake(s);
    return 0;
}

void http2_session_done(struct http2_session *s)
{
    http2_session_lose(s);
    while (!list_empty(&s->streams))
        http2_stream_free(container_of(s->streams.next, struct http2_stream, node));
    nghttp2_session_del(s->ng);
    s->ng = NULL;
}
