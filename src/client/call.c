/* SPDX-License-Identifier: MIT
 *
 * client/call.c: see call.h. */
#include "client/call.h"

#include <errno.h>

#include "client/conn.h"

enum { BACKLOG_FULL_MS = 5 }; /* between two attempts while a UNIX socket's backlog is full */

static void on_task(struct loop_task *task);
static void on_deadline(struct deadline *deadline);
static void connect_now(struct call *call);

static void set_deadline(struct call *call, uint32_t ms)
{
    deadline_set(&call->up->loop->deadlines, &call->deadline, ms);
}

void call_start(struct call *call, struct upstream *up, weir_role role, const struct call_ops *ops,
                bool fresh_only)
{
    *call = (struct call){.ops = ops,
                          .up = up,
                          .role = role,
                          .fresh_only = fresh_only,
                          .keep_conn = -1,
                          .protocol_status = -1};
    deadline_init(&call->deadline, on_deadline);
    loop_task_init(&call->task, on_task);
    call->connect_until = loop_now(up->loop) + up->options.connect_timeout;
    loop_defer(up->loop, &call->task);
}

/* No operation may be called any more. */
static void detach(struct call *call)
{
    deadline_clear(&call->deadline);
    loop_task_cancel(&call->task);
    if (call->conn) {
        call->conn->call = NULL;
        if (call->conn->tap)
            call->conn->tap->counts = NULL;
    }
    call->conn = NULL;
    call->request = NULL;
}

void call_ended(struct call *call, int error)
{
    detach(call);
    if (call->cancelled)
        error = WEIR_ERROR_CANCELLED;
    /* After trouble, find out what is there now. */
    if (error == WEIR_ERROR_CONNECT || error == WEIR_ERROR_HANDSHAKE ||
        error == WEIR_ERROR_CERTIFICATE)
        call->up->asked = false;
    call->ops->done(call, error);
}

/* ---- Sending --------------------------------------------------------------------------------- */

void call_connected(struct call *call)
{
    struct upstream_conn *conn = call->conn;
    bool keep = call->keep_conn < 0 ? upstream_keeps(call->up) > 0 : call->keep_conn;
    int rc = WEIR_ERROR_NOMEM;

    if (!call->asks) {
        upstream_ask(call->up);
        call->reused = conn->was_used;
        call->request =
            weir_web_begin(&conn->session, call->role, keep ? WEIR_FLAG_KEEP_CONN : 0, call);
    }
    if (call->request || call->asks)
        rc = call->ops->params(call);
    if (conn->stream.closing)
        return; /* see after_sending */
    if (rc == 0)
        rc = upstream_conn_push(conn);
    if (rc == 0) {
        call->sent = true;
        if (!call->paused)
            set_deadline(call, call->up->options.first_byte_timeout);
        stream_dirty(&conn->stream);
        return;
    }
    conn->call = NULL;
    upstream_conn_close(conn);
    call_ended(call, rc);
}

static void take_connection(struct call *call, struct upstream_conn *conn)
{
    call->conn = conn;
    conn->call = call;
    if (call->paused)
        stream_pause(&conn->stream);
}

/* This address does not answer; the next one may. */
void call_not_connected(struct call *call)
{
    detach(call);
    if (++call->tried < call->up->endpoint_count && loop_now(call->up->loop) < call->connect_until)
        loop_defer(call->up->loop, &call->task);
    else
        call_ended(call, WEIR_ERROR_CONNECT);
}

static void connect_now(struct call *call)
{
    struct upstream *up = call->up;
    struct upstream_conn *conn = NULL;

    if (!call->fresh_only)
        conn = upstream_conn_take(up);
    if (conn) {
        take_connection(call, conn);
        call_connected(call);
        return;
    }
    int rc = upstream_conn_open(up, (up->preferred + call->tried) % up->endpoint_count, &conn);
    if (rc == WEIR_ERROR_AGAIN && loop_now(up->loop) < call->connect_until) {
        set_deadline(call, BACKLOG_FULL_MS);
        return;
    }
    if (rc < 0) {
        call_not_connected(call);
        return;
    }
    take_connection(call, conn);
    if (rc == 1)
        call_connected(call);
    else
        set_deadline(call, up->options.connect_timeout / up->endpoint_count + 1);
}

static void on_task(struct loop_task *task)
{
    connect_now(container_of(task, struct call, task));
}

/* Whether there is anybody who would read what is sent. */
static bool sends(const struct call *call)
{
    return call->request && !call->cancelled && !call->conn->stream.write_failed &&
           !call->conn->stream.closing;
}

