/* SPDX-License-Identifier: MIT
 *
 * server/http2_budget.c: see http2_budget.h. A token has 10 000 parts, so that in one millisecond
 * a tenth of the burst per second is burst parts. */
#include "server/http2_budget.h"

enum { PARTS = 10000 };

static void add(struct http2_budget *b, uint64_t parts)
{
    uint64_t full = (uint64_t)b->burst * PARTS;

    b->level = parts > full - b->level ? full : b->level + parts;
}

void http2_budget_init(struct http2_budget *b, uint32_t burst, uint64_t now)
{
    *b = (struct http2_budget){.level = (uint64_t)burst * PARTS, .when = now, .burst = burst};
}

bool http2_budget_spend(struct http2_budget *b, uint64_t now)
{
    uint64_t passed = now - b->when;

    b->when = now;
    add(b, passed > PARTS ? (uint64_t)b->burst * PARTS : passed * b->burst);
    if (b->level < PARTS)
        return false;
    b->level -= PARTS;
    return true;
}

void http2_budget_earn_part(struct http2_budget *b, size_t done, uint32_t price)
{
    add(b, (uint64_t)done * PARTS / price);
}

void http2_budget_earn(struct http2_budget *b, uint32_t tokens)
{
    add(b, (uint64_t)tokens * PARTS);
}
