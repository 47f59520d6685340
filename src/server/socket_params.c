/* SPDX-License-Identifier: MIT
 *
 * server/socket_params.c: see socket_params.h. */
#include "server/socket_params.h"

#include <stdio.h>

#include "server/tls.h"

static void find_addresses(const struct stream *stream, struct socket_addresses *a)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    unsigned port;

    a->known = true;
    if (getpeername(stream->fd, (struct sockaddr *)&address, &len) == 0 &&
        endpoint_host_port((struct sockaddr *)&address, a->remote_addr, &port))
        snprintf(a->remote_port, sizeof a->remote_port, "%u", port & 0xffff);
    len = sizeof address;
    if (getsockname(stream->fd, (struct sockaddr *)&address, &len) == 0 &&
        endpoint_host_port((struct sockaddr *)&address, a->local_addr, &port))
        snprintf(a->local_port, sizeof a->local_port, "%u", port & 0xffff);
}

int socket_params_load(weir_exchange *x, struct conn *conn, struct socket_addresses *a)
{
    struct tls_session *tls = conn->stream.tls;

    if (!a->known)
        find_addresses(&conn->stream, a);
    x->param_count = 0;
    x->params = arena_alloc(x->arena, (5 + (tls ? TLS_PARAMS_MAX : 0)) * sizeof *x->params);
    if (!x->params)
        return WEIR_ERROR_NOMEM;
    x->params[x->param_count++] =
        (weir_pair){WEIR_STR("REQUEST_SCHEME"), tls ? WEIR_STR("https") : WEIR_STR("http")};
    if (a->remote_addr[0]) {
        weir_pair *p = x->params + x->param_count;
        p[0] = (weir_pair){WEIR_STR("REMOTE_ADDR"), str_of(a->remote_addr)};
        p[1] = (weir_pair){WEIR_STR("REMOTE_PORT"), str_of(a->remote_port)};
        p[2] = (weir_pair){WEIR_STR("SERVER_ADDR"), str_of(a->local_addr)};
        p[3] = (weir_pair){WEIR_STR("SERVER_PORT"), str_of(a->local_port)};
        x->param_count += 4;
    }
    return tls ? tls_params_add(x, tls) : 0;
}
