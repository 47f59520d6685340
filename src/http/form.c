/* SPDX-License-Identifier: MIT
 *
 * http/form.c: see form.h. */
#include "http/form.h"

#include <weir/error.h>

#include "http/param.h"

enum { FILE_NAME_MAX = 255 };

/* ---- Which coding ---------------------------------------------------------------------------- */

/* The boundary parameter, which there must be once, at out (HTTP_BOUNDARY_MAX bytes); its length,
 * or 0. */
static size_t boundary_of(weir_str params, char *out)
{
    weir_str name, value, found = {NULL, 0};
    char unquoted[2 * HTTP_BOUNDARY_MAX + 2];
    int rc;

    while ((rc = http_param_next(&params, &name, &value)) > 0) {
        if (!str_eq_nocase(name, WEIR_STR("boundary")))
            continue;
        if (found.ptr)
            return 0;
        found = value;
    }
    if (rc != 0 || !found.ptr || found.len > sizeof unquoted)
        return 0;
    size_t len = http_unquote(found, unquoted);
    if (!http_boundary_valid(str(unquoted, len)))
        return 0;
    memcpy(out, unquoted, len);
    return len;
}

int http_form_init(struct http_form *f, struct pool *pool, const struct http_form_limits *limits,
                   weir_str content_type)
{
    weir_str type = http_param_head(&content_type);
    char boundary[HTTP_BOUNDARY_MAX];

    memset(f, 0, sizeof *f);
    f->limits = *limits;
    if (str_eq_nocase(type, WEIR_STR("application/x-www-form-urlencoded"))) {
        buf_init(&f->name, pool, (size_t)limits->header_size + 1);
        return 0;
    }
    if (!str_eq_nocase(type, WEIR_STR("multipart/form-data")))
        return WEIR_ERROR_MEDIA_TYPE;
    size_t len = boundary_of(content_type, boundary);
    if (len == 0) {
        f->reason = "a Content-Type without a valid boundary";
        return WEIR_ERROR_FORM;
    }
    f->is_multipart = true;
    http_multipart_init(&f->multipart, pool, str(boundary, len), limits->header_size,
                        limits->header_fields);
    return 0;
}

