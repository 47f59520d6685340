/* SPDX-License-Identifier: MIT
 *
 * http/http2_head.c: see http2_head.h. */
#include "http/http2_head.h"

#include "http/chars.h"
#include "http/path.h"

enum pseudo { METHOD, SCHEME, AUTHORITY, PATH, PSEUDO_COUNT };

static const weir_str pseudo_names[PSEUDO_COUNT] = {
    {":method", 7}, {":scheme", 7}, {":authority", 10}, {":path", 5}};

void http2_head_init(struct http2_head *head, struct arena *arena, struct http_limits limits,
                     bool tls, bool trailers)
{
    *head = (struct http2_head){.arena = arena, .limits = limits, .tls = tls, .trailers = trailers};
}

static void refuse(struct http2_head *h, uint16_t status, const char *reason)
{
    if (h->status == 0) {
        h->status = status;
        h->reason = reason;
    }
}

static uint64_t bit(enum http_field_id id)
{
    return (uint64_t)1 << id;
}

/* A copy with a NUL behind it. */
static weir_str copy(struct http2_head *h, weir_str s)
{
    char *bytes = arena_copy(h->arena, s.ptr, s.len);

    if (!bytes)
        refuse(h, 503, "out-of-memory");
    return str(bytes, s.len);
}

/* ---- Field by field -------------------------------------------------------------------------- */

/* RFC 9113 8.3: known, once, before the other fields, not in trailers. What their values may be is
 * decided at the end, when it is known which of them there are. */
static void pseudo_field(struct http2_head *h, weir_str name, weir_str value)
{
    weir_str *const places[PSEUDO_COUNT] = {&h->method, &h->scheme, &h->authority, &h->target};
    unsigned i = 0;

    while (i < PSEUDO_COUNT && !str_eq(name, pseudo_names[i]))
        i++;
    if (h->trailers)
        refuse(h, 400, "pseudo-in-trailers");
    else if (i == PSEUDO_COUNT)
        refuse(h, 400, "pseudo-unknown");
    else if (h->regular)
        refuse(h, 400, "pseudo-late");
    else if (h->pseudo & 1u << i)
        refuse(h, 400, "pseudo-repeated");
    else if (i == PATH && value.len > h->limits.target_max)
        refuse(h, 414, "target-too-long");
    else
        *places[i] = copy(h, value);
    h->pseudo |= (uint8_t)(1u << i);
}

/* RFC 9113 8.2.1, narrowed to what HTTP/1.1 lets pass. */
static bool name_valid(weir_str name)
{
    if (!http_name_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return false;
    return true;
}

static bool value_valid(weir_str value)
{
    return http_value_valid(value) &&
           (value.len == 0 ||
            (!http_char_is_ows(value.ptr[0]) && !http_char_is_ows(value.ptr[value.len - 1])));
}

static void content_length(struct http2_head *h, weir_str value)
{
    switch (http_content_length_parse(value, &h->content_length)) {
    case 0:
        h->has_content_length = true;
        break;
    case 413:
        refuse(h, 413, "cl-too-large");
        break;
    default:
        refuse(h, 400, "cl-invalid");
    }
}

static const struct header *find(const struct http2_head *h, enum http_field_id id)
{
    for (uint16_t i = 0; i < h->field_count; i++)
        if (h->fields[i].id == id)
            return &h->fields[i];
    return NULL;
}

/* What single fields mean, before they are kept. */
static void judge(struct http2_head *h, enum http_field_id id, weir_str value)
{
    bool again = (h->seen & bit(id)) != 0;
    const struct header *before = again ? find(h, id) : NULL;

    h->seen |= bit(id);
    switch (id) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_KEEP_ALIVE:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_TRANSFER_ENCODING:
    case HTTP_FIELD_UPGRADE: /* RFC 9113 8.2.2 */
        refuse(h, 400, "connection-field");
        break;
    case HTTP_FIELD_TE:
        if (!str_eq_nocase(value, WEIR_STR("trailers")))
            refuse(h, 400, "te-invalid");
        break;
    case HTTP_FIELD_HOST:
        if (again)
            refuse(h, 400, "host-repeated");
        break;
    case HTTP_FIELD_CONTENT_LENGTH:
        if (again)
            refuse(h, 400, "cl-repeated");
        else
            content_length(h, value);
        break;
    default:
        if (before && http_field_is_singleton(id) && !str_eq(before->value, value))
            refuse(h, 400, "field-conflict");
    }
}

