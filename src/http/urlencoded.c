/* SPDX-License-Identifier: MIT
 *
 * http/urlencoded.c: see urlencoded.h. */
#include "http/urlencoded.h"

#include "http/chars.h"

static enum http_pair_event piece(const struct http_urlencoded *u)
{
    return u->in_value ? HTTP_PAIR_VALUE : HTTP_PAIR_NAME;
}

static void take(weir_str *input, size_t n)
{
    input->ptr += n;
    input->len -= n;
}

/* Goes on with an escape that has begun. True when it has become data: the byte it stands for, or
 * itself when it turned out to be none. */
static bool on_escape(struct http_urlencoded *u, weir_str *input, bool last, weir_str *ret_data)
{
    while (input->len > 0 && u->held < sizeof u->escape && http_hex_value(*input->ptr) >= 0) {
        u->escape[u->held++] = *input->ptr;
        take(input, 1);
    }
    if (u->held == sizeof u->escape) {
        u->escape[0] = (char)(http_hex_value(u->escape[1]) << 4 | http_hex_value(u->escape[2]));
        u->held = 1;
    } else if (input->len == 0 && !last) {
        return false;
    }
    *ret_data = str(u->escape, u->held);
    u->held = 0;
    return true;
}

/* The bytes that stand for themselves at the front of the input. */
static size_t plain_length(const struct http_urlencoded *u, weir_str input)
{
    size_t n = 0;

    while (n < input.len && input.ptr[n] != '&' && input.ptr[n] != '+' && input.ptr[n] != '%' &&
           (u->in_value || input.ptr[n] != '='))
        n++;
    return n;
}

/* At '&' or the end: the name has ended if it has not yet, then the pair. */
static enum http_pair_event end_of_pair(struct http_urlencoded *u)
{
    if (!u->in_value) {
        u->in_value = true;
        return HTTP_PAIR_NAME_END;
    }
    u->begun = u->in_value = false;
    return HTTP_PAIR_END;
}

enum http_pair_event http_urlencoded_next(struct http_urlencoded *u, weir_str *input, bool last,
                                          weir_str *ret_data)
{
    *ret_data = (weir_str){NULL, 0};
    for (;;) {
        if (u->held > 0) {
            if (!on_escape(u, input, last, ret_data))
                return HTTP_PAIR_MORE;
            return piece(u);
        }
        if (input->len == 0) {
            if (!last)
                return HTTP_PAIR_MORE;
            return u->begun ? end_of_pair(u) : HTTP_PAIR_DONE;
        }
        char c = *input->ptr;
        if (c == '&') {
            if (u->begun && !u->in_value)
                return end_of_pair(u);
            take(input, 1);
            if (u->begun)
                return end_of_pair(u);
            continue;
        }
        u->begun = true;
        if (c == '%') {
            u->escape[0] = c;
            u->held = 1;
            take(input, 1);
            continue;
        }
        if (c == '=' && !u->in_value) {
            take(input, 1);
            u->in_value = true;
            return HTTP_PAIR_NAME_END;
        }
        *ret_data = c == '+' ? WEIR_STR(" ") : str(input->ptr, plain_length(u, *input));
        take(input, c == '+' ? 1 : ret_data->len);
        return piece(u);
    }
}
