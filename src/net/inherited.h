/* SPDX-License-Identifier: MIT
 *
 * net/inherited.h: descriptors that the process was started with. */
#ifndef NET_INHERITED_H
#define NET_INHERITED_H

#include "net/endpoint.h"

/* The sockets of systemd's protocol (sd_listen_fds(3)): LISTEN_FDS descriptors from 3 on, meant for
 * the process LISTEN_PID, named by LISTEN_FDNAMES. name: one of these names, which several may
 * have, or a number counted from 0, or empty for all. At most max descriptors; the environment
 * stays as it is, so that others can ask too. 0, or ADDRESS with one line in error. */
int inherited_find(const char *url, weir_str name, int *fds, size_t max, size_t *ret_count,
                   char error[static ENDPOINT_ERROR]);

/* Whether the descriptor is a stream socket that listens. */
bool inherited_is_listening(int fd);

/* Makes a descriptor of the caller's own from an inherited one, close-on-exec and non-blocking, and
 * fills in the endpoint's address.
 *
 * O_NONBLOCK belongs to the socket, not to the descriptor: whoever shares it sees it too. It is
 * needed, since another process may take the connection that this one was woken for, and accept
 * would then block the loop. It is not taken back, since a process that still shares the socket may
 * rely on it; systemd sets it anew for each process that it starts. The inherited descriptor is
 * made close-on-exec as well unless it is one of 0 to 2. */
int inherited_open(struct endpoint *endpoint, char error[static ENDPOINT_ERROR]);

/* Opens /dev/null for those of the descriptors 0 to 2 that are closed, as FastCGI 2.2 starts
 * programs, so that no socket or file gets their number and then what is written to stdout or
 * stderr. Returns true if 2 was closed, now or at an earlier call. */
bool inherited_fill_standard(void);

#endif
