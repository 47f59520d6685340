/* SPDX-License-Identifier: MIT
 *
 * http/cgi.c: the header block of a CGI response (RFC 3875 6, FastCGI 1.0 6.2).
 *
 *     name ':' OWS value OWS [CR] LF  ...  [CR] LF
 *
 * Built like the lexer of requests (request.c), but for a program's output: either line end will
 * do, everything else that a browser or another proxy could read in two ways is refused. */
#include "http/cgi.h"

#include "http/chars.h"

enum state {
    FIELD,
    NAME,
    SPACE,
    VALUE,
    VALUE_LF,
    END_LF,
    DONE,
    REFUSED,
};

void cgi_parser_init(struct cgi_parser *parser, struct http_limits limits,
                     struct http_field *fields)
{
    *parser = (struct cgi_parser){.limits = limits, .fields = fields};
}

static void refuse(struct cgi_parser *p, const char *reason)
{
    p->state = REFUSED;
    p->reason = reason;
}

/* "NNN" or "NNN reason" (RFC 3875 6.3.3). */
static void on_status(struct cgi_parser *p, const char *bytes, struct http_span span)
{
    weir_str value = http_span_str(bytes, span);
    uint64_t status;

    if (p->response.has_status) {
        refuse(p, "status-repeated");
        return;
    }
    if (value.len < 3 || !str_to_u64(str(value.ptr, 3), 599, &status) || status < 100 ||
        (value.len > 3 && value.ptr[3] != ' ')) {
        refuse(p, "status-invalid");
        return;
    }
    uint32_t skip = 3;
    while (skip < span.len && http_char_is_ows(value.ptr[skip]))
        skip++;
    p->response.has_status = true;
    p->response.status = (uint16_t)status;
    p->response.reason = (struct http_span){span.off + skip, span.len - skip};
}

/* Whether to keep the field. */
static bool on_content_length(struct cgi_parser *p, weir_str value)
{
    uint64_t length;

    if (!str_to_u64(value, INT64_MAX, &length)) {
        refuse(p, "cl-invalid");
        return false;
    }
    if (p->response.has_content_length) {
        if (length != p->response.content_length)
            refuse(p, "cl-conflict");
        return false;
    }
    p->response.has_content_length = true;
    p->response.content_length = length;
    return true;
}

static bool on_location(struct cgi_parser *p, const char *bytes, struct http_span span)
{
    if (p->has_location) {
        if (!str_eq(http_span_str(bytes, p->response.location), http_span_str(bytes, span)))
            refuse(p, "location-conflict");
        return false;
    }
    p->has_location = true;
    p->response.location = span;
    return true;
}

static void on_field(struct cgi_parser *p, const char *bytes)
{
    struct http_field *field = &p->field;
    bool keep;

    switch ((enum http_field_id)field->id) {
    case HTTP_FIELD_STATUS:
        on_status(p, bytes, field->value);
        return;
    case HTTP_FIELD_CONTENT_LENGTH:
        keep = on_content_length(p, http_field_value(bytes, field));
        break;
    case HTTP_FIELD_LOCATION:
        keep = on_location(p, bytes, field->value);
        break;
    case HTTP_FIELD_UPGRADE: /* the status may still come: drop_upgrade decides */
        keep = true;
        break;
    default:
        keep = !http_field_is_hop_by_hop(field->id);
        break;
    }
    if (!keep)
        return;
    if (p->response.field_count == p->limits.fields_max)
        refuse(p, "too-many-fields");
    else
        p->fields[p->response.field_count++] = *field;
}

static void drop_upgrade(struct cgi_parser *p)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < p->response.field_count; i++)
        if (p->fields[i].id != HTTP_FIELD_UPGRADE)
            p->fields[kept++] = p->fields[i];
    p->response.field_count = kept;
}

static void on_end(struct cgi_parser *p, const char *bytes)
{
    struct cgi_response *r = &p->response;

    p->state = DONE;
    r->head_len = p->pos;
    if (!r->has_status) {
        weir_str location = http_span_str(bytes, r->location);
        r->status = p->has_location ? 302 : 200;
        /* "//host" is a reference to another host, not a path of ours. */
        r->local_redirect = location.len > 0 && location.ptr[0] == '/' &&
                            (location.len == 1 || location.ptr[1] != '/');
    }
    if (r->status != 101)
        drop_upgrade(p);
}

