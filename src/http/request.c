/* SPDX-License-Identifier: MIT
 *
 * http/request.c: the lexer of the request head. What targets and fields mean is decided in
 * target.c and framing.c, as soon as the line that holds them is complete.
 *
 *     empty line? | method SP target SP version CR LF | name ':' OWS value OWS CR LF ... | CR LF
 *
 * Each step is called with at least one byte to look at and either takes some, or changes the
 * state, or refuses; every verdict hangs on one certain byte and on those before it, never on how
 * many came at once. */
#include "http/request.h"

#include "http/chars.h"
#include "http/framing.h"
#include "http/target.h"

enum state {
    START,
    EMPTY_LF,
    METHOD,
    TARGET,
    VERSION,
    LINE_LF,
    FIELD,
    NAME,
    SPACE,
    VALUE,
    VALUE_LF,
    END_LF,
    DONE,
    REFUSED,
};

void http_parser_init(struct http_parser *parser, struct http_limits limits,
                      struct http_field *fields, bool tls)
{
    *parser = (struct http_parser){.fields = fields, .limits = limits, .tls = tls};
}

void http_parser_refuse(struct http_parser *p, uint16_t status, const char *reason)
{
    p->state = REFUSED;
    p->status = status;
    p->reason = reason;
}

/* RFC 9112 2.2: a server should ignore at least one empty line before the request line. */
static void on_start(struct http_parser *p, const char *head)
{
    if (head[p->pos] != '\r') {
        p->mark = p->pos;
        p->state = METHOD;
    } else if (p->empty_lines > 0) {
        http_parser_refuse(p, 400, "empty-lines");
    } else {
        p->pos++;
        p->state = EMPTY_LF;
    }
}

/* Everything that CR must be followed by; RFC 9112 2.2 forbids it elsewhere. */
static bool take_lf(struct http_parser *p, const char *head)
{
    if (head[p->pos] != '\n') {
        http_parser_refuse(p, 400, "bare-cr");
        return false;
    }
    p->pos++;
    return true;
}

static void on_empty_lf(struct http_parser *p, const char *head)
{
    if (!take_lf(p, head))
        return;
    p->empty_lines++;
    p->state = START;
}

static void on_method(struct http_parser *p, const char *head, uint32_t end)
{
    uint32_t stop = end - p->mark > HTTP_METHOD_MAX ? p->mark + HTTP_METHOD_MAX : end;

    p->pos = (uint32_t)http_skip(head, p->pos, stop, HTTP_CHAR_TOKEN);
    if (p->pos == end)
        return;

    char c = head[p->pos];
    if (http_char_is(c, HTTP_CHAR_TOKEN)) {
        http_parser_refuse(p, 501, "method-too-long");
    } else if (c == ' ' && p->pos > p->mark) {
        p->request.method = (struct http_span){p->mark, p->pos - p->mark};
        p->mark = ++p->pos;
        p->state = TARGET;
    } else {
        http_parser_refuse(p, 400, c == '\n' ? "bare-lf" : "method-invalid");
    }
}

static void on_target(struct http_parser *p, const char *head, uint32_t end)
{
    uint32_t max = p->limits.target_max;
    uint32_t stop = end - p->mark > max ? p->mark + max : end;

    p->pos = (uint32_t)http_skip(head, p->pos, stop, HTTP_CHAR_TARGET);
    if (p->pos == end)
        return;

    char c = head[p->pos];
    if (http_char_is(c, HTTP_CHAR_TARGET)) {
        http_parser_refuse(p, 414, "target-too-long");
    } else if (c == ' ' && p->pos > p->mark) {
        p->request.target = (struct http_span){p->mark, p->pos - p->mark};
        p->mark = ++p->pos;
        p->state = VERSION;
    } else if (c == '\r') {
        http_parser_refuse(p, 400, "version-missing");
    } else {
        http_parser_refuse(p, 400, c == '\n' ? "bare-lf" : "target-invalid");
    }
}

/* RFC 9112 2.3: exactly HTTP/DIGIT.DIGIT in upper case. */
static void on_version(struct http_parser *p, const char *head)
{
    static const char pattern[] = "HTTP/0.0\r";
    uint32_t i = p->pos - p->mark;
    char c = head[p->pos], wanted = pattern[i];

    if (c == '\n') {
        http_parser_refuse(p, 400, "bare-lf");
    } else if (wanted == '0' ? c < '0' || c > '9' : c != wanted) {
        http_parser_refuse(p, 400, "version-invalid");
    } else {
        p->pos++;
        if (wanted == '\r')
            p->state = LINE_LF;
    }
}

/* The version is judged first: what the target of another version means, we do not know. */
static void on_line_lf(struct http_parser *p, const char *head)
{
    char major = head[p->mark + 5], minor = head[p->mark + 7];
    uint16_t status;

    if (!take_lf(p, head))
        return;
    if (major != '1' || minor > '1') {
        http_parser_refuse(p, 505, "version-unsupported");
        return;
    }
    p->request.minor = (uint8_t)(minor - '0');

    const char *reason = http_target_parse(&p->request, head, p->tls, &status);
    if (reason)
        http_parser_refuse(p, status, reason);
    else
        p->state = FIELD;
}

