/* SPDX-License-Identifier: MIT
 *
 * http/framing.c: Host, the length of the body, Connection, Upgrade and Expect of a request.
 *
 * Each field is judged when its line is complete, so that nothing is kept but a bit per name; what
 * depends on several fields is decided at the empty line. Framing and Host come before anything
 * that Connection says. Where the RFC lets a recipient choose between repairing and refusing, we
 * refuse: whoever reads the same bytes before or after us may repair them differently. */
#include "http/framing.h"

#include "http/chars.h"

_Static_assert(HTTP_FIELD_COUNT <= 64, "one bit of http_parser.seen for each name");

static uint64_t bit(enum http_field_id id)
{
    return (uint64_t)1 << id;
}

static uint32_t effective_port(const struct http_request *request, uint32_t port)
{
    return port ? port : request->is_https ? 443 : 80;
}

/* RFC 9112 3.2. With an absolute form the RFC ignores Host; we insist that both agree, since a
 * server behind or before us may look at the other one. */
static void on_host(struct http_parser *p, const char *head, struct http_span span)
{
    struct http_request *r = &p->request;
    weir_str host;
    uint32_t port;

    if (!http_authority_parse(http_span_str(head, span), &host, &port)) {
        http_parser_refuse(p, 400, "host-invalid");
        return;
    }
    if (r->has_host) {
        if (r->target_form == HTTP_TARGET_ABSOLUTE &&
            (!str_eq_nocase(host, http_span_str(head, r->host)) ||
             effective_port(r, port) != effective_port(r, r->port)))
            http_parser_refuse(p, 400, "host-mismatch");
        return;
    }
    r->authority = span;
    r->host = (struct http_span){span.off, (uint32_t)host.len};
    r->port = port;
    r->has_host = true;
}

/* 2^63 - 1 is the most that a signed size holds. */
unsigned http_content_length_parse(weir_str value, uint64_t *ret_length)
{
    size_t digits = 0;

    if (str_to_u64(value, INT64_MAX, ret_length))
        return 0;
    while (digits < value.len && value.ptr[digits] >= '0' && value.ptr[digits] <= '9')
        digits++;
    return value.len > 0 && digits == value.len ? 413 : 400;
}

static void on_content_length(struct http_parser *p, weir_str value)
{
    if (p->seen & bit(HTTP_FIELD_TRANSFER_ENCODING)) {
        http_parser_refuse(p, 400, "te-and-cl");
        return;
    }
    switch (http_content_length_parse(value, &p->request.content_length)) {
    case 0:
        p->request.body = HTTP_BODY_LENGTH;
        break;
    case 413:
        http_parser_refuse(p, 413, "cl-too-large");
        break;
    default:
        http_parser_refuse(p, 400, "cl-invalid");
    }
}

/* Whether the codings are well-formed and end in chunked, once: then only the others are the
 * trouble (RFC 9112 6.1, 501), else the length of the body is unknown (6.3 (4), 400). */
static bool ends_in_chunked(weir_str codings)
{
    weir_str item;
    bool chunked = false;

    while (http_list_next(&codings, &item)) {
        if (chunked || !http_name_valid(item) || str_eq_nocase(item, WEIR_STR("identity")))
            return false;
        chunked = str_eq_nocase(item, WEIR_STR("chunked"));
    }
    return chunked;
}

static void on_transfer_encoding(struct http_parser *p, weir_str value)
{
    if (p->seen & bit(HTTP_FIELD_CONTENT_LENGTH))
        http_parser_refuse(p, 400, "te-and-cl");
    else if (p->request.minor == 0)
        http_parser_refuse(p, 400, "te-in-1.0");
    else if (str_eq_nocase(value, WEIR_STR("chunked")))
        p->request.body = HTTP_BODY_CHUNKED;
    else if (ends_in_chunked(value))
        http_parser_refuse(p, 501, "te-unsupported");
    else
        http_parser_refuse(p, 400, "te-invalid");
}

static void on_connection(struct http_parser *p, weir_str value)
{
    weir_str option;

    while (http_list_next(&value, &option)) {
        if (option.len == 0)
            continue;
        if (!http_name_valid(option)) {
            http_parser_refuse(p, 400, "connection-invalid");
            return;
        }
        if (str_eq_nocase(option, WEIR_STR("close")))
            p->option_close = true;
        else if (str_eq_nocase(option, WEIR_STR("keep-alive")))
            p->option_keep_alive = true;
        else if (str_eq_nocase(option, WEIR_STR("upgrade")))
            p->option_upgrade = true;
        else
            p->request.connection_options = true;
    }
}

