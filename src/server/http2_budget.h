/* SPDX-License-Identifier: MIT
 *
 * server/http2_budget.h: how much a peer may do that costs us work and brings nothing.
 *
 * A bucket of tokens: what is suspicious spends one, time and useful work give them back. Nobody
 * who does work with the connection comes near the bottom; whoever floods it does at once. */
#ifndef SERVER_HTTP2_BUDGET_H
#define SERVER_HTTP2_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http2_budget {
    uint64_t level; /* in parts of a token, see http2_budget.c */
    uint64_t when;  /* of the last change, ms */
    uint32_t burst;
};

/* Full: burst tokens, a tenth of which comes back each second. */
void http2_budget_init(struct http2_budget *budget, uint32_t burst, uint64_t now);

/* Takes a token; false when there was none left. */
bool http2_budget_spend(struct http2_budget *budget, uint64_t now);

/* Gives tokens back for work done, up to a full bucket. */
void http2_budget_earn(struct http2_budget *budget, uint32_t tokens);

/* The same for work of which price units are worth a token: done units of it, less than 2^40. */
void http2_budget_earn_part(struct http2_budget *budget, size_t done, uint32_t price);

#endif
