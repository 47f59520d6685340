/* SPDX-License-Identifier: MIT
 *
 * An exchange without a connection: a carrier that delivers a body in pieces, and takes note of the
 * answer. There is no event loop; what is deferred runs in fake_turn. */
#ifndef UNIT_EXCHANGE_FAKE_H
#define UNIT_EXCHANGE_FAKE_H

#include "exchange/exchange.h"

struct fake {
    weir_exchange x;
    struct loop loop;
    struct arena arena;
    struct header headers[4];
    size_t header_count;
    weir_str body; /* not taken yet */
    size_t step;   /* bytes of a piece */
    int end;       /* how the body ends: 1 or an error */
    bool body_ended;
    char answer[512]; /* body of the response */
    bool released;
};

/* An exchange with this Content-Type (NULL: none) and body; ends with 1. */
void fake_init(struct fake *fake, const char *content_type, weir_str body, size_t step);

/* Everything is given back; asserts that the exchange is not held. */
void fake_done(struct fake *fake);

void fake_add_header(struct fake *fake, const char *lower_case_name, const char *value);

/* Runs what was deferred, then delivers body until the exchange takes no more, or all was taken and
 * its end told. */
void fake_turn(struct fake *fake);

#endif
