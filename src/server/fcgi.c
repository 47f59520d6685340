/* SPDX-License-Identifier: MIT
 *
 * server/fcgi.c: a FastCGI connection: session events to exchanges, any number at a time. */
#include "server/fcgi.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/tls.h"

static struct fcgi_conn *conn_of(struct stream *stream)
{
    return (struct fcgi_conn *)(void *)stream;
}

static const weir_server_options *options_of(const struct fcgi_conn *c)
{
    return &c->conn.sl->server->options;
}

static void note(const struct fcgi_conn *c, weir_log_level level, const char *reason)
{
    server_log(c->conn.sl->server, level, "reason=%s listener=%s", reason, c->conn.site->url);
}

static void conn_free(struct fcgi_conn *c)
{
    conn_remove(&c->conn);
    deadline_clear(&c->deadline);
    app_session_done(&c->session);
    free(c);
}

/* Calls fn for every exchange; fn may end any of them. */
static void each_exchange(struct fcgi_conn *c, void (*fn)(struct fcgi_exchange *x))
{
    struct list all;

    list_take(&all, &c->exchanges);
    while (!list_empty(&all)) {
        struct fcgi_exchange *x = container_of(all.next, struct fcgi_exchange, node);
        list_remove(&x->node);
        list_insert(&c->exchanges, &x->node);
        fn(x);
    }
}

static void cancel_one(struct fcgi_exchange *x)
{
    exchange_hold(&x->x);
    x->x.held = false;
    exchange_cancel(&x->x);
    exchange_unhold(&x->x);
}

/* The connection is gone: every handler hears of it; the memory stays until they have let go. */
static void lose(struct fcgi_conn *c)
{
    c->lost = true;
    c->session.dead = true;
    deadline_clear(&c->deadline);
    stream_close(&c->conn.stream);
    each_exchange(c, cancel_one);
}

/* Closes once everything is sent, if there is a reason to and nothing runs any more. A request
 * whose parameters were not complete at a half-close never will be. */
