/* SPDX-License-Identifier: MIT
 *
 * http/range.h: the Range field in bytes (RFC 9110 14). */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>
#include <weir/str.h>

struct http_range {
    uint64_t first, length; /* length > 0, and the end is within the representation */
};

enum http_range_result {
    HTTP_RANGE_IGNORED,       /* send the whole */
    HTTP_RANGE_PARTIAL,       /* send these parts */
    HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads a Range value for a representation of size bytes. ranges has room for max >= 1 of them;
 * *ret_count is set for HTTP_RANGE_PARTIAL only. Parts come in the order asked for, without those
 * that lie behind the end. Ignored, as RFC 9110 14.2 allows, is what is malformed or in another
 * unit, more than max ranges, and any two that overlap: an answer in parts is never longer than the
 * whole, but for the headers of its parts. */
enum http_range_result http_range_parse(weir_str value, uint64_t size, struct http_range *ranges,
                                        size_t max, size_t *ret_count);

#endif
