/* SPDX-License-Identifier: MIT
 *
 * http/part.c: see part.h. What cannot be read in one way only is refused: two names, two
 * filenames, a transfer encoding. */
#include "http/part.h"

#include <weir/error.h>

#include "http/chars.h"
#include "http/field.h"
#include "http/param.h"

bool http_part_field_valid(weir_str line)
{
    size_t colon = http_skip(line.ptr, 0, line.len, HTTP_CHAR_TOKEN);

    return colon > 0 && colon < line.len && line.ptr[colon] == ':' &&
           http_value_valid(str(line.ptr + colon + 1, line.len - colon - 1));
}

bool http_part_field_next(weir_str *header, weir_str *ret_name, weir_str *ret_value)
{
    const char *cr = header->len ? memchr(header->ptr, '\r', header->len) : NULL;

    if (!cr || cr == header->ptr)
        return false;
    size_t len = (size_t)(cr - header->ptr);
    size_t colon = http_skip(header->ptr, 0, len, HTTP_CHAR_TOKEN);
    weir_str value = {header->ptr + colon + 1, len - colon - 1};

    *ret_name = str(header->ptr, colon);
    while (value.len > 0 && http_char_is_ows(value.ptr[0]))
        value = str(value.ptr + 1, value.len - 1);
    while (value.len > 0 && http_char_is_ows(value.ptr[value.len - 1]))
        value.len--;
    *ret_value = value;
    *header = str(cr + 2, header->len - len - 2);
    return true;
}

/* ---- What the fields say --------------------------------------------------------------------- */

/* The fields of interest as they stand in the header. */
struct found {
    weir_str name, filename, filename_ext, type;
    bool disposition;
};

/* Sets a string that may come only once. */
static bool once(weir_str *where, weir_str value)
{
    if (where->ptr)
        return false;
    *where = value;
    return true;
}

static const char *on_disposition(struct found *f, weir_str value)
{
    static const char malformed[] = "a malformed Content-Disposition";
    weir_str name, text;
    int rc;

    if (f->disposition)
        return "two Content-Disposition fields in a part";
    f->disposition = true;
    if (!str_eq_nocase(http_param_head(&value), WEIR_STR("form-data")))
        return malformed;
    while ((rc = http_param_next(&value, &name, &text)) > 0) {
        bool alone = true;
        if (str_eq_nocase(name, WEIR_STR("name")))
            alone = once(&f->name, text);
        else if (str_eq_nocase(name, WEIR_STR("filename")))
            alone = once(&f->filename, text);
        else if (str_eq_nocase(name, WEIR_STR("filename*")))
            alone = once(&f->filename_ext, text);
        if (!alone)
            return malformed;
    }
    return rc == 0 ? NULL : malformed;
}

/* RFC 7578 4.7: none is used; one that changes the bytes would have to be undone. */
static bool keeps_bytes(weir_str encoding)
{
    return str_eq_nocase(encoding, WEIR_STR("binary")) ||
           str_eq_nocase(encoding, WEIR_STR("8bit")) || str_eq_nocase(encoding, WEIR_STR("7bit"));
}

static const char *find(struct found *f, weir_str header)
{
    const char *fault = NULL;
    weir_str name, value;

    while (!fault && http_part_field_next(&header, &name, &value)) {
        if (str_eq_nocase(name, WEIR_STR("content-disposition")))
            fault = on_disposition(f, value);
        else if (str_eq_nocase(name, WEIR_STR("content-type")) && !once(&f->type, value))
            fault = "two Content-Type fields in a part";
        else if (str_eq_nocase(name, WEIR_STR("content-transfer-encoding")) && !keeps_bytes(value))
            fault = "a part with a transfer encoding";
    }
    if (!fault && !f->name.ptr)
        fault = "a part without a name";
    return fault;
}

/* ---- Strings with a NUL ---------------------------------------------------------------------- */

/* Ends the len bytes that were written at *at. */
static weir_str put_end(char **at, size_t len)
{
    weir_str text = {*at, len};

    (*at)[len] = '\0';
    *at += len + 1;
    return text;
}

static weir_str put_unquoted(char **at, weir_str value)
{
    return put_end(at, http_unquote(value, *at));
}

static weir_str put(char **at, weir_str value)
{
    if (value.len > 0)
        memcpy(*at, value.ptr, value.len);
    return put_end(at, value.len);
}

/* filename*=UTF-8''na%C3%AFve.txt (RFC 8187 3.2), which RFC 7578 4.2 forbids and which some send
 * without a plain filename. */
static bool put_extended(char **at, weir_str value, weir_str *ret_text)
{
    static const weir_str charset = {"utf-8'", 6};
    const char *quote;
    size_t len = 0;

    if (value.len < charset.len || !str_eq_nocase(str(value.ptr, charset.len), charset))
        return false;
    value = str(value.ptr + charset.len, value.len - charset.len);
    quote = value.len ? memchr(value.ptr, '\'', value.len) : NULL;
    if (!quote)
        return false;
    for (const char *p = quote + 1, *end = value.ptr + value.len; p < end; p++) {
        int high = 0, low = 0;
        if (*p == '%') {
            high = end - p > 2 ? http_hex_value(p[1]) : -1;
            low = end - p > 2 ? http_hex_value(p[2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            p += 2;
        }
        (*at)[len++] = high || low ? (char)(high << 4 | low) : *p;
    }
    *ret_text = put_end(at, len);
    return true;
}

int http_part_parse(struct buf *text, struct http_part *ret_part, const char **ret_reason)
{
    struct http_part part = {0};
    struct found f = {0};
    size_t len = text->len;

    /* All that is appended is part of the header, but for the NULs. */
    char *at = buf_room(text, len + 3);
    if (!at) {
        *ret_reason = "out of memory";
        return WEIR_ERROR_NOMEM;
    }
    part.header = str(text->ptr, len);
    *ret_reason = find(&f, part.header);
    if (*ret_reason)
        return WEIR_ERROR_FORM;
    part.name = put_unquoted(&at, f.name);
    if (f.filename.ptr)
        part.filename = put_unquoted(&at, f.filename);
    else if (f.filename_ext.ptr && !put_extended(&at, f.filename_ext, &part.filename)) {
        *ret_reason = "a malformed filename*";
        return WEIR_ERROR_FORM;
    }
    if (f.type.ptr)
        part.type = put(&at, f.type);
    *ret_part = part;
    return 0;
}