static void close_if_done(struct fcgi_conn *c)
{
    bool done = weir_app_session_wants_close(&c->session) ||
                (c->session.requests.count == 0 && c->conn.sl->stopping) ||
                (c->exchange_count == 0 && c->half_closed);

    if (done && !c->lost)
        stream_finish(&c->conn.stream, !c->half_closed);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static int on_begin(struct fcgi_conn *c, struct weir_app_request *request)
{
    const char *reason = "out-of-memory";
    struct fcgi_exchange *x = arena_zalloc(&request->arena, sizeof *x);
    int rc = WEIR_ERROR_NOMEM;

    if (x) {
        exchange_init(&x->x, &fcgi_carrier, &c->conn.sl->loop, &request->arena);
        x->x.peer = &c->conn.peer;
        x->conn = c;
        x->request = request;
        list_init(&x->node);
        rc = fcgi_exchange_init(x, request, &reason);
    }
    if (rc != 0) {
        note(c, WEIR_LOG_WARNING, reason);
        return rc == WEIR_ERROR_NOMEM ? weir_app_end(request, 0, WEIR_OVERLOADED)
                                      : app_refuse(request, 400);
    }
    request->user = x;
    list_insert(&c->exchanges, &x->node);
    c->exchange_count++;
    x->x.handler = c->conn.site->dispatch;
    x->x.handler_arg = c->conn.site->dispatch_arg;
    x->x.data_length = request->data_length;
    if (request->role != WEIR_FILTER)
        x->x.data.state = 1;
    x->x.held = request->role == WEIR_FILTER;
    if (request->phase == APP_INPUT_DONE) {
        x->input_done = true;
        x->x.body.state = 1;
    }
    exchange_start(&x->x);
    return 0;
}

static void body_end(struct fcgi_exchange *x, int error)
{
    x->input_done = x->x.role != WEIR_FILTER;
    exchange_hold(&x->x);
    if (x->x.held)
        exchange_unheld(&x->x);
    exchange_body_end(&x->x, error ? error : 1);
    exchange_unhold(&x->x);
}

static void data_end(struct fcgi_exchange *x, int error)
{
    x->input_done = true;
    exchange_data_end(&x->x, error ? error : 1);
}

/* Both inputs break off. */
static void inputs_fail(struct fcgi_exchange *x, int error)
{
    weir_exchange *ex = &x->x;

    x->input_done = true;
    exchange_hold(ex);
    exchange_body_end(ex, error);
    exchange_data_end(ex, error);
    exchange_unhold(ex);
}

/* Deals with one event; false when the input must wait, and then *in holds what is to be given
 * again. */
static bool on_event(struct fcgi_conn *c, const weir_app_event *event, weir_str *in, int *ret_rc)
{
    struct fcgi_exchange *x = event->request ? event->request->user : NULL;

    switch (event->type) {
    case WEIR_APP_BEGIN:
        *ret_rc = on_begin(c, event->request);
        return true;
    case WEIR_APP_STDIN:
    case WEIR_APP_DATA: {
        size_t taken = event->type == WEIR_APP_STDIN ? exchange_body(&x->x, event->data)
                                                     : exchange_data(&x->x, event->data);
        size_t left = event->data.len - taken;
        if (left == 0)
            return true;
        weir_app_session_unread(&c->session, left);
        in->ptr -= left;
        in->len += left;
        return false;
    }
    case WEIR_APP_STDIN_END:
        if (event->excess)
            note(c, WEIR_LOG_WARNING, "stdin-beyond-content-length");
        body_end(x, event->error);
        return true;
    case WEIR_APP_ABORT:
        cancel_one(x);
        return true;
    case WEIR_APP_REFUSED:
        note(c, WEIR_LOG_WARNING, weir_error_name(event->error));
        return true;
    default:
        data_end(x, event->error);
        return true;
    }
}

/* What the connection waits for from its peer decides its deadline: an unfinished record or head,
 * or a body; nothing otherwise. */
static void update_deadline(struct fcgi_conn *c)
{
    const struct weir_app_session *s = &c->session;
    bool head = s->requests.count > 0 && c->exchange_count == 0;
    bool body = false;

    head = head || !reader_at_boundary(&s->reader);
    for (struct list *n = c->exchanges.next; n != &c->exchanges && !body; n = n->next)
        body = !container_of(n, struct fcgi_exchange, node)->input_done;
    if (body)
        deadline_set(&c->conn.sl->loop.deadlines, &c->deadline, options_of(c)->body_timeout);
    else if (!head)
        deadline_clear(&c->deadline);
    else if (!deadline_is_set(&c->deadline))
        deadline_set(&c->conn.sl->loop.deadlines, &c->deadline, options_of(c)->head_timeout);
}

/* Who sends without reading our answers has to wait. What handlers write by themselves is bounded
 * by weir_write and does not count: an endless response must not keep others from being asked for,
 * nor its own abort from being heard. */
static bool must_wait(struct fcgi_conn *c)
{
    struct stream *stream = &c->conn.stream;

    if (stream_pending(stream) <= STREAM_LOW_WATER)
        c->answered = 0;
    return c->answered > STREAM_HIGH_WATER && !stream_has_room(stream);
}

static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    struct fcgi_conn *c = conn_of(stream);
    weir_str in = {bytes, len};
    int rc = 1;

    while (rc > 0 && !c->lost && !stream->close_when_sent) {
        weir_app_event event;
        size_t used, before = stream_pending(stream);
        if (in.len > 0 && must_wait(c))
            break;
        rc = weir_app_session_next(&c->session, in.ptr, in.len, &used, &event);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0 && !on_event(c, &event, &in, &rc)) {
            stream_pause(stream);
            break;
        }
        if (stream_pending(stream) > before)
            c->answered += stream_pending(stream) - before;
        if (rc == 0 && in.len > 0)
            rc = 1;
    }
    if (c->lost || stream->close_when_sent)
        return len;
    if (rc < 0) {
        note(c, WEIR_LOG_WARNING, weir_error_name(rc));
        c->lost = true;
        c->session.dead = true;
        stream_finish(stream, true);
        each_exchange(c, cancel_one);
        return len;
    }
    stream_dirty(stream);
    close_if_done(c);
    update_deadline(c);
    return len - in.len;
}

/* ---- The stream ------------------------------------------------------------------------------ */

static void input_is_short(struct fcgi_exchange *x)
{
    if (x->x.held)
        cancel_one(x); /* what it waits for will not come */
    else if (!x->input_done)
        inputs_fail(x, WEIR_ERROR_SHORT_BODY);
}

/* The web server sends no more. On a UNIX socket it shows whether it still reads (rule p): then
 * the answers are due; over TCP a close cannot be told from that and means abort (req. 17). */
static void on_end(struct stream *stream)
{
    struct fcgi_conn *c = conn_of(stream);

    if (c->exchange_count == 0) {
        deadline_clear(&c->deadline);
        stream_finish(stream, false);
        return;
    }
    if (!stream->is_unix || stream_peer_closed(stream)) {
        lose(c);
        return;
    }
    c->half_closed = true;
    deadline_clear(&c->deadline);
    each_exchange(c, input_is_short);
    close_if_done(c);
}

static void on_error(struct stream *stream, int error, bool writing)
{
    struct fcgi_conn *c = conn_of(stream);

    (void)writing;
    if (conn_handshake_failed(&c->conn, error))
        deadline_clear(&c->deadline);
    else
        lose(c);
}

static void on_connected(struct stream *stream)
{
    deadline_clear(&conn_of(stream)->deadline);
}

/* Tells those who wait for room, as long as there is some. Whoever was told goes to the end of the
 * list, so that one that always has more to send leaves the others their turn. */
