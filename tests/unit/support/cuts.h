/* SPDX-License-Identifier: MIT
 *
 * support/cuts.h: delivers an input to a parser in every way it may arrive.
 *
 * A driver parses the input in the pieces that it is told, writes down all that it can see of the
 * outcome as text, and so the outcomes of different deliveries can be compared. */
#ifndef SUPPORT_CUTS_H
#define SUPPORT_CUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Text that grows; what does not fit fails the test. */
struct text {
    size_t len;
    char bytes[65536];
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends label=bytes and a line feed; what is not printable as \xHH. */
void text_add_bytes(struct text *text, const char *label, weir_str bytes);

/* Whether one line of the text equals the given one. */
bool text_has_line(const struct text *text, weir_str line);

/* How an input arrives. */
struct delivery {
    weir_str input;
    size_t first; /* bytes that come first */
    size_t step;  /* how many each later time */
    size_t given; /* so far */
    char *memory; /* what was given, in memory of exactly that size, new each time */
    size_t start; /* of memory in the input */
};

/* Gives the next bytes. Accumulating: *ret holds all bytes from the start of the input, otherwise
 * only the new ones. The memory of the time before is freed, so that a pointer kept is found by
 * AddressSanitizer. False when all has been given. */
bool delivery_next(struct delivery *delivery, bool accumulating, weir_str *ret);

/* Frees the memory. */
void delivery_done(struct delivery *delivery);

/* Parses what delivery gives and writes the outcome. */
typedef void delivery_driver(struct delivery *delivery, const void *arg, struct text *outcome);

/* Delivers the input whole, byte by byte, and cut in two at every offset; fails the test, naming
 * it, if an outcome differs from that of the whole input, which is left in *outcome. Of inputs over
 * 4 KiB the offsets in the middle are sampled. */
void deliver_in_every_way(const char *name, weir_str input, delivery_driver *driver,
                          const void *arg, struct text *outcome);

#endif
