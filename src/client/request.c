/* SPDX-License-Identifier: MIT
 *
 * client/request.c: the life of a request: new -> waiting for addresses -> running -> over.
 *
 * The application's functions are called between request_hold and request_unhold, so that they may
 * free the request; whatever called them looks at request_runs before it goes on. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/conn.h"

static const struct call_ops call_ops;

static weir_client_request *request_of(struct call *call)
{
    return container_of(call, struct weir_client_request, call);
}

int request_fail(weir_client_request *r, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    return error;
}

bool request_runs(const weir_client_request *r)
{
    return !r->dead && r->state == REQUEST_RUNNING;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void on_pump(struct loop_task *task)
{
    outgoing_pump(container_of(task, struct weir_client_request, pump));
}

static void on_total(struct deadline *deadline)
{
    weir_client_request *r = container_of(deadline, struct weir_client_request, total);

    (void)request_fail(r, WEIR_ERROR_TIMEOUT, "%s: not done within %u ms (total_timeout)",
                       r->client->url, r->client->options.total_timeout);
    request_refuse(r, WEIR_ERROR_TIMEOUT);
}

static void on_look_up(struct deadline *deadline)
{
    weir_client_request *r = container_of(deadline, struct weir_client_request, look_up);

    (void)request_fail(r, WEIR_ERROR_ADDRESS, "%s: looking up %s took over %u ms (connect_timeout)",
                       r->client->url, r->client->up.endpoint.host,
                       r->client->options.connect_timeout);
    request_refuse(r, WEIR_ERROR_ADDRESS);
}

weir_client_request *weir_client_request_new(weir_client *client, weir_role role)
{
    const weir_client_options *o = &client->options;
    struct pool *pool = &client->cl->loop->pool;
    struct http_limits limits = {.head_max = o->head_max, .fields_max = (uint16_t)o->fields_max};
    weir_client_request *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    if (answer_init(&r->answer, pool, limits) != 0) {
        free(r);
        return NULL;
    }
    r->client = client;
    r->role = role;
    r->keep_conn = -1;
    r->mtime = -1;
    r->protocol_status = -1;
    r->result = WEIR_ERROR_AGAIN;
    arena_init(&r->arena, pool);
    buf_init(&r->kept, pool, (size_t)KEPT_MAX + WEIR_RECORD_CONTENT_MAX);
    buf_init(&r->errors, pool, (size_t)o->errors_max + 1);
    deadline_init(&r->total, on_total);
    deadline_init(&r->look_up, on_look_up);
    loop_task_init(&r->pump, on_pump);
    list_init(&r->wait_node);
    list_insert(&client->requests, &r->node);
    return r;
}

static void request_destroy(weir_client_request *r)
{
    list_remove(&r->node);
    answer_done(&r->answer);
    buf_done(&r->kept);
    buf_done(&r->errors);
    arena_done(&r->arena);
    free(r->params.pairs);
    free(r);
}

void request_hold(weir_client_request *r)
{
    r->busy++;
}

void request_unhold(weir_client_request *r)
{
    if (--r->busy == 0 && r->dead)
        request_destroy(r);
}

weir_client_request *weir_client_request_free(weir_client_request *r)
{
    if (!r || r->dead)
        return NULL;
    weir_client_abort(r);
    if (r->busy > 0) {
        r->dead = true;
        list_remove(&r->node);
    } else {
        request_destroy(r);
    }
    return NULL;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void leave(weir_client_request *r, int result)
{
    struct client_loop *cl = r->client->cl;

    r->state = REQUEST_OVER;
    r->result = result;
    r->stats.end_ns = uv_hrtime() - r->started;
    deadline_clear(&r->total);
    deadline_clear(&r->look_up);
    loop_task_cancel(&r->pump);
    list_remove(&r->wait_node);
    client_loop_count(cl, -1);
    client_notice(cl);
}

static void end(weir_client_request *r, int result)
{
    leave(r, result);
    request_hold(r);
    if (r->callbacks.done)
        r->callbacks.done(r, result, r->arg);
    request_unhold(r);
}

static void stop_call(weir_client_request *r)
{
    if (r->state == REQUEST_RUNNING)
        call_abort(&r->call);
}

void request_refuse(weir_client_request *r, int error)
{
    stop_call(r);
    end(r, error);
}

void weir_client_abort(weir_client_request *r)
{
    if (r->state != REQUEST_WAITING && r->state != REQUEST_RUNNING)
        return;
    stop_call(r);
    leave(r, request_fail(r, WEIR_ERROR_CANCELLED, "%s: the request was given up", r->client->url));
}

int weir_client_cancel(weir_client_request *r)
{
    int rc;

    if ((r->state != REQUEST_WAITING && r->state != REQUEST_RUNNING) || r->call.cancelled)
        return 0;
    rc = r->state == REQUEST_RUNNING ? call_cancel(&r->call) : WEIR_ERROR_STATE;
    if (rc != 0) {
        (void)request_fail(r, WEIR_ERROR_CANCELLED, "%s: the request was cancelled",
                           r->client->url);
        request_refuse(r, WEIR_ERROR_CANCELLED);
    }
    return rc == WEIR_ERROR_STATE ? 0 : rc;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void keep(weir_client_request *r, weir_str data)
{
    if (r->discards)
        return;
    if (buf_append(&r->kept, data.ptr, data.len) != 0) {
        (void)request_fail(r, WEIR_ERROR_NOMEM, "%s: keeping the answer: out of memory",
                           r->client->url);
        request_refuse(r, WEIR_ERROR_NOMEM);
        return;
    }
    if (r->kept.len >= KEPT_MAX)
        call_pause(&r->call);
}

static void give_body(weir_client_request *r, weir_str data)
{
    r->stats.body_bytes += data.len;
    if (r->is_pull)
        keep(r, data);
    else if (r->callbacks.body)
        r->callbacks.body(r, data, r->arg);
}

static void give_event(weir_client_request *r, int event, weir_str data)
{
    if (event == ANSWER_BODY)
        give_body(r, data);
    else if (event == ANSWER_HEAD && r->callbacks.head)
        r->callbacks.head(r, r->arg);
    else if (event == ANSWER_INTERIM && r->callbacks.interim)
        r->callbacks.interim(r, r->arg);
}

static void on_output(struct call *call, weir_str data)
{
    weir_client_request *r = request_of(call);
    weir_str part;
    int event = 0;

    if (r->stats.stdout_bytes == 0)
        r->stats.first_byte_ns = uv_hrtime() - r->started;
    r->stats.stdout_bytes += data.len;
    request_hold(r);
    if (r->is_raw)
        give_body(r, data);
    while (!r->is_raw && request_runs(r) && (event = answer_next(&r->answer, &data, &part)) > 0)
        give_event(r, event, part);
    if (event < 0 && request_runs(r)) {
        (void)request_fail(r, event, "%s: reading the answer: %s (%s)", r->client->url,
                           weir_error_text(event), r->answer.fault);
        request_refuse(r, event);
    }
    client_notice(r->client->cl);
    request_unhold(r);
}

/* What is too much is dropped, and told by the count. */
static void on_error_output(struct call *call, weir_str data)
{
    weir_client_request *r = request_of(call);
    size_t room = r->client->options.errors_max - r->errors.len;

    r->stats.stderr_bytes += data.len;
    if (r->callbacks.error_output) {
        request_hold(r);
        r->callbacks.error_output(r, data, r->arg);
        request_unhold(r);
        return;
    }
    if (buf_append(&r->errors, data.ptr, data.len < room ? data.len : room) == 0 &&
        buf_room(&r->errors, 1))
        r->errors.ptr[r->errors.len] = '\0';
}

