/* SPDX-License-Identifier: MIT
 *
 * proxy/gateway.c: the handler that weir is: an exchange in, a call out, and all that can happen
 * between the two.
 *
 *     exchange -> (script, spool) -> call -> output -> exchange
 *                      ^                       |
 *                      +---- local redirect ---+   retry while surely not processed */
#include "proxy/gateway.h"

#include <stdio.h>

#include "http/path.h"
#include "http/response.h"

static const struct call_ops call_ops;

static void start(struct gateway *g);

static struct gateway *gateway_of(struct call *call)
{
    return container_of(call, struct gateway, call);
}

/* Gives back what does not live in the exchange's arena. To be called before its last function. */
static void let_go(struct gateway *g)
{
    buf_done(&g->head);
    if (g->spool)
        spool_done(g->spool);
    g->spool = NULL;
}

/* ---- Failing --------------------------------------------------------------------------------- */

static void log_failure(struct gateway *g, unsigned status, const char *reason)
{
    const char *detail = g->call.detail ? g->call.detail : "";

    server_log(g->proxy->server, status >= 500 ? WEIR_LOG_WARNING : WEIR_LOG_INFO,
               "reason=%s status=%u request_id=%.*s backend=%s method=%s target=%.200s%s%s", reason,
               status, REQUEST_ID_SIZE, g->request_id, g->call.up ? g->call.up->url : "-",
               g->x->method.ptr, g->x->target.ptr, *detail ? ": " : "", detail);
}

void gateway_fail(struct gateway *g, unsigned status, const char *reason)
{
    weir_exchange *x = g->x;
    char text[160];

    log_failure(g, status, reason);
    let_go(g);
    if (x->head_sent) {
        weir_fail(x);
        return;
    }
    weir_str phrase = http_reason_phrase(status);
    int n = snprintf(text, sizeof text, "%u %.*s\nRequest ID: %.*s\n", status, (int)phrase.len,
                     phrase.ptr, REQUEST_ID_SIZE, g->request_id);
    x->field_count = 0;
    x->has_date = false;
    x->declared = -1;
    x->status = status;
    x->reason = (weir_str){NULL, 0};
    if (status == 503)
        (void)exchange_add_field(x, WEIR_STR("Retry-After"), WEIR_STR("1"));
    (void)exchange_add_field(x, WEIR_STR("Content-Type"), WEIR_STR("text/plain"));
    weir_str body = {text, (size_t)n};
    (void)exchange_send(x, &body, 1, SEND_END);
}

static void on_cancel(weir_exchange *x, void *arg)
{
    struct gateway *g = arg;

    if (g->calling) {
        g->calling = false;
        call_abort(&g->call);
    }
    let_go(g);
    (void)weir_finish(x);
}

/* ---- The request body ------------------------------------------------------------------------ */

static void pass_body(struct gateway *g, weir_str data, bool end)
{
    if (data.len > 0) {
        g->body_sent = true;
        call_stdin(&g->call, data, true);
    }
    if (end)
        call_stdin_end(&g->call);
    else if (call_congested(&g->call)) {
        weir_pause_body(g->x);
        call_want_drain(&g->call);
    }
}

/* The client did not send what it announced. */
static void body_failed(struct gateway *g, int state)
{
    if (state == WEIR_ERROR_CANCELLED)
        return; /* on_cancel follows */
    if (g->calling) {
        g->calling = false;
        call_abort(&g->call);
    }
    if (state == WEIR_ERROR_TIMEOUT)
        gateway_fail(g, 408, "body-timeout");
    else
        gateway_fail(g, 400, "body-incomplete");
}

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct gateway *g = arg;

    (void)x;
    if (state < 0)
        body_failed(g, state);
    else if (g->calling && g->redirects == 0) /* the target of a redirect gets no body */
        pass_body(g, data, state == 1);
    if (state == 1)
        g->body_ended = true;
}

/* A body of unknown length is gathered first, so that CONTENT_LENGTH is true. */
static void on_spool_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct gateway *g = arg;

    (void)x;
    if (state < 0) {
        body_failed(g, state);
        return;
    }
    if (spool_write(g->spool, data) != 0) {
        gateway_fail(g, 503, "spool-failed");
        return;
    }
    if (state == 1) {
        g->content_length = (int64_t)g->spool->len;
        g->body_ended = true;
        start(g);
    }
}

/* Sends what the connection takes. 0, or SYSTEM when the file cannot be read. */
static int send_spool(struct gateway *g)
{
    char piece[32768];

    while (g->calling && g->spool_sent < g->spool->len) {
        if (call_congested(&g->call)) {
            call_want_drain(&g->call);
            return 0;
        }
        int64_t n = spool_read(g->spool, g->spool_sent, piece, sizeof piece);
        if (n <= 0)
            return WEIR_ERROR_SYSTEM;
        call_stdin(&g->call, str(piece, (size_t)n), false);
        g->spool_sent += (size_t)n;
    }
    call_stdin_end(&g->call);
    return 0;
}

