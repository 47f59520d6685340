/* SPDX-License-Identifier: MIT
 *
 * http/path.c: see path.h. One pass: bytes are decoded to the end of out, and when a segment is
 * complete its meaning is known; "." is taken back, ".." also takes back the segment before it.
 *
 *     /a/./b/%2e%2e/c  ->  /a/  /a/  /a/b/  /a/  /a/c */
#include "http/path.h"

#include "http/chars.h"

static enum http_path_result check_byte(char c, bool escaped)
{
    if (c == '\0')
        return HTTP_PATH_NUL;
    if ((unsigned char)c < 0x20 || c == 0x7f)
        return HTTP_PATH_CONTROL;
    return escaped && c == '/' ? HTTP_PATH_SLASH : HTTP_PATH_OK;
}

/* Decodes the byte at path[*pos] and moves *pos behind it. */
static enum http_path_result take_byte(weir_str path, size_t *pos, char *ret_c)
{
    char c = path.ptr[*pos];

    if (c != '%') {
        *pos += 1;
        *ret_c = c;
        return check_byte(c, false);
    }
    if (path.len - *pos < 3)
        return HTTP_PATH_BAD_ESCAPE;
    int high = http_hex_value(path.ptr[*pos + 1]), low = http_hex_value(path.ptr[*pos + 2]);
    if (high < 0 || low < 0)
        return HTTP_PATH_BAD_ESCAPE;
    *pos += 3;
    *ret_c = (char)(high << 4 | low);
    return check_byte(*ret_c, true);
}

/* out[0..*len) ends in a complete segment that starts behind the '/' at out[start - 1]. */
static bool remove_dots(const char *out, size_t start, size_t *len)
{
    weir_str segment = {out + start, *len - start};

    if (str_eq(segment, WEIR_STR("."))) {
        *len = start;
    } else if (str_eq(segment, WEIR_STR(".."))) {
        if (start == 1)
            return false;
        for (*len = start - 1; out[*len - 1] != '/';)
            *len -= 1;
    }
    return true;
}

enum http_path_result http_path_normalise(weir_str path, char *out, size_t *ret_len)
{
    size_t pos = 0, len = 0, start = 1;

    if (path.len == 0 || path.ptr[0] != '/')
        return HTTP_PATH_NOT_ABSOLUTE;
    while (pos < path.len) {
        char c;
        enum http_path_result result = take_byte(path, &pos, &c);
        if (result != HTTP_PATH_OK)
            return result;
        if (c != '/') {
            out[len++] = c;
            continue;
        }
        if (len > 0 && !remove_dots(out, start, &len))
            return HTTP_PATH_CLIMBS;
        if (len == 0 || out[len - 1] != '/')
            out[len++] = '/';
        start = len;
    }
    if (!remove_dots(out, start, &len))
        return HTTP_PATH_CLIMBS;
    *ret_len = len;
    return HTTP_PATH_OK;
}

const char *http_path_reason(enum http_path_result result)
{
    switch (result) {
    case HTTP_PATH_OK:
        return "path-ok";
    case HTTP_PATH_BAD_ESCAPE:
        return "path-escape";
    case HTTP_PATH_NUL:
        return "path-nul";
    case HTTP_PATH_CONTROL:
        return "path-control";
    case HTTP_PATH_CLIMBS:
        return "path-climbs";
    case HTTP_PATH_SLASH:
        return "path-slash";
    case HTTP_PATH_NOT_ABSOLUTE:
        break;
    }
    return "path-not-absolute";
}
