/* SPDX-License-Identifier: MIT
 *
 * net/resolve.h: the addresses of a host name, without blocking the loop. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/endpoint.h"

enum { RESOLVE_MAX = 16 }; /* addresses of one host that are used */

struct resolve;

/* count addresses in the order in which to try them; or 0 and one line in error. The look-up is
 * gone after this call. */
typedef void resolve_fn(void *arg, const struct endpoint *endpoints, unsigned count,
                        const char *error);

/* Numbers are read at once: fn is called from in here, and *ret_resolve is NULL. A name is looked
 * up in a thread of libuv's pool, and fn called from the loop. like: the endpoint that the address
 * is to be put into. 0, NOMEM or SYSTEM (then fn is not called). */
int resolve_start(struct loop *loop, const struct endpoint *like, const char *host,
                  const char *port, resolve_fn *fn, void *arg, struct resolve **ret_resolve);

/* fn will not be called. The look-up itself goes on until the system gives it up, and keeps the
 * loop alive until then; it needs nothing of the caller's any more. */
void resolve_forget(struct resolve *resolve);

#endif
