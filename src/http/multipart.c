/* SPDX-License-Identifier: MIT
 *
 * http/multipart.c: see multipart.h. Here the lines and boundaries; what a part's header says is
 * found out in part.c.
 *
 * The delimiter starts with CR, which is nowhere else in it: when a match breaks off, the next one
 * cannot have begun before the byte that broke it, and what had matched is a prefix of the
 * delimiter itself, so that it can be given as data from there. */
#include "http/multipart.h"

#include <weir/error.h>

#include "http/chars.h"
#include "http/part.h"

enum state {
    PREAMBLE,
    AFTER_BOUNDARY, /* "--", or padding and CRLF */
    AFTER_DASH,
    PADDING,
    BOUNDARY_LF,
    HEADER,
    DATA,
    EPILOGUE,
    REFUSED,
};

bool http_boundary_valid(weir_str boundary)
{
    static const char others[] = "'()+_,-./:=? "; /* bchars beside letters and digits */

    if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX ||
        boundary.ptr[boundary.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < boundary.len; i++) {
        char c = boundary.ptr[i], letter = ascii_lower(c);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

void http_multipart_init(struct http_multipart *m, struct pool *pool, weir_str boundary,
                         uint32_t header_max, uint32_t fields_max)
{
    *m = (struct http_multipart){.header_max = header_max, .fields_max = fields_max};
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.ptr, boundary.len);
    m->delimiter_len = (uint8_t)(4 + boundary.len);
    m->matched = m->own = 2; /* the first boundary needs no line before it */
    buf_init(&m->text, pool, HTTP_PART_TEXT_MAX(header_max));
}

void http_multipart_done(struct http_multipart *m)
{
    buf_done(&m->text);
}

static enum http_multipart_event refuse(struct http_multipart *m, int error, const char *reason)
{
    m->state = REFUSED;
    m->error = error;
    m->reason = reason;
    return HTTP_MULTIPART_REFUSED;
}

static void take(weir_str *input, size_t n)
{
    input->ptr += n;
    input->len -= n;
}

/* Counts n bytes that belong to no part; false if they are too many. */
static bool around(struct http_multipart *m, size_t n)
{
    if (n > HTTP_MULTIPART_AROUND_MAX - m->around)
        return false;
    m->around += (uint32_t)n;
    return true;
}

/* ---- Up to the next boundary ----------------------------------------------------------------- */

/* Where the first delimiter, or a beginning of one that reaches the end, stands in the input; its
 * length there in *ret_matched. */
static size_t find_delimiter(const struct http_multipart *m, weir_str input, size_t *ret_matched)
{
    for (size_t at = 0; at < input.len; at++) {
        const char *cr = memchr(input.ptr + at, '\r', input.len - at);
        if (!cr)
            break;
        at = (size_t)(cr - input.ptr);
        size_t n = input.len - at < m->delimiter_len ? input.len - at : m->delimiter_len;
        if (memcmp(cr, m->delimiter, n) == 0) {
            *ret_matched = n;
            return at;
        }
    }
    *ret_matched = 0;
    return input.len;
}

/* Takes what belongs to no boundary off the input, in *ret_data, and as much of a boundary as there
 * is. True once the boundary is complete. */
static bool up_to_delimiter(struct http_multipart *m, weir_str *input, weir_str *ret_data)
{
    size_t matched;

    if (m->matched > 0) {
        while (input->len > 0 && m->matched < m->delimiter_len &&
               *input->ptr == m->delimiter[m->matched]) {
            m->matched++;
            take(input, 1);
        }
        if (m->matched == m->delimiter_len || input->len == 0)
            return m->matched == m->delimiter_len;
        *ret_data = str(m->delimiter + m->own, m->matched - m->own);
        m->matched = m->own = 0;
        if (ret_data->len > 0)
            return false;
    }
    size_t at = find_delimiter(m, *input, &matched);
    *ret_data = str(input->ptr, at);
    take(input, at);
    if (at > 0)
        return false; /* the delimiter is looked at when the data has been dealt with */
    m->matched = (uint8_t)matched;
    take(input, matched);
    return m->matched == m->delimiter_len;
}

static void after_boundary(struct http_multipart *m)
{
    m->matched = m->own = 0;
    m->around = 0;
    m->state = AFTER_BOUNDARY;
}

static enum http_multipart_event on_preamble(struct http_multipart *m, weir_str *input)
{
    weir_str data = {NULL, 0};

    if (up_to_delimiter(m, input, &data))
        after_boundary(m);
    else if (!around(m, data.len))
        return refuse(m, WEIR_ERROR_FORM, "no boundary at its start");
    return HTTP_MULTIPART_MORE;
}

static enum http_multipart_event on_data(struct http_multipart *m, weir_str *input,
                                         weir_str *ret_data)
{
    if (up_to_delimiter(m, input, ret_data)) {
        after_boundary(m);
        return HTTP_MULTIPART_PART_END;
    }
    return ret_data->len > 0 ? HTTP_MULTIPART_DATA : HTTP_MULTIPART_MORE;
}

/* ---- The rest of the boundary's line --------------------------------------------------------- */

/* RFC 2046 5.1.1: a line that begins with the boundary is one; white space may follow, nothing else
 * does. */
static enum http_multipart_event on_boundary_line(struct http_multipart *m, weir_str *input)
{
    char c = *input->ptr;

    take(input, 1);
    if (m->state == BOUNDARY_LF && c == '\n') {
        m->state = HEADER;
        m->fields = m->line = 0;
        if (m->text.len > 0)
            buf_consume(&m->text, m->text.len);
    } else if (m->state == AFTER_DASH && c == '-') {
        m->around = 0;
        m->state = EPILOGUE;
    } else if (m->state == AFTER_BOUNDARY && c == '-') {
        m->state = AFTER_DASH;
    } else if ((m->state == AFTER_BOUNDARY || m->state == PADDING) && c == '\r') {
        m->state = BOUNDARY_LF;
    } else if ((m->state == AFTER_BOUNDARY || m->state == PADDING) && http_char_is_ows(c) &&
               around(m, 1)) {
        m->state = PADDING;
    } else {
        return refuse(m, WEIR_ERROR_FORM, "a boundary with something behind it");
    }
    return HTTP_MULTIPART_MORE;
}

/* ---- A part's header ------------------------------------------------------------------------- */

static enum http_multipart_event end_of_header(struct http_multipart *m)
{
    int rc = http_part_parse(&m->text, &m->part, &m->reason);

    if (rc != 0)
        return refuse(m, rc, m->reason);
    /* A part without data may end with the boundary right behind the empty line. */
    m->matched = m->own = 2;
    m->state = DATA;
    return HTTP_MULTIPART_PART;
}

static enum http_multipart_event on_header(struct http_multipart *m, weir_str *input)
{
    const char *lf = memchr(input->ptr, '\n', input->len);
    size_t n = lf ? (size_t)(lf - input->ptr) + 1 : input->len;

    if (n > m->header_max - m->text.len)
        return refuse(m, WEIR_ERROR_LIMIT, "part header too large");
    if (buf_append(&m->text, input->ptr, n) != 0)
        return refuse(m, WEIR_ERROR_NOMEM, "out of memory");
    take(input, n);
    if (!lf)
        return HTTP_MULTIPART_MORE;

    weir_str line = {m->text.ptr + m->line, m->text.len - m->line};
    m->line = (uint32_t)m->text.len;
    if (line.len < 2 || line.ptr[line.len - 2] != '\r')
        return refuse(m, WEIR_ERROR_FORM, "a line without CR");
    line.len -= 2;
    if (line.len == 0)
        return end_of_header(m);
    if (++m->fields > m->fields_max)
        return refuse(m, WEIR_ERROR_LIMIT, "too many fields in a part header");
    if (!http_part_field_valid(line))
        return refuse(m, WEIR_ERROR_FORM, "a malformed field in a part header");
    return HTTP_MULTIPART_MORE;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static enum http_multipart_event step(struct http_multipart *m, weir_str *input, weir_str *ret_data)
{
    switch ((enum state)m->state) {
    case PREAMBLE:
        return on_preamble(m, input);
    case HEADER:
        return on_header(m, input);
    case DATA:
        return on_data(m, input, ret_data);
    case EPILOGUE:
        if (!around(m, input->len))
            return refuse(m, WEIR_ERROR_FORM, "bytes behind the closing boundary");
        take(input, input->len);
        return HTTP_MULTIPART_MORE;
    default:
        return on_boundary_line(m, input);
    }
}

enum http_multipart_event http_multipart_next(struct http_multipart *m, weir_str *input, bool last,
                                              weir_str *ret_data)
{
    enum http_multipart_event event = HTTP_MULTIPART_MORE;

    *ret_data = (weir_str){NULL, 0};
    if (m->state == REFUSED)
        return HTTP_MULTIPART_REFUSED;
    while (input->len > 0 && event == HTTP_MULTIPART_MORE)
        event = step(m, input, ret_data);
    if (event != HTTP_MULTIPART_MORE || !last)
        return event;
    if (m->state != EPILOGUE)
        return refuse(m, WEIR_ERROR_SHORT_BODY, "it ends before the closing boundary");
    return HTTP_MULTIPART_DONE;
}