static void on_drained(struct call *call)
{
    weir_client_request *r = request_of(call);

    request_hold(r);
    outgoing_pump(r);
    if (request_runs(r) && r->wants_writable) {
        r->wants_writable = false;
        if (r->callbacks.writable)
            r->callbacks.writable(r, r->arg);
    }
    client_notice(r->client->cl);
    request_unhold(r);
}

/* ---- The call -------------------------------------------------------------------------------- */

static int on_params(struct call *call)
{
    weir_client_request *r = request_of(call);
    int rc = 0;

    r->stats.connect_end_ns = uv_hrtime() - r->started;
    r->stats.reused = call->reused;
    r->stats.request_id = weir_web_request_id(call->request);
    r->counts = (struct tap_counts){0};
    if (call->conn->tap)
        call->conn->tap->counts = &r->counts;
    for (size_t i = 0; i < r->params.count && rc == 0; i++)
        rc = weir_web_param(call->request, r->params.pairs[i].name, r->params.pairs[i].value);
    if (rc == 0)
        rc = weir_web_params_end(call->request);
    if (rc != 0)
        return rc;
    outgoing_pump_bytes(r);
    /* What needs a function of the application's is sent behind it, in this turn. */
    loop_defer(r->client->cl->loop, &r->pump);
    if (r->wants_writable)
        call_want_drain(call);
    client_notice(r->client->cl);
    return 0;
}

