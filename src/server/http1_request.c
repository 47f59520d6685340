/* SPDX-License-Identifier: MIT
 *
 * server/http1_request.c: from a parsed HTTP/1.1 head to an exchange.
 *
 * The head is copied once, from the loop's scratch buffer into the request's arena; strings of the
 * exchange are slices of that copy. It is ours, so names are lower-cased and NULs are put in it. */
#include <stdio.h>

#include "http/path.h"
#include "server/http1.h"

/* The slice with a NUL behind it: what follows is always a delimiter that nobody needs any more. */
static weir_str slice(char *head, struct http_span span)
{
    head[span.off + span.len] = '\0';
    return str(head + span.off, span.len);
}

/* Path, target and query. The path is decoded into memory of its own, the rest stays raw. */
static int set_target(struct http1_exchange *x, char *head, const char **ret_reason)
{
    const struct http_request *r = &x->request;
    struct weir_exchange *ex = &x->x;
    weir_str raw = http_span_str(head, r->path);
    size_t len;

    if (r->target_form == HTTP_TARGET_ASTERISK) {
        ex->target = ex->path = WEIR_STR("*");
        return 0;
    }
    if (raw.len == 0)
        raw = WEIR_STR("/");
    char *path = arena_alloc(ex->arena, raw.len + 1);
    if (!path)
        return 503;
    enum http_path_result result = http_path_normalise(raw, path, &len);
    if (result != HTTP_PATH_OK) {
        *ret_reason = http_path_reason(result);
        return 400;
    }
    path[len] = '\0';
    ex->path = str(path, len);
    if (r->has_query)
        ex->query = slice(head, r->query);
    if (r->target_form == HTTP_TARGET_ORIGIN) {
        ex->target = slice(head, r->target);
    } else if (r->path.len > 0) { /* the origin form inside the absolute one */
        struct http_span origin = {r->path.off, r->target.off + r->target.len - r->path.off};
        ex->target = slice(head, origin);
    } else {
        size_t query = r->has_query ? r->query.len + 1 : 0;
        char *target = arena_alloc(ex->arena, query + 2);
        if (!target)
            return 503;
        target[0] = '/';
        if (query) {
            target[1] = '?';
            memcpy(target + 2, ex->query.ptr, ex->query.len);
        }
        target[1 + query] = '\0';
        ex->target = str(target, 1 + query);
    }
    return 0;
}

static int set_host(struct http1_exchange *x, const char *head)
{
    weir_str host = http_span_str(head, x->request.host);

    if (!x->request.has_host || host.len == 0)
        return 0;
    char *copy = arena_copy(x->x.arena, host.ptr, host.len);
    if (!copy)
        return 503;
    for (size_t i = 0; i < host.len; i++)
        copy[i] = ascii_lower(copy[i]);
    x->x.host = str(copy, host.len);
    return 0;
}

int http1_exchange_new(struct http1_conn *c, const struct http_parser *parser, const char *head,
                       struct http1_exchange **ret_x, const char **ret_reason)
{
    const struct http_request *r = &parser->request;
    const weir_server_options *o = &c->conn.sl->server->options;
    size_t fields_size = r->field_count * sizeof *parser->fields;
    struct http1_exchange *x = arena_zalloc(&c->arena, sizeof *x);
    char *copy = arena_copy(&c->arena, head, r->head_len);
    struct http_field *fields = arena_alloc(&c->arena, fields_size);

    *ret_reason = "out-of-memory";
    if (!x || !copy || !fields)
        return 503;
    if (r->body == HTTP_BODY_LENGTH && r->content_length > o->body_max) {
        *ret_reason = "body-too-large";
        return 413;
    }
    memcpy(fields, parser->fields, fields_size);
    exchange_init(&x->x, &http1_carrier, &c->conn.sl->loop, &c->arena);
    x->x.peer = &c->conn.peer;
    x->conn = c;
    x->request = *r;
    x->head = copy;
    x->fields = fields;
    x->body_left = r->content_length;
    x->body_complete =
        r->body == HTTP_BODY_NONE || (r->body == HTTP_BODY_LENGTH && r->content_length == 0);
    x->keep_alive = r->keep_alive && !c->conn.sl->stopping;
    x->continue_due = r->expect_continue && !x->body_complete;
    if (r->body == HTTP_BODY_CHUNKED)
        http_chunked_init(
            &x->chunked, (struct http_limits){o->head_max, o->target_max, (uint16_t)o->fields_max});

    struct weir_exchange *ex = &x->x;
    ex->handler = c->conn.site->dispatch;
    ex->handler_arg = c->conn.site->dispatch_arg;
    ex->content_length = r->body == HTTP_BODY_CHUNKED ? -1 : (int64_t)r->content_length;
    ex->protocol = r->minor ? WEIR_STR("HTTP/1.1") : WEIR_STR("HTTP/1.0");
    int status = set_target(x, copy, ret_reason);
    if (status == 0)
        status = set_host(x, copy);
    if (status != 0)
        return status;
    ex->method = slice(copy, r->method);
    ex->is_head = str_eq(ex->method, WEIR_STR("HEAD"));
    *ret_x = x;
    return 0;
}

/* ---- Loaded when asked for ------------------------------------------------------------------- */

/* Lower-cases the name in place; false if it has other characters than letters, digits and '-'. */
static bool fold_name(char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char ch = ascii_lower(name[i]);
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-'))
            return false;
        name[i] = ch;
    }
    return true;
}

int http1_load_headers(weir_exchange *ex)
{
    struct http1_exchange *x = (struct http1_exchange *)ex;
    const struct http_request *r = &x->request;
    char *head = (char *)(uintptr_t)x->head;

    ex->header_count = 0; /* this may be the second attempt */
    ex->headers = arena_alloc(ex->arena, r->field_count * sizeof *ex->headers);
    if (!ex->headers)
        return WEIR_ERROR_NOMEM;
    for (uint16_t i = 0; i < r->field_count; i++) {
        const struct http_field *f = &x->fields[i];
        if (http_field_stays_at_edge(f->id))
            continue;
        if (r->connection_options && f->id != HTTP_FIELD_HOST && f->id != HTTP_FIELD_CONTENT_TYPE &&
            http_request_is_connection_option(r, head, x->fields, http_field_name(head, f)))
            continue;
        if (f->id == HTTP_FIELD_OTHER && !fold_name(head + f->name_off, f->name_len))
            continue;
        struct header *h = &ex->headers[ex->header_count++];
        if (f->id != HTTP_FIELD_OTHER)
            (void)fold_name(head + f->name_off, f->name_len);
        h->name = http_field_name(head, f);
        h->value = slice(head, f->value);
        h->id = f->id;
    }
    return exchange_join_headers(ex);
}

int http1_load_params(weir_exchange *ex)
{
    struct http1_conn *c = ((struct http1_exchange *)ex)->conn;

    return socket_params_load(ex, &c->conn, &c->addresses);
}
