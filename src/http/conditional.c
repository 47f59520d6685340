/* SPDX-License-Identifier: MIT
 *
 * http/conditional.c: see conditional.h. */
#include "http/conditional.h"

#include "base/str.h"
#include "http/chars.h"
#include "http/date.h"

static weir_str without_weakness(weir_str tag, bool *ret_weak)
{
    *ret_weak = str_starts(tag, WEIR_STR("W/"));
    return *ret_weak ? str(tag.ptr + 2, tag.len - 2) : tag;
}

/* The length of the quoted tag at the start, 0 if there is none: '"' *(%x21 / %x23-7E / %x80-FF)
 * '"' (RFC 9110 8.8.3). There are no escapes. */
static size_t tag_length(weir_str s)
{
    if (s.len == 0 || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch == '"')
            return i + 1;
        if (ch <= 0x20 || ch == 0x7f)
            return 0;
    }
    return 0;
}

bool http_etag_next(weir_str *list, weir_str *ret_tag, bool *ret_weak)
{
    size_t skipped = 0;
    bool weak;

    while (skipped < list->len &&
           (http_char_is_ows(list->ptr[skipped]) || list->ptr[skipped] == ','))
        skipped++;
    *list = str(list->ptr + skipped, list->len - skipped);

    weir_str rest = without_weakness(*list, &weak);
    size_t len = tag_length(rest);
    size_t end = len;
    while (end < rest.len && http_char_is_ows(rest.ptr[end]))
        end++;
    if (len == 0 || (end < rest.len && rest.ptr[end] != ','))
        return false;
    *ret_tag = str(rest.ptr, len);
    *ret_weak = weak;
    *list = str(rest.ptr + end, rest.len - end);
    return true;
}

bool http_etag_valid(weir_str tag)
{
    bool weak;
    weir_str quoted = without_weakness(tag, &weak);

    return quoted.len > 0 && tag_length(quoted) == quoted.len;
}

/* Whether the list is "*" or names the tag (RFC 9110 8.8.3.2). */
static bool list_matches(weir_str list, weir_str tag, bool strongly)
{
    weir_str item;
    bool tag_weak, weak;
    weir_str wanted = without_weakness(tag, &tag_weak);

    if (str_eq(list, WEIR_STR("*")))
        return true;
    while (http_etag_next(&list, &item, &weak))
        if (str_eq(item, wanted) && !(strongly && (weak || tag_weak)))
            return true;
    return false;
}

/* A date in a condition that counts. */
static bool has_date(weir_str value, const struct http_validators *v, int64_t now,
                     int64_t *ret_seconds)
{
    return value.ptr && v->modified >= 0 && http_date_parse(value, now, ret_seconds);
}

unsigned http_conditions_check(const struct http_conditions *c, const struct http_validators *v,
                               bool reads, int64_t now)
{
    int64_t date;

    if (c->if_match.ptr) {
        if (!list_matches(c->if_match, v->etag, true))
            return 412;
    } else if (has_date(c->if_unmodified_since, v, now, &date) && v->modified > date) {
        return 412;
    }
    if (c->if_none_match.ptr) {
        if (list_matches(c->if_none_match, v->etag, false))
            return reads ? 304 : 412;
    } else if (reads && has_date(c->if_modified_since, v, now, &date) && v->modified <= date) {
        return 304;
    }
    return 0;
}

bool http_if_range_holds(const struct http_conditions *c, const struct http_validators *v,
                         int64_t now)
{
    int64_t date;

    if (!c->if_range.ptr)
        return true;
    if (http_etag_valid(c->if_range))
        return c->if_range.ptr[0] == '"' && str_eq(c->if_range, v->etag);
    return has_date(c->if_range, v, now, &date) && date == v->modified;
}
