/* SPDX-License-Identifier: MIT
 *
 * proxy/response.c: from an application's STDOUT to the client's response. */
#include "http/response.h"

#include "proxy/gateway.h"

/* What the application sent is at fault: nothing more of it is wanted. */
static void refuse(struct gateway *g, const char *reason)
{
    if (g->calling) {
        g->calling = false;
        call_abort(&g->call);
    }
    gateway_fail(g, 502, reason);
}

static void on_drain(weir_exchange *x, void *arg)
{
    struct gateway *g = arg;

    (void)x;
    if (g->calling)
        call_resume(&g->call);
}

/* Stops the application while the client does not take what there is. */
static void hold_back(struct gateway *g)
{
    if (g->calling && !weir_cancelled(g->x) && exchange_congested(g->x)) {
        call_pause(&g->call);
        weir_on_drain(g->x, on_drain, g);
    }
}

static void send_body(struct gateway *g, weir_str data)
{
    int rc;

    if (data.len == 0)
        return;
    rc = exchange_send(g->x, &data, 1, SEND_BORROW);
    if (rc == WEIR_ERROR_CONTENT_LENGTH)
        refuse(g, "body-beyond-content-length");
    else
        hold_back(g);
}

/* Fields that are weir's to obey or to make, not the client's to see. */
static bool is_dropped(uint8_t id)
{
    return id == HTTP_FIELD_CONTENT_LENGTH || id == HTTP_FIELD_X_ACCEL_REDIRECT ||
           id == HTTP_FIELD_X_SENDFILE;
}

static int add_fields(struct gateway *g, const char *base)
{
    const struct cgi_response *r = &g->cgi.response;
    weir_exchange *x = g->x;
    int rc = 0;

    for (uint16_t i = 0; i < r->field_count && rc == 0; i++) {
        const struct http_field *f = &g->cgi_fields[i];
        if (is_dropped(f->id))
            continue;
        if (f->id == HTTP_FIELD_DATE)
            x->has_date = true;
        rc = exchange_add_field(x, http_field_name(base, f), http_field_value(base, f));
    }
    return rc;
}

/* A 1xx block: only Early Hints mean anything to a client; what is unknown is dropped, and a switch
 * of protocols that nobody offered is an error. False: the response is over. */
static bool take_informational(struct gateway *g, const char *base)
{
    weir_exchange *x = g->x;

    if (g->cgi.response.status == 101) {
        refuse(g, "unexpected-101");
        return false;
    }
    if (g->cgi.response.status == 103) {
        if (add_fields(g, base) == 0)
            (void)x->carrier->informational(x, 103, x->fields, x->field_count);
        x->field_count = 0;
        x->has_date = false;
        hold_back(g);
    }
    return true;
}

static void start_response(struct gateway *g, const char *base, weir_str rest)
{
    const struct cgi_response *r = &g->cgi.response;
    weir_exchange *x = g->x;

    g->head_done = true;
    if (r->local_redirect) {
        weir_str to = http_span_str(base, r->location);
        to.ptr = arena_copy(x->arena, to.ptr, to.len);
        if (!to.ptr)
            refuse(g, "out-of-memory");
        else
            g->redirect = to;
        return;
    }
    x->status = r->status;
    x->reason = http_span_str(base, r->reason);
    x->declared = r->has_content_length ? (int64_t)r->content_length : -1;
    if (add_fields(g, base) != 0) {
        refuse(g, "out-of-memory");
        return;
    }
    /* The head is written at once, so that its strings may stay where they are. */
    if (rest.len == 0)
        (void)exchange_send(x, NULL, 0, 0);
    else
        send_body(g, rest);
}

static void begin_head(struct gateway *g)
{
    cgi_parser_init(&g->cgi, HTTP_LIMITS_DEFAULT, g->cgi_fields);
    g->head_started = true;
}

/* Feeds data to the head parser, behind what is kept from earlier: the head's end is somewhere in
 * it, or it is kept too. Returns how much of data belongs to the head; *ret_base is where the head
 * is then. */
static enum http_verdict feed_head(struct gateway *g, weir_str data, const char **ret_base,
                                   size_t *ret_used)
{
    size_t before = g->head.len;
    enum http_verdict verdict;

    if (before == 0) {
        *ret_base = data.ptr;
        verdict = cgi_parser_feed(&g->cgi, data.ptr, data.len);
    } else if (buf_append(&g->head, data.ptr, data.len) == 0) {
        *ret_base = g->head.ptr;
        verdict = cgi_parser_feed(&g->cgi, g->head.ptr, g->head.len);
    } else {
        g->cgi.reason = "response-head-too-large";
        return HTTP_REFUSED;
    }
    *ret_used = verdict == HTTP_DONE ? g->cgi.response.head_len - before : data.len;
    if (verdict == HTTP_MORE && before == 0 && buf_append(&g->head, data.ptr, data.len) != 0) {
        g->cgi.reason = "response-head-too-large";
        return HTTP_REFUSED;
    }
    return verdict;
}

void gateway_output(struct gateway *g, weir_str data)
{
    while (!g->head_done) {
        const char *base;
        size_t used;
        if (!g->head_started)
            begin_head(g);
        switch (feed_head(g, data, &base, &used)) {
        case HTTP_MORE:
            return;
        case HTTP_REFUSED:
            refuse(g, g->cgi.reason);
            return;
        default:
            break;
        }
        g->head_started = false;
        data = str(data.ptr + used, data.len - used);
        if (g->cgi.response.status >= 200) {
            start_response(g, base, data);
            if (g->head.len)
                buf_consume(&g->head, g->head.len);
            return;
        }
        bool goes_on = take_informational(g, base);
        if (g->head.len)
            buf_consume(&g->head, g->head.len);
        if (!goes_on || data.len == 0)
            return;
    }
    if (!g->redirect.ptr)
        send_body(g, data);
}
