/* SPDX-License-Identifier: MIT
 *
 * server/tls.h: what the front ends share when their listener speaks TLS. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include "server/server.h"

/* Begins TLS on a connection that was just added, if its site speaks it. False when memory is out:
 * the connection can only be closed. */
bool conn_start_tls(struct conn *conn);

/* For a front end's error op: logs why a handshake failed and lets the client read the alert. True
 * if that is what happened: the connection closes by itself. */
bool conn_handshake_failed(struct conn *conn, int error);

/* The parameters of a session, for a front end that vouches for itself: HTTPS, and TLS_* and SSL_*
 * names. Appends at most TLS_PARAMS_MAX to ex->params, where there must be room. NOMEM. */
enum { TLS_PARAMS_MAX = 24 };
int tls_params_add(weir_exchange *ex, struct tls_session *session);

#endif