/* ---- The call -------------------------------------------------------------------------------- */

static int on_params(struct call *call)
{
    struct gateway *g = gateway_of(call);
    int rc = gateway_params(g);

    if (rc != 0)
        return rc;
    if (g->spool) {
        g->spool_sent = 0;
        return send_spool(g);
    }
    if (g->content_length <= 0 || g->redirects > 0) {
        call_stdin_end(call);
    } else {
        weir_on_body(g->x, on_body, g);
        weir_resume_body(g->x); /* paused since another call had to be tried */
    }
    return 0;
}

static void on_output(struct call *call, weir_str data)
{
    struct gateway *g = gateway_of(call);
    weir_exchange *x = g->x;

    exchange_hold(x);
    gateway_output(g, data);
    exchange_unhold(x);
}

/* The application's words for the log, line by line, without what could forge one. */
static void on_error_output(struct call *call, weir_str data)
{
    struct gateway *g = gateway_of(call);

    while (data.len > 0) {
        const char *newline = memchr(data.ptr, '\n', data.len);
        size_t n = newline ? (size_t)(newline - data.ptr) : data.len;
        char line[513];
        size_t len = n < sizeof line - 1 ? n : sizeof line - 1;
        for (size_t i = 0; i < len; i++)
            line[i] = (unsigned char)data.ptr[i] < 0x20 || data.ptr[i] == 0x7f ? '?' : data.ptr[i];
        line[len] = '\0';
        if (n > 0)
            server_log(g->proxy->server, WEIR_LOG_INFO, "stderr request_id=%.*s backend=%s: %s",
                       REQUEST_ID_SIZE, g->request_id, call->up->url, line);
        n += newline ? 1 : 0;
        data = str(data.ptr + n, data.len - n);
    }
}

static void on_drained(struct call *call)
{
    struct gateway *g = gateway_of(call);

    if (!g->calling)
        return;
    if (!g->spool) {
        weir_resume_body(g->x);
    } else if (send_spool(g) != 0) {
        g->calling = false;
        call_abort(call);
        gateway_fail(g, 503, "spool-failed");
    }
}

static bool is_idempotent(weir_str method)
{
    static const weir_str methods[] = {
        {"GET", 3}, {"HEAD", 4}, {"PUT", 3}, {"DELETE", 6}, {"OPTIONS", 7}};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_eq(method, methods[i]))
            return true;
    return false;
}

/* Calls again what was surely not processed: another server after a failed connect (or its TLS
 * handshake) or OVERLOADED;
 * the same one, on a new connection, when a kept one had died unnoticed or takes no second request
 * (CANT_MPX_CONN). */
static bool retry(struct gateway *g, int error)
{
    const struct call *call = &g->call;
    bool kept_died =
        call->reused && !call->responded && !g->retried &&
        ((error == WEIR_ERROR_CLOSED && is_idempotent(g->method)) || error == WEIR_ERROR_CANT_MPX);
    bool refused = error == WEIR_ERROR_CONNECT || error == WEIR_ERROR_HANDSHAKE ||
                   error == WEIR_ERROR_CERTIFICATE || error == WEIR_ERROR_OVERLOADED ||
                   error == WEIR_ERROR_CANT_MPX;

    if (g->body_sent || g->head_started || g->head_done)
        return false;
    if (!g->spool) /* what comes of the body belongs to the next call, when it is connected */
        weir_pause_body(g->x);
    if (kept_died) {
        g->retried = true;
        g->calling = true;
        call_start(&g->call, call->up, WEIR_RESPONDER, &call_ops, true);
        return true;
    }
    if (refused && g->tries < g->proxy->options.to_count) {
        start(g);
        return true;
    }
    return false;
}

/* ---- Where it ends --------------------------------------------------------------------------- */

static void fail_call(struct gateway *g, int error)
{
    static const struct {
        int error;
        unsigned status;
        const char *reason;
    } table[] = {
        {WEIR_ERROR_CONNECT, 502, "connect-failed"},
        {WEIR_ERROR_HANDSHAKE, 502, "tls-handshake-failed"},
        {WEIR_ERROR_CERTIFICATE, 502, "tls-certificate-refused"},
        {WEIR_ERROR_CLOSED, 502, "closed-before-response"},
        {WEIR_ERROR_TRUNCATED, 502, "response-truncated"},
        {WEIR_ERROR_TIMEOUT, 504, "backend-timeout"},
        {WEIR_ERROR_OVERLOADED, 503, "backend-overloaded"},
        {WEIR_ERROR_CANT_MPX, 503, "backend-cannot-multiplex"},
        {WEIR_ERROR_UNKNOWN_ROLE, 502, "backend-unknown-role"},
        {WEIR_ERROR_LIMIT, 431, "params-too-large"},
        {WEIR_ERROR_NOMEM, 503, "out-of-memory"},
        {WEIR_ERROR_SYSTEM, 503, "spool-failed"},
        {WEIR_ERROR_CANCELLED, 503, "shutting-down"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].error == error) {
            gateway_fail(g, table[i].status, table[i].reason);
            return;
        }
    gateway_fail(g, 502, weir_error_name(error)); /* what it sent is no FastCGI */
}