static void keep(struct http2_head *h, enum http_field_id id, weir_str name, weir_str value)
{
    if (h->field_count == h->field_room) {
        uint16_t room = h->field_room ? (uint16_t)(2 * h->field_room) : 16;
        struct header *fields = arena_alloc(h->arena, room * sizeof *fields);
        if (!fields) {
            refuse(h, 503, "out-of-memory");
            return;
        }
        if (h->field_count)
            memcpy(fields, h->fields, h->field_count * sizeof *fields);
        h->fields = fields;
        h->field_room = room;
    }
    struct header field = {.name = copy(h, name), .value = copy(h, value), .id = (uint8_t)id};
    if (field.name.ptr && field.value.ptr)
        h->fields[h->field_count++] = field;
}

static void regular_field(struct http2_head *h, weir_str name, weir_str value)
{
    if (!name_valid(name))
        refuse(h, 400, "name-invalid");
    else if (!value_valid(value))
        refuse(h, 400, "value-invalid");
    else if (name.len > HTTP_NAME_MAX)
        refuse(h, 431, "name-too-long");
    else if (h->trailers && http_field_forbidden_in_trailers(name))
        refuse(h, 400, "trailer-forbidden");
    h->regular = true;
    if (h->status != 0 || h->trailers)
        return; /* trailers are checked and dropped */

    enum http_field_id id = http_field_lookup(name.ptr, name.len);
    if (h->field_count == h->limits.fields_max)
        refuse(h, 431, "too-many-fields");
    else if (id != HTTP_FIELD_OTHER)
        judge(h, id, value);
    if (h->status == 0)
        keep(h, id, name, value);
}

bool http2_head_field(struct http2_head *h, weir_str name, weir_str value)
{
    h->size += name.len + value.len + HTTP2_FIELD_OVERHEAD;
    if (h->size > (uint64_t)h->limits.head_max * HTTP2_HEAD_EXCESS)
        return false;
    if (h->size > h->limits.head_max)
        refuse(h, 431, h->trailers ? "trailers-too-large" : "head-too-large");
    if (h->status != 0)
        return true;
    if (name.len > 0 && name.ptr[0] == ':')
        pseudo_field(h, name, value);
    else
        regular_field(h, name, value);
    return true;
}

/* ---- The whole of it ------------------------------------------------------------------------- */

static bool is_scheme(weir_str s)
{
    if (s.len == 0 || !((s.ptr[0] | 0x20) >= 'a' && (s.ptr[0] | 0x20) <= 'z'))
        return false;
    for (size_t i = 1; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))
            return false;
    }
    return true;
}

static void check_method(struct http2_head *h)
{
    if (!(h->pseudo & 1u << METHOD))
        refuse(h, 400, "pseudo-missing");
    else if (!http_name_valid(h->method))
        refuse(h, 400, "method-invalid");
    else if (h->method.len > HTTP_METHOD_MAX)
        refuse(h, 501, "method-too-long");
    else if (str_eq(h->method, WEIR_STR("CONNECT")) || str_eq(h->method, WEIR_STR("TRACE")))
        refuse(h, 501, "method-refused");
}

static void check_scheme(struct http2_head *h)
{
    bool https = str_eq_nocase(h->scheme, WEIR_STR("https"));

    if (!(h->pseudo & 1u << SCHEME))
        refuse(h, 400, "pseudo-missing");
    else if (!is_scheme(h->scheme) || (!https && !str_eq_nocase(h->scheme, WEIR_STR("http"))))
        refuse(h, 400, "scheme-invalid");
    else if (https != h->tls)
        refuse(h, 421, "scheme-mismatch"); /* RFC 9110 7.4 */
}