void http_form_done(struct http_form *f)
{
    if (f->is_multipart)
        http_multipart_done(&f->multipart);
    else if (f->name.pool)
        buf_done(&f->name);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static enum http_form_event refuse(struct http_form *f, int error, enum http_form_limit limit,
                                   const char *reason)
{
    f->error = error;
    f->limit = limit;
    f->reason = reason;
    return HTTP_FORM_REFUSED;
}

static enum http_form_event over(struct http_form *f, enum http_form_limit limit)
{
    return refuse(f, WEIR_ERROR_LIMIT, limit, NULL);
}

static enum http_form_event on_part(struct http_form *f)
{
    f->is_file = f->part.filename.len > 0;
    f->part_size = 0;
    if (f->is_file ? f->files == f->limits.files : f->fields == f->limits.fields)
        return over(f, f->is_file ? HTTP_FORM_FILES : HTTP_FORM_FIELDS);
    if (f->is_file)
        f->files++;
    else
        f->fields++;
    return HTTP_FORM_PART;
}

static enum http_form_event on_data(struct http_form *f, weir_str data)
{
    uint64_t max = f->is_file ? f->limits.file_size : f->limits.field_size;

    if (data.len > max - f->part_size)
        return over(f, f->is_file ? HTTP_FORM_FILE_SIZE : HTTP_FORM_FIELD_SIZE);
    f->part_size += data.len;
    return HTTP_FORM_DATA;
}

static enum http_form_event next_in_multipart(struct http_form *f, weir_str *input, bool last,
                                              weir_str *ret_data)
{
    struct http_multipart *m = &f->multipart;

    switch (http_multipart_next(m, input, last, ret_data)) {
    case HTTP_MULTIPART_PART:
        f->part = m->part;
        return on_part(f);
    case HTTP_MULTIPART_DATA:
        return on_data(f, *ret_data);
    case HTTP_MULTIPART_PART_END:
        return HTTP_FORM_PART_END;
    case HTTP_MULTIPART_DONE:
        return HTTP_FORM_DONE;
    case HTTP_MULTIPART_REFUSED:
        if (m->error == WEIR_ERROR_LIMIT)
            return over(f, m->fields > f->limits.header_fields ? HTTP_FORM_HEADER_FIELDS
                                                               : HTTP_FORM_HEADER_SIZE);
        return refuse(f, m->error, HTTP_FORM_NO_LIMIT, m->reason);
    default:
        return HTTP_FORM_MORE;
    }
}

static enum http_form_event on_name(struct http_form *f, weir_str piece)
{
    if (piece.len > f->limits.header_size - f->name.len)
        return over(f, HTTP_FORM_HEADER_SIZE);
    if (buf_append(&f->name, piece.ptr, piece.len) != 0)
        return refuse(f, WEIR_ERROR_NOMEM, HTTP_FORM_NO_LIMIT, NULL);
    return HTTP_FORM_MORE;
}

static enum http_form_event on_name_end(struct http_form *f)
{
    char *end = buf_room(&f->name, 1);

    if (!end)
        return refuse(f, WEIR_ERROR_NOMEM, HTTP_FORM_NO_LIMIT, NULL);
    *end = '\0';
    f->part = (struct http_part){.name = str(f->name.ptr, f->name.len)};
    return on_part(f);
}

static enum http_form_event next_urlencoded(struct http_form *f, weir_str *input, bool last,
                                            weir_str *ret_data)
{
    enum http_form_event event;

    for (;;) {
        switch (http_urlencoded_next(&f->urlencoded, input, last, ret_data)) {
        case HTTP_PAIR_NAME:
            event = on_name(f, *ret_data);
            if (event != HTTP_FORM_MORE)
                return event;
            break;
        case HTTP_PAIR_NAME_END:
            return on_name_end(f);
        case HTTP_PAIR_VALUE:
            return on_data(f, *ret_data);
        case HTTP_PAIR_END:
            buf_consume(&f->name, f->name.len);
            return HTTP_FORM_PART_END;
        case HTTP_PAIR_DONE:
            return HTTP_FORM_DONE;
        default:
            return HTTP_FORM_MORE;
        }
    }
}

enum http_form_event http_form_next(struct http_form *f, weir_str *input, bool last,
                                    weir_str *ret_data)
{
    uint64_t left = f->limits.body_size - f->taken;
    bool clipped = input->len > left;
    weir_str part = {input->ptr, clipped ? (size_t)left : input->len};
    size_t before = part.len;
    enum http_form_event event;

    if (f->is_multipart)
        event = next_in_multipart(f, &part, last && !clipped, ret_data);
    else
        event = next_urlencoded(f, &part, last && !clipped, ret_data);
    size_t taken = before - part.len;
    f->taken += taken;
    *input = str(input->ptr + taken, input->len - taken);
    if (event == HTTP_FORM_MORE && clipped)
        return refuse(f, WEIR_ERROR_TOO_BIG, HTTP_FORM_BODY_SIZE, NULL);
    return event;
}

/* ---- File names ------------------------------------------------------------------------------ */

/* Takes an incomplete UTF-8 sequence off the end of a name that was cut. */
static size_t whole_characters(const char *name, size_t len)
{
    size_t start = len;

    while (start > 0 && len - start < 3 && ((unsigned char)name[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)name[start - 1] < 0xc0)
        return len;
    unsigned char lead = (unsigned char)name[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return len - start + 1 < want ? start - 1 : len;
}

size_t http_form_basename(weir_str filename, char *out, size_t room)
{
    size_t start = filename.len, len = 0, i;

    if (room == 0)
        return 0;
    size_t max = room - 1 < FILE_NAME_MAX ? room - 1 : FILE_NAME_MAX;
    while (start > 0 && filename.ptr[start - 1] != '/' && filename.ptr[start - 1] != '\\')
        start--;
    for (i = start; i < filename.len && len < max; i++) {
        unsigned char c = (unsigned char)filename.ptr[i];
        if (c >= 0x20 && c != 0x7f && (c != '.' || len > 0))
            out[len++] = (char)c;
    }
    if (i < filename.len)
        len = whole_characters(out, len);
    out[len] = '\0';
    return len;
}
