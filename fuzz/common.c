/* SPDX-License-Identifier: MIT
 *
 * fuzz/common.c: see fuzz.h. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "http/chars.h"
#include "http/chunked.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    abort();
}

weir_str fuzz_copy(weir_str bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);

    FUZZ_CHECK(copy);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return str(copy, bytes.len);
}

void fuzz_free(weir_str copy)
{
    free((void *)(uintptr_t)copy.ptr);
}

uint64_t fuzz_hash(uint64_t hash, weir_str bytes)
{
    if (hash == 0)
        hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * 0x100000001b3u;
    return hash;
}

size_t fuzz_cut(weir_str bytes)
{
    return fuzz_hash(0, bytes) % (bytes.len + 1);
}

bool fuzz_within(struct http_span span, size_t len)
{
    return span.off <= len && span.len <= len - span.off;
}

void fuzz_check_fields(const char *head, size_t len, const struct http_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_field *f = &fields[i];
        FUZZ_CHECK(fuzz_within(f->value, len));
        FUZZ_CHECK(fuzz_within((struct http_span){f->name_off, f->name_len}, len));

        weir_str name = http_field_name(head, f), value = http_field_value(head, f);
        FUZZ_CHECK(http_name_valid(name) && http_value_valid(value));
        FUZZ_CHECK(f->id == http_field_lookup(name.ptr, name.len));
        FUZZ_CHECK(value.len == 0 || (!http_char_is_ows(value.ptr[0]) &&
                                      !http_char_is_ows(value.ptr[value.len - 1])));
    }
}

struct decoded {
    enum http_verdict verdict;
    const char *reason;
    unsigned status;
    size_t taken;
    uint64_t bytes, hash;
};

/* step bytes at a time, after the first ones. */
static struct decoded decode(weir_str bytes, struct http_limits limits, size_t first, size_t step)
{
    struct decoded d = {.verdict = HTTP_MORE};
    struct http_chunked chunked;
    weir_str data;

    http_chunked_init(&chunked, limits);
    while (d.verdict == HTTP_MORE && d.taken < bytes.len) {
        size_t n = d.taken == 0 && first > 0 ? first : step;
        n = n < bytes.len - d.taken ? n : bytes.len - d.taken;
        weir_str part = fuzz_copy(str(bytes.ptr + d.taken, n)), input = part;
        while (d.verdict == HTTP_MORE && input.len > 0) {
            size_t before = input.len;
            d.verdict = http_chunked_next(&chunked, &input, &data);
            FUZZ_CHECK(data.len <= before - input.len);
            FUZZ_CHECK(d.verdict != HTTP_MORE || input.len < before);
            FUZZ_CHECK(d.verdict != HTTP_MORE || data.len > 0 || input.len == 0);
            d.bytes += data.len;
            d.hash = fuzz_hash(d.hash, data);
        }
        d.taken += n - input.len;
        fuzz_free(part);
    }
    d.reason = chunked.reason;
    d.status = chunked.status;
    FUZZ_CHECK((d.verdict == HTTP_REFUSED) == (d.reason != NULL));
    return d;
}

static void check_same(struct decoded a, struct decoded b)
{
    FUZZ_CHECK(a.verdict == b.verdict && a.status == b.status && a.reason == b.reason);
    FUZZ_CHECK(a.taken == b.taken && a.bytes == b.bytes);
    FUZZ_CHECK(a.bytes == 0 || a.hash == b.hash);
}

void fuzz_chunked(weir_str bytes, struct http_limits limits)
{
    struct decoded whole = decode(bytes, limits, 0, bytes.len);

    check_same(whole, decode(bytes, limits, 0, 1));
    check_same(whole, decode(bytes, limits, fuzz_cut(bytes), bytes.len));
}