static void on_field_start(struct http_parser *p, const char *head)
{
    char c = head[p->pos];

    if (c == '\r') {
        p->pos++;
        p->state = END_LF;
    } else if (!http_char_is(c, HTTP_CHAR_TOKEN)) {
        if (http_char_is_ows(c))
            http_parser_refuse(p, 400, p->request.field_count ? "obs-fold" : "space-before-fields");
        else
            http_parser_refuse(p, 400, c == '\n' ? "bare-lf" : "name-invalid");
    } else if (p->request.field_count == p->limits.fields_max) {
        http_parser_refuse(p, 431, "too-many-fields");
    } else {
        p->mark = p->pos;
        p->state = NAME;
    }
}

static void on_name(struct http_parser *p, const char *head, uint32_t end)
{
    uint32_t stop = end - p->mark > HTTP_NAME_MAX ? p->mark + HTTP_NAME_MAX : end;

    p->pos = (uint32_t)http_skip(head, p->pos, stop, HTTP_CHAR_TOKEN);
    if (p->pos == end)
        return;

    char c = head[p->pos];
    if (c == ':') {
        struct http_field *field = &p->fields[p->request.field_count];
        field->name_off = p->mark;
        field->name_len = (uint16_t)(p->pos - p->mark);
        field->id = (uint8_t)http_field_lookup(head + p->mark, field->name_len);
        p->pos++;
        p->state = SPACE;
    } else if (http_char_is(c, HTTP_CHAR_TOKEN)) {
        http_parser_refuse(p, 431, "name-too-long");
    } else if (http_char_is_ows(c)) {
        http_parser_refuse(p, 400, "space-before-colon"); /* RFC 9112 5.1 */
    } else {
        http_parser_refuse(p, 400,
                           c == '\n'   ? "bare-lf"
                           : c == '\r' ? "colon-missing"
                                       : "name-invalid");
    }
}

static void on_space(struct http_parser *p, const char *head, uint32_t end)
{
    while (p->pos < end && http_char_is_ows(head[p->pos]))
        p->pos++;
    p->mark = p->pos;
    if (p->pos < end)
        p->state = VALUE;
}

static void on_value(struct http_parser *p, const char *head, uint32_t end)
{
    p->pos = (uint32_t)http_skip_value(head, p->pos, end);
    if (p->pos == end)
        return;

    char c = head[p->pos];
    if (c != '\r') {
        http_parser_refuse(p, 400, c == '\n' ? "bare-lf" : "value-invalid");
        return;
    }
    uint32_t stop = p->pos;
    while (stop > p->mark && http_char_is_ows(head[stop - 1]))
        stop--;
    p->fields[p->request.field_count].value = (struct http_span){p->mark, stop - p->mark};
    p->pos++;
    p->state = VALUE_LF;
}

static void on_value_lf(struct http_parser *p, const char *head)
{
    if (!take_lf(p, head))
        return;
    p->state = FIELD;
    if (p->fields[p->request.field_count++].id != HTTP_FIELD_OTHER)
        http_framing_field(p, head);
}

static void on_end_lf(struct http_parser *p, const char *head)
{
    if (!take_lf(p, head))
        return;
    p->request.head_len = p->pos;
    p->state = DONE;
    http_framing_end(p, head);
}

static void step(struct http_parser *p, const char *head, uint32_t end)
{
    switch ((enum state)p->state) {
    case START:
        on_start(p, head);
        break;
    case EMPTY_LF:
        on_empty_lf(p, head);
        break;
    case METHOD:
        on_method(p, head, end);
        break;
    case TARGET:
        on_target(p, head, end);
        break;
    case VERSION:
        on_version(p, head);
        break;
    case LINE_LF:
        on_line_lf(p, head);
        break;
    case FIELD:
        on_field_start(p, head);
        break;
    case NAME:
        on_name(p, head, end);
        break;
    case SPACE:
        on_space(p, head, end);
        break;
    case VALUE:
        on_value(p, head, end);
        break;
    case VALUE_LF:
        on_value_lf(p, head);
        break;
    case END_LF:
        on_end_lf(p, head);
        break;
    case DONE:
    case REFUSED:
        break;
    }
}

void http_parser_move(struct http_parser *to, const struct http_parser *from,
                      struct http_field *fields)
{
    size_t count = from->request.field_count;

    if (count < from->limits.fields_max)
        count++; /* the next one may be half read */
    memcpy(fields, from->fields, count * sizeof *fields);
    *to = *from;
    to->fields = fields;
}

enum http_verdict http_parser_feed(struct http_parser *p, const char *head, size_t len)
{
    uint32_t max = p->limits.head_max;
    uint32_t end = len < max ? (uint32_t)len : max;

    while (p->pos < end && p->state < DONE)
        step(p, head, end);
    /* At the limit and not complete: no byte that could still come would help. */
    if (p->state < DONE && p->pos == max) {
        if (p->state == TARGET)
            http_parser_refuse(p, 414, "target-too-long");
        else
            http_parser_refuse(p, 431, "head-too-large");
    }
    return p->state == DONE ? HTTP_DONE : p->state == REFUSED ? HTTP_REFUSED : HTTP_MORE;
}
