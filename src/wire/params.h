/* SPDX-License-Identifier: MIT
 *
 * wire/params.h: collecting the PARAMS stream of one request.
 *
 * The stream is the concatenation of all its records (req. 45, 61): content is gathered in one
 * piece and the pairs are read only when the stream has ended, so a pair or a length that straddles
 * records is like any other. */
#ifndef WIRE_PARAMS_H
#define WIRE_PARAMS_H

#include <weir/wire.h>

#include "base/arena.h"

struct params {
    char *bytes; /* in the request's arena, with a spare byte behind */
    size_t len, room;
    bool has_nul; /* somewhere in a name or a value */
    int error;    /* 0, LIMIT or PARAMS: the rest of the stream is skipped */
    weir_pair *pairs;
    size_t count;
};

/* Adds the content of a PARAMS record, of at most max bytes in all. Over the limit only the error
 * is noted. 0 or WEIR_ERROR_NOMEM. */
int params_add(struct params *params, struct arena *arena, size_t max, weir_str content);

/* Reads the pairs, puts a NUL behind each value, and notes whether one was inside already. Sets
 * error when the bytes are no list of pairs or there are more than count_max. 0 or
 * WEIR_ERROR_NOMEM. */
int params_finish(struct params *params, struct arena *arena, size_t count_max);

/* The value of the last pair of that name; absent: ptr is NULL. */
weir_str params_find(const struct params *params, weir_str name);

#endif
