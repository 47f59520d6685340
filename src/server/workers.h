/* SPDX-License-Identifier: MIT
 *
 * server/workers.h: threads on which handlers may block. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include "server/server.h"

struct workers;

/* Starts count threads. At most queue_max exchanges wait for one; more are answered OVERLOADED or
 * 503. NULL when memory or threads are out. */
struct workers *workers_start(unsigned count, unsigned queue_max);

/* Waits until everything queued was handled, then ends the threads. NULL is allowed. The loops must
 * still run, since handlers wait for them; or no exchange may be left. */
void workers_stop(struct workers *workers);

/* The handler of exchanges on such a server: arg is the site. */
void workers_handle(weir_exchange *x, void *arg);

#endif
