/* SPDX-License-Identifier: MIT
 *
 * server/socket_params.h: the parameters of an exchange over HTTP, where nobody vouches for
 * anything: what there is comes from the socket and the TLS session. */
#ifndef SERVER_SOCKET_PARAMS_H
#define SERVER_SOCKET_PARAMS_H

#include "server/server.h"

/* The two ends of a connection as text, found out when first asked for. */
struct socket_addresses {
    bool known;
    char remote_addr[46], local_addr[46]; /* empty on a UNIX socket */
    char remote_port[6], local_port[6];
};

/* Fills x->params and param_count with strings that live as long as the connection or the
 * exchange. 0 or NOMEM. */
int socket_params_load(weir_exchange *x, struct conn *conn, struct socket_addresses *addresses);

#endif
