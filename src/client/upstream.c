/* SPDX-License-Identifier: MIT
 *
 * client/upstream.c: connections to one application: opened, kept, drained, closed; and the
 * question what the application can do. */
#include "client/upstream.h"

#include <errno.h>
#include <stdlib.h>

#include "client/conn.h"

enum {
    KEEP_MOST = 1024,    /* idle connections, when the application names no limit */
    ASK_MS = 1000,       /* how long the answer to GET_VALUES may take */
    ASK_AGAIN_MS = 2000, /* after the application could not be reached */
    DRAIN_MAX = 1 << 20, /* bytes read after an abort */
};

static struct upstream_conn *conn_of(struct stream *stream)
{
    return (struct upstream_conn *)(void *)stream;
}

uint32_t upstream_keeps(const struct upstream *up)
{
    if (up->closing)
        return 0;
    if (up->options.keepalive != KEEPALIVE_AUTO)
        return (uint32_t)up->options.keepalive;
    if (up->values.mpxs_conns != 1 && up->values.max_conns <= 0)
        return 0;
    return up->values.max_conns > 0 && up->values.max_conns < KEEP_MOST
               ? (uint32_t)up->values.max_conns
               : KEEP_MOST;
}

/* ---- Idle connections ------------------------------------------------------------------------ */

static void leave_list(struct upstream_conn *c)
{
    list_remove(&c->node);
    if (c->state == CONN_IDLE)
        c->up->idle_count--;
    c->state = CONN_DRAINING;
}

/* Closing takes a turn of the loop; nobody finds the connection from now on. */
void upstream_conn_close(struct upstream_conn *c)
{
    bool idle = c->state == CONN_IDLE;

    leave_list(c);
    deadline_clear(&c->deadline);
    if (idle) {
        list_insert(&c->up->conns, &c->node);
        stream_finish(&c->stream, false); /* over TLS it says so */
    } else {
        stream_close(&c->stream);
    }
}

static void become_idle(struct upstream_conn *c)
{
    struct upstream *up = c->up;

    list_remove(&c->node);
    c->state = CONN_IDLE;
    c->was_used = true;
    c->drained = 0;
    list_insert(up->idle.next, &c->node);
    up->idle_count++;
    deadline_set(&up->loop->deadlines, &c->deadline, up->options.idle_timeout);
    if (c->stream.paused)
        stream_resume(&c->stream);
}

struct upstream_conn *upstream_conn_take(struct upstream *up)
{
    struct upstream_conn *c;

    if (list_empty(&up->idle))
        return NULL;
    c = container_of(up->idle.next, struct upstream_conn, node);
    leave_list(c);
    list_insert(&up->conns, &c->node);
    c->state = CONN_BUSY;
    deadline_clear(&c->deadline);
    return c;
}

/* ---- Bytes from the application -------------------------------------------------------------- */

static bool is_reusable(const struct upstream_conn *c)
{
    return !c->not_reusable && !c->stream.write_failed && weir_web_session_reusable(&c->session) &&
           stream_pending(&c->stream) == 0;
}

/* END_REQUEST came: the connection is kept if nothing speaks against it. left: bytes that were
 * received behind it. */
static void request_ended(struct upstream_conn *c, const weir_web_event *event, size_t left)
{
    static const int errors[] = {0, WEIR_ERROR_CANT_MPX, WEIR_ERROR_OVERLOADED,
                                 WEIR_ERROR_UNKNOWN_ROLE};
    struct call *call = c->call;
    int error = event->protocol_status < 4 ? errors[event->protocol_status] : WEIR_ERROR_PROTOCOL;

    c->call = NULL;
    if (left == 0 && c->up->idle_count < upstream_keeps(c->up) && is_reusable(c))
        become_idle(c);
    else
        upstream_conn_close(c);
    if (call) {
        call->app_status = event->app_status;
        call->protocol_status = event->protocol_status;
        call_ended(call, error);
    }
}

static void connection_lost(struct upstream_conn *c, int error)
{
    struct call *call = c->call;

    if (call && c->stream.tls)
        call->detail = tls_session_reason(c->stream.tls);
    c->call = NULL;
    if (c->is_probe && c->state == CONN_CONNECTING)
        c->up->asked = false; /* that was no answer: nobody was there */
    upstream_conn_close(c);
    if (call && error == WEIR_ERROR_CONNECT)
        call_not_connected(call);
    else if (call)
        call_ended(call, error);
}

