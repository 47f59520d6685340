/* SPDX-License-Identifier: MIT
 *
 * Paths: what comes out has one reading only, and comes out again when it goes in. Authorities and
 * origin forms are tried with the same bytes. */
#include "fuzz.h"
#include "http/path.h"

#include <stdlib.h>

static void check_result(const char *out, size_t len)
{
    size_t start = 1;

    FUZZ_CHECK(len > 0 && out[0] == '/');
    for (size_t i = 1; i <= len; i++) {
        if (i < len && out[i] != '/') {
            FUZZ_CHECK((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
            continue;
        }
        weir_str segment = {out + start, i - start};
        FUZZ_CHECK(segment.len > 0 || i == len);
        FUZZ_CHECK(!str_eq(segment, WEIR_STR(".")) && !str_eq(segment, WEIR_STR("..")));
        start = i + 1;
    }
}

/* With its '%' written as %25, the result is its own normal form. */
static void check_stable(const char *out, size_t len)
{
    char *escaped = malloc(3 * len), *again = malloc(3 * len);
    size_t n = 0, again_len;

    FUZZ_CHECK(escaped && again);
    for (size_t i = 0; i < len; i++) {
        escaped[n++] = out[i];
        if (out[i] == '%') {
            escaped[n++] = '2';
            escaped[n++] = '5';
        }
    }
    FUZZ_CHECK(http_path_normalise(str(escaped, n), again, &again_len) == HTTP_PATH_OK);
    FUZZ_CHECK(str_eq(str(again, again_len), str(out, len)));
    free(escaped);
    free(again);
}

static void check_target(weir_str in)
{
    weir_str host, path, query;
    uint32_t port;
    bool has_query;

    if (http_authority_parse(in, &host, &port)) {
        FUZZ_CHECK(host.ptr == in.ptr && host.len > 0 && host.len <= in.len && port <= 65535);
        FUZZ_CHECK(!memchr(in.ptr, '@', in.len) && !memchr(in.ptr, '/', in.len));
    }
    if (http_origin_form_parse(in, &path, &query, &has_query)) {
        FUZZ_CHECK(path.ptr == in.ptr && path.len + query.len + has_query == in.len);
        FUZZ_CHECK(!memchr(in.ptr, ' ', in.len) && !memchr(in.ptr, '\n', in.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str in = fuzz_copy(str((const char *)data, size));
    char *out = malloc(size ? size : 1);
    size_t len;

    FUZZ_CHECK(out);
    check_target(in);
    if (http_path_normalise(in, out, &len) == HTTP_PATH_OK) {
        FUZZ_CHECK(len <= size);
        check_result(out, len);
        check_stable(out, len);
    }
    free(out);
    fuzz_free(in);
    return 0;
}