/* RFC 9113 3.1: h2c is no longer a thing to upgrade to. */
static void on_upgrade(struct http_parser *p, weir_str value)
{
    weir_str protocol;

    while (http_list_next(&value, &protocol))
        if (protocol.len > 0 && !str_eq_nocase(protocol, WEIR_STR("h2c")))
            p->upgrade_known = true;
}

/* A field that has one value for the whole message came again: harmless when it says the same. */
static void on_repeated_singleton(struct http_parser *p, const char *head,
                                  const struct http_field *field)
{
    const struct http_field *first = p->fields;

    while (first->id != field->id)
        first++;
    if (!str_eq(http_field_value(head, first), http_field_value(head, field)))
        http_parser_refuse(p, 400, "field-conflict");
}

void http_framing_field(struct http_parser *p, const char *head)
{
    const struct http_field *field = &p->fields[p->request.field_count - 1];
    weir_str value = http_field_value(head, field);
    bool again = (p->seen & bit(field->id)) != 0;

    p->seen |= bit(field->id);
    switch ((enum http_field_id)field->id) {
    case HTTP_FIELD_HOST:
        if (again)
            http_parser_refuse(p, 400, "host-repeated");
        else
            on_host(p, head, field->value);
        break;
    case HTTP_FIELD_CONTENT_LENGTH:
        if (again)
            http_parser_refuse(p, 400, "cl-repeated");
        else
            on_content_length(p, value);
        break;
    case HTTP_FIELD_TRANSFER_ENCODING:
        if (again)
            http_parser_refuse(p, 400, "te-repeated");
        else
            on_transfer_encoding(p, value);
        break;
    case HTTP_FIELD_CONNECTION:
        on_connection(p, value);
        break;
    case HTTP_FIELD_UPGRADE:
        on_upgrade(p, value);
        break;
    default:
        if (again && http_field_is_singleton(field->id))
            on_repeated_singleton(p, head, field);
        break;
    }
}

/* RFC 9110 10.1.1; a 1.0 client cannot understand 100, so its Expect is ignored. */
static void decide_expect(struct http_parser *p, const char *head, bool has_body)
{
    const struct http_field *field = p->fields;

    if (!(p->seen & bit(HTTP_FIELD_EXPECT)) || p->request.minor == 0)
        return;
    while (field->id != HTTP_FIELD_EXPECT)
        field++;
    if (str_eq_nocase(http_field_value(head, field), WEIR_STR("100-continue")))
        p->request.expect_continue = has_body;
    else
        http_parser_refuse(p, 417, "expect-unknown");
}

void http_framing_end(struct http_parser *p, const char *head)
{
    struct http_request *r = &p->request;
    weir_str method = http_span_str(head, r->method);
    bool has_body = r->body == HTTP_BODY_CHUNKED || r->content_length > 0;

    if (r->minor == 1 && !(p->seen & bit(HTTP_FIELD_HOST))) {
        http_parser_refuse(p, 400, "host-missing");
        return;
    }
    if (str_eq(method, WEIR_STR("TRACE")) || str_eq(method, WEIR_STR("CONNECT"))) {
        if (has_body)
            http_parser_refuse(p, 400, "method-with-body");
        else
            http_parser_refuse(p, 501, "method-refused");
        return;
    }
    r->keep_alive = !p->option_close && (r->minor == 1 || p->option_keep_alive);
    r->upgrade = r->minor == 1 && p->option_upgrade && p->upgrade_known && !has_body;
    decide_expect(p, head, has_body);
}

bool http_request_is_connection_option(const struct http_request *request, const char *head,
                                       const struct http_field *fields, weir_str name)
{
    switch (http_field_lookup(name.ptr, name.len)) {
    case HTTP_FIELD_CONTENT_LENGTH:
    case HTTP_FIELD_CONTENT_TYPE:
    case HTTP_FIELD_HOST:
    case HTTP_FIELD_TRANSFER_ENCODING:
        return false;
    default:
        break;
    }
    if (name.len == 0)
        return false;
    for (unsigned i = 0; i < request->field_count; i++)
        if (fields[i].id == HTTP_FIELD_CONNECTION &&
            http_list_has(http_field_value(head, &fields[i]), name))
            return true;
    return false;
}
