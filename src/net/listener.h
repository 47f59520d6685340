/* SPDX-License-Identifier: MIT
 *
 * net/listener.h: accepting connections on a loop. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/loop.h"

struct listener;

enum listener_trouble {
    LISTENER_SHORT,  /* of descriptors or memory: it goes on soon, the kernel keeps what waits */
    LISTENER_BROKEN, /* the socket does not listen any more: it has been given up */
};

enum listener_answer {
    LISTENER_ACCEPT,  /* accepted or declined will be called */
    LISTENER_NOTHING, /* there is nothing to accept any more */
    LISTENER_REST,    /* until listener_resume, or LISTENER_RETRY_MS and then resumed is called */
};

struct listener_ops {
    /* Whether one more connection may be accepted. */
    enum listener_answer (*may_accept)(struct listener *listener);
    /* A connection came in; fd is the callee's, non-blocking and close-on-exec. */
    void (*accepted)(struct listener *listener, int fd);
    /* None came in after all. */
    void (*declined)(struct listener *listener);
    void (*resumed)(struct listener *listener);
    /* errno tells more. */
    void (*trouble)(struct listener *listener, enum listener_trouble trouble);
    /* The last call: the listener may be freed. */
    void (*closed)(struct listener *listener);
};

enum { LISTENER_RETRY_MS = 100 };

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    const struct listener_ops *ops;
    struct deadline again;
    int fd;
    bool waiting;
    bool closed;
};

/* Starts accepting on fd, which stays the caller's. 0 or WEIR_ERROR_SYSTEM. */
int listener_start(struct listener *listener, struct loop *loop, int fd,
                   const struct listener_ops *ops);

/* Goes on at once after may_accept said LISTENER_REST. */
void listener_resume(struct listener *listener);

/* Whether a connection is in the backlog at this moment. */
bool listener_has_waiting(const struct listener *listener);

/* Stops accepting. The descriptor may be closed as soon as this returns. */
void listener_close(struct listener *listener);

#endif
