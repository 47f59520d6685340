/* SPDX-License-Identifier: MIT
 *
 * http/param.c: see param.h. */
#include "http/param.h"

#include <weir/error.h>

#include "http/chars.h"

static void skip_space(weir_str *s)
{
    while (s->len > 0 && http_char_is_ows(s->ptr[0]))
        *s = str(s->ptr + 1, s->len - 1);
}

weir_str http_param_head(weir_str *value)
{
    const char *semicolon = value->len ? memchr(value->ptr, ';', value->len) : NULL;
    size_t len = semicolon ? (size_t)(semicolon - value->ptr) : value->len;
    weir_str head = {value->ptr, len};

    *value = str(value->ptr + len, value->len - len);
    skip_space(&head);
    while (head.len > 0 && http_char_is_ows(head.ptr[head.len - 1]))
        head.len--;
    return head;
}

/* The length of the quoted string at the start of s, quotes included; 0 if it has no end. */
static size_t quoted_length(weir_str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        if (s.ptr[i] == '\\')
            i++;
    }
    return 0;
}

int http_param_next(weir_str *params, weir_str *ret_name, weir_str *ret_value)
{
    weir_str s = *params;

    do { /* ';' with nothing behind it */
        skip_space(&s);
        if (s.len == 0) {
            *params = s;
            return 0;
        }
        if (s.ptr[0] != ';')
            return WEIR_ERROR_HEADER;
        s = str(s.ptr + 1, s.len - 1);
        skip_space(&s);
    } while (s.len == 0 || s.ptr[0] == ';');

    size_t name = http_skip(s.ptr, 0, s.len, HTTP_CHAR_TOKEN);
    if (name == 0 || name == s.len || s.ptr[name] != '=')
        return WEIR_ERROR_HEADER;
    *ret_name = str(s.ptr, name);
    s = str(s.ptr + name + 1, s.len - name - 1);

    size_t len = s.len > 0 && s.ptr[0] == '"' ? quoted_length(s)
                                              : http_skip(s.ptr, 0, s.len, HTTP_CHAR_TOKEN);
    if (len == 0)
        return WEIR_ERROR_HEADER;
    *ret_value = str(s.ptr, len);
    *params = str(s.ptr + len, s.len - len);
    return 1;
}

size_t http_unquote(weir_str value, char *out)
{
    size_t len = 0;

    if (value.len < 2 || value.ptr[0] != '"') {
        if (value.len > 0)
            memmove(out, value.ptr, value.len);
        return value.len;
    }
    for (size_t i = 1; i + 1 < value.len; i++) {
        char next = i + 2 < value.len ? value.ptr[i + 1] : 0;
        if (value.ptr[i] == '\\' && (next == '"' || next == '\\'))
            i++;
        out[len++] = value.ptr[i];
    }
    return len;
}