static void after_sending(struct call *call, int rc)
{
    struct stream *stream = &call->conn->stream;

    if (rc == 0)
        rc = upstream_conn_push(call->conn);
    if (rc != 0) {
        /* Out of memory in the middle of a record: the connection cannot be used any more. The call
         * hears of it when it is closed. */
        call->failed_with = rc;
        stream_reset(stream);
        return;
    }
    if (stream->out.borrowed > 0)
        stream_borrowed(stream);
    else
        stream_dirty(stream);
    if (!call->responded && !call->paused)
        set_deadline(call, call->up->options.first_byte_timeout);
}

void call_stdin(struct call *call, weir_str data, bool borrow)
{
    if (sends(call))
        after_sending(call, web_stdin(call->request, &data, 1, borrow));
}

void call_stdin_end(struct call *call)
{
    if (sends(call))
        after_sending(call, weir_web_stdin_end(call->request));
}

void call_data(struct call *call, weir_str data)
{
    if (sends(call))
        after_sending(call, weir_web_data(call->request, data));
}

void call_data_end(struct call *call)
{
    if (sends(call))
        after_sending(call, weir_web_data_end(call->request));
}

bool call_congested(const struct call *call)
{
    return sends(call) && stream_pending(&call->conn->stream) > STREAM_HIGH_WATER;
}

void call_want_drain(struct call *call)
{
    stream_want_drain(&call->conn->stream);
    stream_dirty(&call->conn->stream);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

void call_event(struct call *call, const weir_web_event *event)
{
    call->responded = true;
    if (event->type == WEIR_WEB_STDOUT) {
        set_deadline(call, call->up->options.response_timeout);
        call->ops->output(call, event->data);
    } else if (event->type == WEIR_WEB_STDERR) {
        call->ops->error_output(call, event->data);
    }
}

void call_pause(struct call *call)
{
    call->paused = true;
    deadline_clear(&call->deadline); /* whoever is slow now, it is not the application */
    if (call->conn)
        stream_pause(&call->conn->stream);
}

void call_resume(struct call *call)
{
    if (!call->paused)
        return;
    call->paused = false;
    if (call->conn) {
        set_deadline(call, call->up->options.response_timeout);
        stream_resume(&call->conn->stream);
    }
}

void call_touch(struct call *call)
{
    const struct upstream_options *options = &call->up->options;
    struct upstream_conn *conn = call->conn;

    if (!conn || conn->state == CONN_CONNECTING)
        return;
    if (!call->paused)
        set_deadline(call,
                     call->responded ? options->response_timeout : options->first_byte_timeout);
    if (conn->stream.write_blocked)
        deadline_set(&call->up->loop->deadlines, &conn->stream.stall, conn->stream.stall_ms);
}

/* ---- Ending early ---------------------------------------------------------------------------- */

int call_cancel(struct call *call)
{
    struct upstream_conn *conn = call->conn;
    int rc;

    if (!call->request || conn->stream.write_failed)
        return WEIR_ERROR_STATE;
    rc = weir_web_abort(call->request);
    if (rc == 0)
        rc = upstream_conn_push(conn);
    if (rc != 0)
        return rc;
    call->cancelled = true;
    call_resume(call); /* what was held back stands before END_REQUEST */
    set_deadline(call, call->up->options.abort_timeout);
    stream_dirty(&conn->stream);
    return 0;
}

void call_abort(struct call *call)
{
    struct upstream_conn *conn = call->conn;
    struct weir_web_request *request = call->request;

    detach(call);
    if (!conn)
        return;
    if (!request || conn->stream.write_failed || conn->stream.closing ||
        weir_web_abort(request) != 0 || upstream_conn_push(conn) != 0) {
        upstream_conn_close(conn);
        return;
    }
    weir_web_request_set_user(request, NULL);
    if (!request->keep_conn) {
        /* Closing says it to those who do not look at ABORT_REQUEST. */
        stream_finish(&conn->stream, false);
        return;
    }
    conn->state = CONN_DRAINING;
    deadline_set(&call->up->loop->deadlines, &conn->deadline, call->up->options.abort_timeout);
    stream_dirty(&conn->stream);
    stream_resume(&conn->stream);
}

static void on_deadline(struct deadline *deadline)
{
    struct call *call = container_of(deadline, struct call, deadline);

    if (!call->conn) {
        connect_now(call); /* the backlog was full */
        return;
    }
    if (call->conn->state == CONN_CONNECTING) {
        struct upstream_conn *conn = call->conn;
        conn->call = NULL;
        upstream_conn_close(conn);
        call->up->last_errno = ETIMEDOUT;
        call_not_connected(call);
        return;
    }
    int error = call->cancelled ? WEIR_ERROR_CANCELLED : WEIR_ERROR_TIMEOUT;
    if (call->cancelled)
        call->conn->not_reusable = true;
    call_abort(call);
    call->ops->done(call, error);
}
