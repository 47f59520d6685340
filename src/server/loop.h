/* SPDX-License-Identifier: MIT
 *
 * server/loop.h: one of a server's loops. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "server/server.h"

/* uv: the application's loop, or NULL for one of our own. ended is called once when the loop has
 * stopped serving. 0, SYSTEM or NOMEM: then nothing is left behind; on the application's loop sl
 * was allocated alone and will be freed when it is closed. */
int server_loop_init(struct server_loop *sl, struct weir_server *server, unsigned index,
                     uv_loop_t *uv, void (*ended)(struct server_loop *sl));

/* Accepts and serves until the server stops and the last connection is gone. */
void server_loop_run(struct server_loop *sl);

/* Gives back everything of a loop of our own. */
void server_loop_done(struct server_loop *sl);

/* The same on the application's loop: closed is called from there when the memory may go. */
void server_loop_close(struct server_loop *sl, void (*closed)(struct server_loop *sl));

#endif
