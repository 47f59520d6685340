/* SPDX-License-Identifier: MIT
 *
 * server/loop.h: one of a server's loops. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "server/server.h"

/* 0, SYSTEM or NOMEM; then nothing is left behind. */
int server_loop_init(struct server_loop *sl, struct weir_server *server, unsigned index);

/* Accepts and serves until the server stops and the last connection is gone. */
void server_loop_run(struct server_loop *sl);

void server_loop_done(struct server_loop *sl);

#endif
