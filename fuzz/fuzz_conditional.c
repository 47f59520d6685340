/* SPDX-License-Identifier: MIT
 *
 * Conditions, ranges and dates: what a client writes about a file. The first line of an input is
 * tried as every field; ranges are of a file as long as the input, and of a very long one. */
#include "fuzz.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/media.h"
#include "http/range.h"

enum { MAX = 16 };

static void check_ranges(weir_str value, uint64_t size)
{
    struct http_range ranges[MAX];
    size_t count = 0;
    uint64_t total = 0;

    if (http_range_parse(value, size, ranges, MAX, &count) != HTTP_RANGE_PARTIAL)
        return;
    FUZZ_CHECK(count >= 1 && count <= MAX);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(ranges[i].length > 0 && ranges[i].first < size);
        FUZZ_CHECK(ranges[i].length <= size - ranges[i].first);
        total += ranges[i].length;
    }
    FUZZ_CHECK(total <= size);
}

static void check_date(weir_str value)
{
    char text[HTTP_DATE_SIZE];
    int64_t seconds, again;

    if (!http_date_parse(value, 1700000000, &seconds))
        return;
    http_date(seconds, text);
    FUZZ_CHECK(http_date_parse(str(text, HTTP_DATE_SIZE - 1), 1700000000, &again));
    FUZZ_CHECK(again == seconds || seconds > 253402300799); /* a leap second after the year 9999 */
}

static void check_conditions(weir_str value)
{
    static const struct http_validators validators = {{"\"v1\"", 4}, 784111777};
    struct http_conditions all = {value, value, value, value, value};
    struct http_conditions match = {.if_match = value}, none = {.if_none_match = value};
    unsigned status = http_conditions_check(&all, &validators, true, 1700000000);
    bool matches = http_conditions_check(&match, &validators, true, 1700000000) == 0;
    bool differs = http_conditions_check(&none, &validators, true, 1700000000) == 0;

    FUZZ_CHECK(status == 412 || status == (differs ? 0 : 304));
    FUZZ_CHECK(!(matches && differs)); /* what matches strongly matches weakly */
    if (http_if_range_holds(&(struct http_conditions){.if_range = value}, &validators, 1700000000))
        FUZZ_CHECK(value.len == 4 || value.len >= 24);
}

static void check_tags(weir_str list)
{
    weir_str tag, before = list;
    bool weak;

    while (http_etag_next(&list, &tag, &weak)) {
        FUZZ_CHECK(list.len < before.len && tag.ptr >= before.ptr);
        FUZZ_CHECK(http_etag_valid(tag));
        before = list;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str in = fuzz_copy(str((const char *)data, size));

    /* An absent field has no bytes at all; an empty one is not absent. */
    check_ranges(in, size);
    check_ranges(in, INT64_MAX);
    check_date(in);
    check_conditions(in);
    check_tags(in);
    FUZZ_CHECK(http_media_type(in));
    fuzz_free(in);
    return 0;
}