static void on_line_start(struct cgi_parser *p, const char *bytes)
{
    char c = bytes[p->pos];

    if (c == '\r' || c == '\n') {
        if (p->pos == 0) {
            refuse(p, "header-missing");
        } else {
            p->state = END_LF;
            p->pos += c == '\r';
        }
    } else if (http_char_is_ows(c)) {
        refuse(p, p->pos ? "obs-fold" : "space-before-fields");
    } else {
        p->mark = p->pos;
        p->state = NAME;
    }
}

/* Why a byte cannot stand in the name that started at mark. */
static const char *name_fault(const struct cgi_parser *p, const char *bytes)
{
    char c = bytes[p->pos];

    if (p->mark == 0 && c == '/' && p->pos == 4 && memcmp(bytes, "HTTP", 4) == 0)
        return "nph-response";
    if (http_char_is_ows(c))
        return "space-before-colon";
    if (http_char_is(c, HTTP_CHAR_TOKEN))
        return "name-too-long";
    return c == '\r' || c == '\n' ? "colon-missing" : "name-invalid";
}

static void on_name(struct cgi_parser *p, const char *bytes, uint32_t end)
{
    uint32_t stop = end - p->mark > HTTP_NAME_MAX ? p->mark + HTTP_NAME_MAX : end;

    p->pos = (uint32_t)http_skip(bytes, p->pos, stop, HTTP_CHAR_TOKEN);
    if (p->pos == end)
        return;
    if (bytes[p->pos] != ':' || p->pos == p->mark) {
        refuse(p, name_fault(p, bytes));
        return;
    }
    p->field.name_off = p->mark;
    p->field.name_len = (uint16_t)(p->pos - p->mark);
    p->field.id = (uint8_t)http_field_lookup(bytes + p->mark, p->field.name_len);
    p->pos++;
    p->state = SPACE;
}

static void on_space(struct cgi_parser *p, const char *bytes, uint32_t end)
{
    while (p->pos < end && http_char_is_ows(bytes[p->pos]))
        p->pos++;
    p->mark = p->pos;
    if (p->pos < end)
        p->state = VALUE;
}

static void on_value(struct cgi_parser *p, const char *bytes, uint32_t end)
{
    p->pos = (uint32_t)http_skip_value(bytes, p->pos, end);
    if (p->pos == end)
        return;

    char c = bytes[p->pos];
    if (c != '\r' && c != '\n') {
        refuse(p, "value-invalid");
        return;
    }
    uint32_t stop = p->pos;
    while (stop > p->mark && http_char_is_ows(bytes[stop - 1]))
        stop--;
    p->field.value = (struct http_span){p->mark, stop - p->mark};
    p->pos += c == '\r';
    p->state = VALUE_LF;
}

static void on_lf(struct cgi_parser *p, const char *bytes)
{
    if (bytes[p->pos] != '\n') {
        refuse(p, "bare-cr");
        return;
    }
    p->pos++;
    if (p->state == END_LF) {
        on_end(p, bytes);
        return;
    }
    p->state = FIELD;
    on_field(p, bytes);
}

enum http_verdict cgi_parser_feed(struct cgi_parser *p, const char *bytes, size_t len)
{
    uint32_t max = p->limits.head_max;
    uint32_t end = len < max ? (uint32_t)len : max;

    while (p->pos < end && p->state < DONE) {
        switch ((enum state)p->state) {
        case FIELD:
            on_line_start(p, bytes);
            break;
        case NAME:
            on_name(p, bytes, end);
            break;
        case SPACE:
            on_space(p, bytes, end);
            break;
        case VALUE:
            on_value(p, bytes, end);
            break;
        default:
            on_lf(p, bytes);
            break;
        }
    }
    if (p->state < DONE && p->pos == max)
        refuse(p, "header-too-large");
    return p->state == DONE ? HTTP_DONE : p->state == REFUSED ? HTTP_REFUSED : HTTP_MORE;
}