static void drain(struct fcgi_conn *c)
{
    size_t left = 0;

    for (struct list *n = c->exchanges.next; n != &c->exchanges; n = n->next)
        left++;
    for (; left > 0 && !list_empty(&c->exchanges) && !c->lost; left--) {
        struct fcgi_exchange *x = container_of(c->exchanges.next, struct fcgi_exchange, node);
        if (x->wants_drain && stream_pending(&c->conn.stream) > STREAM_LOW_WATER) {
            stream_want_drain(&c->conn.stream);
            return;
        }
        list_remove(&x->node);
        list_insert(&c->exchanges, &x->node);
        if (x->wants_drain) {
            x->wants_drain = false;
            exchange_drained(&x->x);
        }
    }
}

static void on_drained(struct stream *stream)
{
    struct fcgi_conn *c = conn_of(stream);

    c->answered = 0;
    drain(c);
    if (!c->lost && !stream->close_when_sent)
        stream_resume(stream);
}

static void on_closed(struct stream *stream)
{
    struct fcgi_conn *c = conn_of(stream);

    if (!c->lost) /* closed since an answer could not be queued: the others are over, too */
        lose(c);
    c->closed = true;
    if (c->exchange_count == 0)
        conn_free(c);
}

static const struct stream_ops stream_ops = {
    .data = on_data,
    .end = on_end,
    .error = on_error,
    .drained = on_drained,
    .connected = on_connected,
    .closed = on_closed,
};

static void body_timed_out(struct fcgi_exchange *x)
{
    if (x->x.held)
        cancel_one(x);
    else if (!x->input_done)
        inputs_fail(x, WEIR_ERROR_TIMEOUT);
}

static void on_deadline(struct deadline *deadline)
{
    struct fcgi_conn *c = container_of(deadline, struct fcgi_conn, deadline);

    if (c->conn.stream.handshaking) {
        note(c, WEIR_LOG_INFO, "tls-handshake-timeout");
        stream_close(&c->conn.stream);
        return;
    }
    if (c->conn.stream.paused) {
        update_deadline(c); /* it is us who do not read */
        return;
    }
    if (c->exchange_count == 0 || !reader_at_boundary(&c->session.reader)) {
        note(c, WEIR_LOG_INFO, "head-timeout");
        lose(c);
        return;
    }
    note(c, WEIR_LOG_INFO, "body-timeout");
    each_exchange(c, body_timed_out);
}

static void stop(struct conn *conn, bool now)
{
    struct fcgi_conn *c = (struct fcgi_conn *)(void *)conn;

    if (now)
        lose(c);
    else
        close_if_done(c);
}

void fcgi_released(struct fcgi_exchange *x)
{
    struct fcgi_conn *c = x->conn;
    struct weir_app_request *request = x->request;
    uint32_t app_status = x->x.app_status;
    bool broken = x->x.broken;
    weir_protocol_status status =
        broken ? WEIR_OVERLOADED : (weir_protocol_status)x->x.protocol_status;
    bool alone = c->session.requests.count == 1;

    list_remove(&x->node);
    c->exchange_count--;
    exchange_done(&x->x);
    if (broken && alone && !c->lost) {
        /* Nothing else runs here: a connection that ends without END_REQUEST is the clearest sign
         * of a response cut off. */
        c->lost = true;
        c->session.dead = true;
        stream_finish(&c->conn.stream, false);
    }
    if (c->conn.stream.closing)
        c->session.dead = true; /* nothing is to be queued any more */
    /* With others running, a status that says "not processed" after output says "broken" (rule o).
     */
    if (weir_app_end(request, app_status, status) != 0)
        stream_close(&c->conn.stream);
    if (c->closed && c->exchange_count == 0) {
        conn_free(c);
        return;
    }
    if (c->lost)
        return;
    stream_dirty(&c->conn.stream);
    close_if_done(c);
    if (c->conn.stream.paused) /* perhaps for a body that nobody wants any more */
        stream_resume(&c->conn.stream);
}

void fcgi_accept(struct server_loop *sl, struct site *site, int fd)
{
    const weir_server_options *o = &sl->server->options;
    struct fcgi_conn *c = calloc(1, sizeof *c);

    if (!c || stream_init(&c->conn.stream, &sl->loop, fd, &stream_ops) != 0) {
        free(c);
        close(fd);
        return;
    }
    app_session_init(&c->session,
                     &(weir_app_options){
                         .max_requests = o->max_requests,
                         .max_connections = o->max_connections,
                         .params_max = o->params_max,
                         .params_count_max = o->params_count_max,
                     },
                     &sl->loop.pool, &c->conn.stream.out);
    c->conn.stop = stop;
    list_init(&c->exchanges);
    deadline_init(&c->deadline, on_deadline);
    conn_add(&c->conn, sl, site);
    if (site->endpoint.is_tls)
        deadline_set(&sl->loop.deadlines, &c->deadline, o->head_timeout);
    if (!conn_start_tls(&c->conn)) {
        stream_close(&c->conn.stream);
        return;
    }
    stream_resume(&c->conn.stream);
}
