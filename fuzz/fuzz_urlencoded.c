/* SPDX-License-Identifier: MIT
 *
 * application/x-www-form-urlencoded: as a form (see fuzz_form in form.c), and against a decoder of
 * another make, that looks at a whole query string. */
#include <stdlib.h>

#include "fuzz.h"
#include "http/chars.h"
#include "http/urlencoded.h"

static size_t decode(weir_str in, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == '%' && in.len - i > 2 && http_hex_value(in.ptr[i + 1]) >= 0 &&
            http_hex_value(in.ptr[i + 2]) >= 0) {
            out[len++] = (char)(http_hex_value(in.ptr[i + 1]) * 16 + http_hex_value(in.ptr[i + 2]));
            i += 2;
        } else {
            out[len++] = in.ptr[i] == '+' ? ' ' : in.ptr[i];
        }
    }
    return len;
}

/* Takes what a pair gives of name or value off the text that it should be. */
static void check_piece(weir_str *want, weir_str piece)
{
    FUZZ_CHECK(piece.len <= want->len && memcmp(want->ptr, piece.ptr, piece.len) == 0);
    *want = str(want->ptr + piece.len, want->len - piece.len);
}

static void check_pair(struct http_urlencoded *u, weir_str *input, weir_str name, weir_str value)
{
    enum http_pair_event event;
    weir_str data;

    while ((event = http_urlencoded_next(u, input, true, &data)) == HTTP_PAIR_NAME)
        check_piece(&name, data);
    FUZZ_CHECK(event == HTTP_PAIR_NAME_END && name.len == 0);
    while ((event = http_urlencoded_next(u, input, true, &data)) == HTTP_PAIR_VALUE)
        check_piece(&value, data);
    FUZZ_CHECK(event == HTTP_PAIR_END && value.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str bytes = {(const char *)data, size}, input = bytes, rest = bytes, none;
    struct http_urlencoded decoder = {0};
    char *name = malloc(size + 1), *value = malloc(size + 1);

    FUZZ_CHECK(name && value);
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '&', rest.len);
        weir_str pair = {rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len};
        rest = str(pair.ptr + pair.len + !!end, rest.len - pair.len - !!end);
        if (pair.len == 0)
            continue;
        const char *equals = memchr(pair.ptr, '=', pair.len);
        size_t split = equals ? (size_t)(equals - pair.ptr) : pair.len;
        size_t name_len = decode(str(pair.ptr, split), name);
        size_t value_len = equals ? decode(str(equals + 1, pair.len - split - 1), value) : 0;
        check_pair(&decoder, &input, str(name, name_len), str(value, value_len));
    }
    FUZZ_CHECK(http_urlencoded_next(&decoder, &input, true, &none) == HTTP_PAIR_DONE);
    free(name);
    free(value);
    fuzz_form(bytes, "application/x-www-form-urlencoded");
    return 0;
}