/* An answer to GET_VALUES, which is all that its connection was for. */
static void question_answered(struct upstream_conn *c, const weir_web_event *event)
{
    struct call *call = c->call;

    c->call = NULL;
    if (event->type == WEIR_WEB_VALUES) {
        c->up->values = weir_web_session_values(&c->session);
        c->up->asked = true;
    }
    upstream_conn_close(c);
    if (call)
        call_ended(call, event->type == WEIR_WEB_VALUES ? 0 : WEIR_ERROR_UNKNOWN_TYPE);
}

static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    struct upstream_conn *c = conn_of(stream);
    weir_str in = {bytes, len};

    if (c->state == CONN_IDLE) { /* nobody asked for anything */
        upstream_conn_close(c);
        return len;
    }
    while (!stream->closing && !stream->paused) {
        weir_web_event event;
        size_t used;
        int rc = weir_web_session_next(&c->session, in.ptr, in.len, &used, &event);
        if (c->tap && tap_received(c->tap, str(in.ptr, used)) != 0)
            rc = WEIR_ERROR_NOMEM;
        in = str(in.ptr + used, in.len - used);
        if (rc == 0)
            break;
        if (rc < 0) {
            if (c->call && rc == WEIR_ERROR_VERSION_FIELD &&
                str_starts(str(bytes, len), WEIR_STR("HTTP/")))
                c->call->detail = "this looks like HTTP";
            connection_lost(c, rc);
            break;
        }
        if (event.type == WEIR_WEB_END) {
            request_ended(c, &event, in.len);
            break;
        }
        if (!event.request) {
            if (c->is_probe || (c->call && c->call->asks))
                question_answered(c, &event);
        } else if (c->call && event.user == c->call) {
            call_event(c->call, &event); /* which may abort the call: then the rest is drained */
        }
    }
    if (c->state == CONN_DRAINING && !stream->closing) {
        c->drained += (uint32_t)len;
        if (c->drained > DRAIN_MAX)
            upstream_conn_close(c);
    }
    return stream->paused && !stream->closing ? len - in.len : len;
}

static void on_end(struct stream *stream)
{
    struct upstream_conn *c = conn_of(stream);
    connection_lost(c, c->call && c->call->responded ? WEIR_ERROR_TRUNCATED : WEIR_ERROR_CLOSED);
}

static void on_error(struct stream *stream, int error, bool writing)
{
    struct upstream_conn *c = conn_of(stream);

    if (error == WEIR_ERROR_CONNECT)
        c->up->last_errno = errno;
    /* An application may answer without reading the body to its end. */
    if (writing && c->state == CONN_BUSY && error == WEIR_ERROR_CLOSED)
        return;
    if (writing && c->call)
        c->call->stalled = error == WEIR_ERROR_TIMEOUT;
    if (error == WEIR_ERROR_CLOSED)
        on_end(stream);
    else
        connection_lost(c, error);
}

static void on_drained(struct stream *stream)
{
    struct upstream_conn *c = conn_of(stream);

    if (c->call)
        c->call->ops->drained(c->call);
}

static void on_connected(struct stream *stream)
{
    struct upstream_conn *c = conn_of(stream);

    c->state = CONN_BUSY;
    c->up->preferred = c->endpoint;
    if (c->call)
        call_connected(c->call);
}

static void on_closed(struct stream *stream)
{
    struct upstream_conn *c = conn_of(stream);
    struct upstream *up = c->up;
    struct call *call = c->call; /* only if it could not queue what it sent */

    leave_list(c);
    if (call)
        call_ended(call, call->failed_with);
    up->conn_count--;
    if (up->probe == c)
        up->probe = NULL;
    stream_done(&c->stream);
    web_session_done(&c->session);
    tap_free(c->tap);
    free(c);
    if (up->conn_count == 0 && up->on_empty)
        up->on_empty(up);
}

static const struct stream_ops stream_ops = {
    .data = on_data,
    .end = on_end,
    .error = on_error,
    .drained = on_drained,
    .connected = on_connected,
    .closed = on_closed,
};

