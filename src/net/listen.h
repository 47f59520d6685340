/* SPDX-License-Identifier: MIT
 *
 * net/listen.h: listening sockets, from the URL to the descriptor.
 *
 *     URL?OPTION=VALUE&...      mode=0660  owner=USER  group=GROUP   of the file of a UNIX socket
 *                               allow=LIST   who may connect: addresses and networks over TCP,
 *                                            users on a UNIX socket
 *
 * Values are taken as they are, without escapes. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <sys/types.h>

#include "net/access.h"
#include "net/endpoint.h"

enum { LISTEN_BACKLOG = 4096 }; /* the kernel's net.core.somaxconn may be less */

struct socket_file;

struct listen_options {
    bool has_mode, has_owner, has_group;
    mode_t mode;
    uid_t owner;
    gid_t group;
    weir_str allow; /* part of the URL; ptr is NULL without it */
};

/* Reads a URL with its options; NULL stands for fcgi+fd:0 if that listens, which is how web servers
 * start FastCGI programs (FastCGI 2.2). 0, or ADDRESS with one line in error. */
int listen_parse(const char *url, struct endpoint eps[static ENDPOINTS_MAX], size_t *ret_count,
                 struct listen_options *ret_options, char error[static ENDPOINT_ERROR]);

enum listen_sharing {
    LISTEN_ALONE,  /* one socket for the address */
    LISTEN_FIRST,  /* others will be opened on the same TCP address */
    LISTEN_FURTHER /* as one of them */
};

/* Opens a socket for the endpoint, non-blocking and close-on-exec, and fills in what was not known:
 * the port that the kernel chose, the address of an inherited socket. A UNIX socket's file is in
 * *ret_file, also when there is none. Returns the descriptor, or an error with one line in error;
 * errno then tells why a TCP address failed. */
int listen_open(struct endpoint *endpoint, const struct listen_options *options,
                enum listen_sharing sharing, struct socket_file *ret_file,
                char error[static ENDPOINT_ERROR]);

/* Whether listening on one of several addresses failed because this machine does not have it. */
bool listen_lacks_address(int error_number);

/* Reads the option allow for an endpoint that is open. 0, or ADDRESS with one line in error. */
int listen_access(const struct endpoint *endpoint, const struct listen_options *options,
                  struct access *ret_access, char error[static ENDPOINT_ERROR]);

/* Reads FCGI_WEB_SERVER_ADDRS (FastCGI 3.2), or addresses instead if it is not NULL: a list of
 * addresses that may connect. Without either anybody may. 0, or ADDRESS with one line in error. */
int listen_web_servers(const char *addresses, struct access *ret_access,
                       char error[static ENDPOINT_ERROR]);

#endif