static void explain_timeout(weir_client_request *r)
{
    const weir_client_options *o = &r->client->options;

    if (r->call.stalled)
        (void)request_fail(r, 0, "%s: took nothing of the request for %u ms (send_timeout)",
                           r->client->url, o->send_timeout);
    else if (r->call.responded)
        (void)request_fail(r, 0, "%s: no more of the answer for %u ms (idle_timeout)",
                           r->client->url, o->idle_timeout);
    else
        (void)request_fail(r, 0,
                           "%s: accepted the request, no answer within %u ms "
                           "(first_byte_timeout)",
                           r->client->url, o->first_byte_timeout);
}

static void explain(weir_client_request *r, int error)
{
    const char *url = r->client->url;
    const struct upstream *up = &r->client->up;
    const char *detail = r->call.detail && *r->call.detail ? r->call.detail : NULL;

    switch (error) {
    case WEIR_ERROR_CONNECT:
        (void)request_fail(r, 0, "%s: cannot connect: %s%s", url,
                           up->last_errno == EAGAIN ? "its backlog is full"
                                                    : strerror(up->last_errno),
                           up->endpoint_count > 1 ? " (the last of several addresses)" : "");
        break;
    case WEIR_ERROR_TIMEOUT:
        explain_timeout(r);
        break;
    case WEIR_ERROR_CLOSED:
        (void)request_fail(r, 0, "%s: closed the connection without an answer", url);
        break;
    case WEIR_ERROR_TRUNCATED:
        (void)request_fail(r, 0,
                           "%s: closed the connection after %llu bytes of STDOUT, before "
                           "END_REQUEST",
                           url, (unsigned long long)r->stats.stdout_bytes);
        break;
    default:
        (void)request_fail(r, 0, "%s: %s%s%s", url, weir_error_text(error), detail ? ": " : "",
                           detail ? detail : "");
    }
}

/* STDOUT is complete: it also has to be an answer. */
static int check_answer(weir_client_request *r)
{
    int rc = r->is_raw ? 0 : answer_end(&r->answer);

    if (rc != 0)
        (void)request_fail(r, rc, "%s: reading the answer: %s (%s)", r->client->url,
                           weir_error_text(rc), r->answer.fault);
    return rc;
}

static void start_call(weir_client_request *r, bool fresh)
{
    call_start(&r->call, &r->client->up, r->role, &call_ops, fresh);
    r->call.keep_conn = r->keep_conn;
    if (r->call.paused != r->paused)
        call_pause(&r->call);
}

/* A kept connection that died unnoticed, before anything was answered to what may be asked twice.
 */
static bool retry(weir_client_request *r, int error)
{
    if (error != WEIR_ERROR_CLOSED || !r->call.reused || r->call.responded || r->stats.retried ||
        !r->is_idempotent || r->body.length != 0 || r->role == WEIR_FILTER)
        return false;
    r->stats.retried = true;
    r->body.ended = false;
    start_call(r, true);
    return true;
}

static void on_done(struct call *call, int error)
{
    weir_client_request *r = request_of(call);

    if (retry(r, error))
        return;
    if (error == WEIR_ERROR_CONNECT)
        r->client->resolved_at = 0;
    if (call->protocol_status >= 0)
        r->protocol_status = call->protocol_status;
    if (error == 0)
        error = check_answer(r);
    else
        explain(r, error);
    end(r, error);
}

static const struct call_ops call_ops = {
    .params = on_params,
    .output = on_output,
    .error_output = on_error_output,
    .drained = on_drained,
    .done = on_done,
};

/* ---- Starting -------------------------------------------------------------------------------- */

static void run(weir_client_request *r)
{
    weir_client *client = r->client;

    r->state = REQUEST_RUNNING;
    r->stats.connect_start_ns = uv_hrtime() - r->started;
    /* One request alone is not worth a question: nobody would use the connection again. */
    if (client->served++ == 1)
        client->up.asked = false;
    start_call(r, r->fresh);
}

void request_resolved(weir_client_request *r, const char *error)
{
    deadline_clear(&r->look_up);
    if (!error) {
        run(r);
        return;
    }
    (void)request_fail(r, WEIR_ERROR_ADDRESS, "%s", error);
    end(r, WEIR_ERROR_ADDRESS);
}