/* Idle for long, no answer to an abort or to the question: none of them concerns a call. */
static void on_deadline(struct deadline *deadline)
{
    upstream_conn_close(container_of(deadline, struct upstream_conn, deadline));
}

int upstream_conn_open(struct upstream *up, unsigned endpoint, struct upstream_conn **ret_conn)
{
    const struct endpoint *ep = &up->endpoints[endpoint];
    struct upstream_conn *c = calloc(1, sizeof *c);
    int rc = WEIR_ERROR_NOMEM;

    if (up->endpoint.is_tls && !up->options.tls)
        rc = WEIR_ERROR_INVALID;
    else if (c && (!up->make_tap || up->make_tap(up, &c->tap) == 0))
        rc = stream_connect(&c->stream, up->loop, &ep->address.any, ep->address_len, &stream_ops);
    if (rc < 0) {
        up->last_errno = rc == WEIR_ERROR_NOMEM ? ENOMEM : errno;
        if (c)
            tap_free(c->tap);
        free(c);
        return rc;
    }
    web_session_init(&c->session, &up->loop->pool, c->tap ? &c->tap->out : &c->stream.out);
    if (up->first_id)
        c->session.next_id = up->first_id;
    c->endpoint = endpoint;
    if (rc == 1)
        up->preferred = endpoint;
    c->stream.stall_ms = up->options.send_timeout;
    c->up = up;
    if (up->endpoint.is_tls)
        rc = stream_connect_tls(&c->stream, up->options.tls, WEIR_STR(""), up->endpoint.host);
    c->state = rc == 1 ? CONN_BUSY : CONN_CONNECTING;
    deadline_init(&c->deadline, on_deadline);
    list_insert(&up->conns, &c->node);
    up->conn_count++;
    if (rc < 0) {
        upstream_conn_close(c);
        return rc;
    }
    if (up->endpoint.is_tls)
        tls_session_use_ticket(c->stream.tls, &up->ticket);
    stream_resume(&c->stream);
    *ret_conn = c;
    return rc;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

void upstream_ask(struct upstream *up)
{
    struct upstream_conn *c;

    if (up->asked || up->probe || up->closing || up->options.keepalive != KEEPALIVE_AUTO ||
        deadline_is_set(&up->probe_again))
        return;
    deadline_set(&up->loop->deadlines, &up->probe_again, ASK_AGAIN_MS);
    if (upstream_conn_open(up, up->preferred, &c) < 0)
        return;
    up->probe = c;
    up->asked = true;
    up->values = (weir_web_values){-1, -1, -1};
    c->is_probe = true;
    deadline_set(&up->loop->deadlines, &c->deadline, ASK_MS);
    if (weir_web_session_get_values(&c->session) != 0 || upstream_conn_push(c) != 0)
        upstream_conn_close(c);
    stream_dirty(&c->stream);
}

/* Only a pause between two attempts: who needs the answer asks again. */
static void on_probe_again(struct deadline *deadline)
{
    (void)deadline;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void upstream_init(struct upstream *up, struct loop *loop, const struct endpoint *endpoint,
                   const struct upstream_options *options)
{
    *up = (struct upstream){
        .loop = loop,
        .endpoint = *endpoint,
        .options = *options,
        .values = {-1, -1, -1},
    };
    up->endpoints = &up->endpoint;
    up->endpoint_count = 1;
    endpoint_format(endpoint, up->url);
    list_init(&up->idle);
    list_init(&up->conns);
    deadline_init(&up->probe_again, on_probe_again);
    if (options->ask_later)
        up->asked = true;
    else
        upstream_ask(up);
}

static void close_idle(struct upstream *up)
{
    while (!list_empty(&up->idle))
        upstream_conn_close(container_of(up->idle.next, struct upstream_conn, node));
}

void upstream_drain(struct upstream *up)
{
    up->closing = true;
    deadline_clear(&up->probe_again);
    close_idle(up);
}

void upstream_close(struct upstream *up)
{
    upstream_drain(up);
    while (!list_empty(&up->conns))
        connection_lost(container_of(up->conns.next, struct upstream_conn, node),
                        WEIR_ERROR_CANCELLED);
    tls_ticket_done(&up->ticket);
}
