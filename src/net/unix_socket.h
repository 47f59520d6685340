/* SPDX-License-Identifier: MIT
 *
 * net/unix_socket.h: listening on a UNIX socket, and the file that is its name. */
#ifndef NET_UNIX_SOCKET_H
#define NET_UNIX_SOCKET_H

#include <sys/types.h>

#include "net/endpoint.h"
#include "net/listen.h"

/* The name of a socket of ours, until socket_file_remove. */
struct socket_file {
    int folder; /* descriptor of the folder it is in, so that no chdir matters; -1: no file */
    dev_t device;
    ino_t inode;
    char name[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* Opens a listening socket. Its file appears under its name at once as it will be: with owner and
 * mode, and answering. A socket that nobody listens on any more is replaced in the same way; one
 * that answers, or anything else of that name, is an error and stays. Returns the descriptor, or
 * an error with one line in error. */
int unix_socket_listen(const struct endpoint *endpoint, const struct listen_options *options,
                       struct socket_file *ret_file, char error[static ENDPOINT_ERROR]);

/* Removes the file if it is still ours. Any number of times. */
void socket_file_remove(struct socket_file *file);

#endif