static void take_callbacks(weir_client_request *r, const weir_client_callbacks *given, void *arg)
{
    weir_client_callbacks *own = &r->callbacks;

    r->is_pull = !given;
    r->arg = arg;
    if (given)
        memcpy(own, given, given->size < sizeof *own ? given->size : sizeof *own);
}

static bool second_look(void *arg)
{
    bool *looked = arg;
    bool over = *looked;

    *looked = true;
    return over;
}

/* The clock of a loop that has not run is late, and its kept connections may have been closed
 * meanwhile. One turn tells; not where it could call back. */
static void catch_up(struct client_loop *cl, bool is_pull)
{
    bool looked = false;

    if (cl->is_own && !cl->running && (is_pull || cl->active == 0))
        (void)client_drive(cl, second_look, &looked, 0, false);
}

int weir_client_start(weir_client_request *r, const weir_client_callbacks *callbacks, void *arg)
{
    weir_client *client = r->client;
    struct client_loop *cl = client->cl;

    if (r->state != REQUEST_NEW)
        return request_fail(r, WEIR_ERROR_STATE, "starting the request: it was started before");
    if (!callbacks && (!cl->is_own || cl->running))
        return request_fail(r, WEIR_ERROR_STATE,
                            "starting the request: the blocking form needs a loop of the client's");
    if (client->unusable)
        return request_fail(r, client->unusable, "%s", client->error);
    int rc = request_complete_params(r);
    if (rc != 0)
        return rc;
    take_callbacks(r, callbacks, arg);
    answer_expect(&r->answer, r->is_head);

    catch_up(cl, r->is_pull);
    r->started = uv_hrtime();
    r->state = REQUEST_WAITING;
    client_loop_count(cl, 1);
    deadline_set(&cl->loop->deadlines, &r->total, client->options.total_timeout);
    list_insert(&client->waiting, &r->wait_node);
    rc = client_resolve(client);
    if (rc < 0) {
        leave(r, request_fail(r, rc, "%s", client->error));
        return rc;
    }
    if (r->state == REQUEST_WAITING && rc == 1) {
        list_remove(&r->wait_node);
        run(r);
    } else if (r->state == REQUEST_WAITING) {
        deadline_set(&cl->loop->deadlines, &r->look_up, client->options.connect_timeout);
    }
    return 0;
}

void weir_client_pause(weir_client_request *r)
{
    r->paused = true;
    if (r->state == REQUEST_RUNNING)
        call_pause(&r->call);
}

void weir_client_resume(weir_client_request *r)
{
    r->paused = false;
    if (r->state == REQUEST_RUNNING)
        call_resume(&r->call);
}

/* ---- Choices --------------------------------------------------------------------------------- */

static int choose(weir_client_request *r, const char *what)
{
    return r->state == REQUEST_NEW
               ? 0
               : request_fail(r, WEIR_ERROR_STATE, "%s: the request has started", what);
}

int weir_client_keep_conn(weir_client_request *r, int keep_conn)
{
    int rc = choose(r, "setting KEEP_CONN");

    if (rc == 0)
        r->keep_conn = (int8_t)(keep_conn < 0 ? -1 : keep_conn > 0);
    return rc;
}

int weir_client_fresh(weir_client_request *r)
{
    int rc = choose(r, "asking for a new connection");

    r->fresh |= rc == 0;
    return rc;
}

int weir_client_raw_output(weir_client_request *r)
{
    int rc = choose(r, "asking for raw output");

    r->is_raw |= rc == 0;
    return rc;
}

int weir_client_send_raw(weir_client_request *r, weir_str bytes)
{
    struct upstream_conn *conn = r->state == REQUEST_RUNNING ? r->call.conn : NULL;

    if (!conn || conn->state != CONN_BUSY)
        return request_fail(r, WEIR_ERROR_STATE, "sending raw bytes: there is no connection");
    conn->not_reusable = true;
    if (outq_append(&conn->stream.out, bytes.ptr, bytes.len) != 0)
        return request_fail(r, WEIR_ERROR_NOMEM, "sending raw bytes: out of memory");
    stream_dirty(&conn->stream);
    return 0;
}

void weir_client_set_user(weir_client_request *r, void *user)
{
    r->user = user;
}

void *weir_client_user(const weir_client_request *r)
{
    return r->user;
}
