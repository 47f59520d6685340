/* SPDX-License-Identifier: MIT
 *
 * exchange/post.c: weir_post, the way from any thread to an exchange on its loop. */
#include <stdlib.h>

#include "exchange/exchange.h"

struct posted {
    struct loop_post post;
    weir_exchange *x;
    weir_event_fn *fn;
    void *arg;
};

static void run(struct loop_post *post)
{
    struct posted *p = container_of(post, struct posted, post);
    weir_exchange *x = p->x;

    exchange_hold(x);
    p->fn(x, p->arg);
    exchange_unhold(x);
    free(p);
}

int weir_post(weir_exchange *x, weir_event_fn *fn, void *arg)
{
    struct posted *p;

    if (!fn)
        return WEIR_ERROR_INVALID;
    p = malloc(sizeof *p);
    if (!p)
        return WEIR_ERROR_NOMEM;
    *p = (struct posted){.post.run = run, .x = x, .fn = fn, .arg = arg};
    loop_post(x->loop, &p->post);
    return 0;
}
