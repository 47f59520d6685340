/* SPDX-License-Identifier: MIT
 *
 * http/range.c: see range.h.
 *
 *     bytes=0-499   bytes=500-   bytes=-500   bytes=0-0,-1 */
#include "http/range.h"

#include "base/str.h"
#include "http/field.h"

/* Takes digits, of which there may be none; a number too large for its type is the largest of it,
 * which is behind the end of anything. */
static size_t take_number(weir_str *s, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t digits = 0;

    for (; digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(s->ptr[digits] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : 10 * value + digit;
    }
    *s = str(s->ptr + digits, s->len - digits);
    *ret_value = value;
    return digits;
}

/* One range: malformed (IGNORED), behind the end (UNSATISFIABLE), or one to send. */
static enum http_range_result parse_one(weir_str spec, uint64_t size, struct http_range *ret)
{
    uint64_t first, last;
    size_t first_digits = take_number(&spec, &first);

    if (spec.len == 0 || spec.ptr[0] != '-')
        return HTTP_RANGE_IGNORED;
    spec = str(spec.ptr + 1, spec.len - 1);
    size_t last_digits = take_number(&spec, &last);
    if (spec.len > 0 || first_digits + last_digits == 0)
        return HTTP_RANGE_IGNORED;

    if (first_digits == 0) { /* the last so many bytes */
        if (last == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        if (size == 0) /* satisfiable, but there is no way to say "no bytes of none" */
            return HTTP_RANGE_IGNORED;
        ret->length = last < size ? last : size;
        ret->first = size - ret->length;
        return HTTP_RANGE_PARTIAL;
    }
    if (last_digits > 0 && last < first)
        return HTTP_RANGE_IGNORED;
    if (first >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    if (last_digits == 0 || last >= size)
        last = size - 1;
    *ret = (struct http_range){first, last - first + 1};
    return HTTP_RANGE_PARTIAL;
}

static bool overlaps(const struct http_range *a, const struct http_range *b)
{
    return a->first < b->first + b->length && b->first < a->first + a->length;
}

enum http_range_result http_range_parse(weir_str value, uint64_t size, struct http_range *ranges,
                                        size_t max, size_t *ret_count)
{
    size_t seen = 0, count = 0;
    weir_str item;

    if (value.len < 6 || !str_eq_nocase(str(value.ptr, 6), WEIR_STR("bytes=")))
        return HTTP_RANGE_IGNORED;
    value = str(value.ptr + 6, value.len - 6);
    while (http_list_next(&value, &item)) {
        struct http_range range;
        if (item.len == 0) /* RFC 9110 5.6.1.2 */
            continue;
        enum http_range_result one = parse_one(item, size, &range);
        if (one == HTTP_RANGE_IGNORED || ++seen > max)
            return HTTP_RANGE_IGNORED;
        if (one == HTTP_RANGE_UNSATISFIABLE)
            continue;
        for (size_t i = 0; i < count; i++)
            if (overlaps(&ranges[i], &range))
                return HTTP_RANGE_IGNORED;
        ranges[count++] = range;
    }
    if (seen == 0)
        return HTTP_RANGE_IGNORED;
    if (count == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret_count = count;
    return HTTP_RANGE_PARTIAL;
}