static void set_target(struct http2_head *h)
{
    weir_str raw;
    bool has_query;
    size_t len;

    if (!(h->pseudo & 1u << PATH)) {
        refuse(h, 400, "pseudo-missing");
        return;
    }
    if (str_eq(h->target, WEIR_STR("*")) && str_eq(h->method, WEIR_STR("OPTIONS"))) {
        h->path = h->target;
        return;
    }
    if (!http_origin_form_parse(h->target, &raw, &h->query, &has_query)) {
        refuse(h, 400, "target-invalid");
        return;
    }
    char *path = arena_alloc(h->arena, raw.len + 1);
    if (!path) {
        refuse(h, 503, "out-of-memory");
        return;
    }
    enum http_path_result result = http_path_normalise(raw, path, &len);
    if (result != HTTP_PATH_OK) {
        refuse(h, 400, http_path_reason(result));
        return;
    }
    path[len] = '\0';
    h->path = str(path, len);
}

static uint32_t effective_port(const struct http2_head *h, uint32_t port)
{
    return port ? port : h->tls ? 443 : 80;
}

/* :authority and Host have the same rules, and say the same where both are there (RFC 9113 8.3.1).
 * Without :authority, as from an intermediary that had none, Host is it; without Host, Host is made
 * of it. */
static void set_host(struct http2_head *h)
{
    const struct header *field = find(h, HTTP_FIELD_HOST);
    bool has_authority = h->pseudo & 1u << AUTHORITY;
    weir_str host, other;
    uint32_t port, other_port;

    if (!has_authority && !field) {
        refuse(h, 400, "host-missing");
        return;
    }
    if (!has_authority)
        h->authority = field->value;
    if (!http_authority_parse(h->authority, &host, &port)) {
        refuse(h, 400, "host-invalid");
        return;
    }
    if (has_authority && field) {
        if (!http_authority_parse(field->value, &other, &other_port))
            refuse(h, 400, "host-invalid");
        else if (!str_eq_nocase(host, other) ||
                 effective_port(h, port) != effective_port(h, other_port))
            refuse(h, 400, "host-mismatch");
    }
    if (!field)
        keep(h, HTTP_FIELD_HOST, WEIR_STR("host"), h->authority);
    h->host = copy(h, host);
    for (size_t i = 0; h->host.ptr && i < host.len; i++)
        ((char *)(uintptr_t)h->host.ptr)[i] = ascii_lower(host.ptr[i]);
}

/* RFC 9110 10.1.1. */
static void set_expect(struct http2_head *h, bool has_body)
{
    const struct header *field =
        h->seen & bit(HTTP_FIELD_EXPECT) ? find(h, HTTP_FIELD_EXPECT) : NULL;

    if (!field)
        return;
    if (str_eq_nocase(field->value, WEIR_STR("100-continue")))
        h->expect_continue = has_body;
    else
        refuse(h, 417, "expect-unknown");
}

void http2_head_end(struct http2_head *h, bool end_stream)
{
    if (h->trailers) {
        if (!end_stream)
            refuse(h, 400, "trailers-not-last");
        return;
    }
    if (h->status == 0)
        check_method(h);
    if (h->status == 0)
        check_scheme(h);
    if (h->status == 0)
        set_target(h);
    if (h->status == 0)
        set_host(h);
    if (h->status == 0)
        set_expect(h, !end_stream && (!h->has_content_length || h->content_length > 0));
    if (h->status == 0 && end_stream)
        http2_head_body_end(h);
}

void http2_head_body(struct http2_head *h, size_t n)
{
    h->body_seen += n;
    if (h->has_content_length && h->body_seen > h->content_length)
        refuse(h, 400, "body-too-long");
}

void http2_head_body_end(struct http2_head *h)
{
    if (h->has_content_length && h->body_seen != h->content_length)
        refuse(h, 400, "body-too-short");
}

void http_priority_parse(weir_str value, unsigned *urgency, bool *incremental)
{
    weir_str item;

    while (http_list_next(&value, &item)) {
        const char *end = item.len ? memchr(item.ptr, ';', item.len) : NULL; /* of parameters */
        if (end)
            item.len = (size_t)(end - item.ptr);
        if (item.len == 3 && memcmp(item.ptr, "u=", 2) == 0 && item.ptr[2] >= '0' &&
            item.ptr[2] <= '7')
            *urgency = (unsigned)(item.ptr[2] - '0');
        else if (str_eq(item, WEIR_STR("i")) || str_eq(item, WEIR_STR("i=?1")))
            *incremental = true;
        else if (str_eq(item, WEIR_STR("i=?0")))
            *incremental = false;
    }
}
