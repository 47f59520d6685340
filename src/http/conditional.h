/* SPDX-License-Identifier: MIT
 *
 * http/conditional.h: conditional requests (RFC 9110 13). */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/str.h>

/* The values of the request's fields; an absent one has ptr == NULL. */
struct http_conditions {
    weir_str if_match;
    weir_str if_none_match;
    weir_str if_modified_since;
    weir_str if_unmodified_since;
    weir_str if_range;
};

/* What is there now. */
struct http_validators {
    weir_str etag;    /* strong, with its quotes, or weak, with W/; ptr NULL: none */
    int64_t modified; /* seconds since the epoch; negative: not known */
};

/* Decides in the order of RFC 9110 13.2.2: 0, the request is to be carried out; 304 or 412, it is
 * to be answered so. reads: the method is GET or HEAD. now matters to two-digit years only. A list
 * of entity tags counts up to the first thing in it that is none; a date that is none, or more than
 * one, is as good as absent. */
unsigned http_conditions_check(const struct http_conditions *conditions,
                               const struct http_validators *validators, bool reads, int64_t now);

/* Whether a Range is to be looked at: there is no If-Range, or it holds (RFC 9110 13.1.5: strong
 * comparison, or the very date). */
bool http_if_range_holds(const struct http_conditions *conditions,
                         const struct http_validators *validators, int64_t now);

/* Takes the first entity tag off a list: true, and the tag with its quotes but without W/. False at
 * the end, or (then *list is not empty) at something that is no entity tag. */
bool http_etag_next(weir_str *list, weir_str *ret_tag, bool *ret_weak);

/* Whether the bytes are one entity tag and nothing else. */
bool http_etag_valid(weir_str tag);

#endif
