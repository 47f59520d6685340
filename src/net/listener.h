/* SPDX-License-Identifier: MIT
 *
 * net/listener.h: sockets that accept connections. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/endpoint.h"

/* Opens a listening socket for the endpoint and fills in the port the kernel chose. A UNIX socket
 * that nobody listens on any more is replaced; one that answers is an error. reuse_port: other
 * loops will listen on the same TCP address. Returns the descriptor, or a negative error with one
 * line in error. A descriptor endpoint gives its own. */
int listener_open(struct endpoint *endpoint, bool reuse_port, char error[static ENDPOINT_ERROR]);

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    struct deadline again; /* after running out of descriptors */
    int fd;
    bool listening;
    bool closed;
    /* A connection came in; fd is the callee's, non-blocking and close-on-exec. */
    void (*accepted)(struct listener *listener, int fd);
    void (*on_closed)(struct listener *listener);
};

/* Starts accepting on fd, which stays the caller's. 0 or WEIR_ERROR_SYSTEM. */
int listener_start(struct listener *listener, struct loop *loop, int fd,
                   void (*accepted)(struct listener *listener, int fd),
                   void (*on_closed)(struct listener *listener));

/* Stops accepting; on_closed is called from the loop when the listener may be freed. */
void listener_close(struct listener *listener);

#endif