/* Serves the local URL that the application named, as if it had been asked for (RFC 3875 6.2.2). */
static void follow_redirect(struct gateway *g)
{
    weir_exchange *x = g->x;
    weir_str to = g->redirect;
    const char *mark = memchr(to.ptr, '?', to.len);
    weir_str raw = mark ? str(to.ptr, (size_t)(mark - to.ptr)) : to;
    char *path = arena_alloc(x->arena, raw.len + 1);
    size_t len;

    if (++g->redirects > REDIRECTS_MAX) {
        gateway_fail(g, 502, "redirect-loop");
        return;
    }
    if (!path || http_path_normalise(raw, path, &len) != HTTP_PATH_OK) {
        gateway_fail(g, 502, "redirect-malformed");
        return;
    }
    path[len] = '\0';
    g->target = to;
    g->path = str(path, len);
    g->query = mark ? str(mark + 1, to.len - raw.len - 1) : WEIR_STR("");
    if (!x->is_head)
        g->method = WEIR_STR("GET");
    g->content_length = -1;
    if (g->spool)
        spool_done(g->spool);
    g->spool = NULL;
    g->redirect = (weir_str){NULL, 0};
    g->head_done = g->head_started = false;
    g->body_sent = false;
    g->tries = 0;
    start(g);
}

static void call_over(struct gateway *g, int error)
{
    g->calling = false;
    if (error != 0) {
        if (!retry(g, error))
            fail_call(g, error);
    } else if (!g->head_done) {
        gateway_fail(g, 502, g->head_started ? "response-head-incomplete" : "response-empty");
    } else if (g->redirect.ptr) {
        follow_redirect(g);
    } else {
        let_go(g);
        (void)weir_finish(g->x);
    }
}

static void on_done(struct call *call, int error)
{
    struct gateway *g = gateway_of(call);
    weir_exchange *x = g->x;

    exchange_hold(x);
    call_over(g, error);
    exchange_unhold(x);
}

static const struct call_ops call_ops = {
    .params = on_params,
    .output = on_output,
    .error_output = on_error_output,
    .drained = on_drained,
    .done = on_done,
};

/* ---- Where it begins ------------------------------------------------------------------------- */

static struct upstream *choose(struct gateway *g)
{
    unsigned count = g->proxy->options.to_count;

    if (g->tries == 0)
        g->first = g->pl->next++ % count;
    return &g->pl->upstreams[(g->first + g->tries++) % count];
}

/* Names the script, or mounts the application at the root of the site. */
static int find_script(struct gateway *g)
{
    const char *root = g->proxy->options.root;

    if (root)
        return script_find(root, g->path, g->x->arena, &g->script);
    g->script = (struct script){.name = WEIR_STR(""), .path_info = g->path};
    return 0;
}

static void start(struct gateway *g)
{
    int rc = find_script(g);

    if (rc != 0) {
        gateway_fail(g, rc > 0 ? (unsigned)rc : 503, rc > 0 ? "no-script" : "out-of-memory");
        return;
    }
    g->calling = true;
    call_start(&g->call, choose(g), WEIR_RESPONDER, &call_ops, false);
}

void proxy_handle(weir_exchange *x, void *arg)
{
    struct gateway *g = arena_zalloc(x->arena, sizeof *g);
    struct http_field *fields =
        arena_alloc(x->arena, HTTP_LIMITS_DEFAULT.fields_max * sizeof *fields);

    if (!g || !fields) {
        weir_fail(x);
        return;
    }
    g->x = x;
    g->proxy = arg;
    g->pl = x->loop->user;
    g->method = x->method;
    g->target = x->target;
    g->path = x->path;
    g->query = x->query;
    g->content_length = x->content_length;
    g->cgi_fields = fields;
    buf_init(&g->head, &x->loop->pool, HTTP_LIMITS_DEFAULT.head_max + WEIR_RECORD_CONTENT_MAX);
    loop_unique_id(x->loop, g->request_id);
    weir_on_cancel(x, on_cancel, g);
    if (x->content_length >= 0) {
        start(g);
        return;
    }
    g->spool = arena_alloc(x->arena, sizeof *g->spool);
    if (!g->spool) {
        gateway_fail(g, 503, "out-of-memory");
        return;
    }
    spool_init(g->spool, &x->loop->pool, SPOOL_MEMORY);
    weir_on_body(x, on_spool_body, g);
}
