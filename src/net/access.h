/* SPDX-License-Identifier: MIT
 *
 * net/access.h: who may connect to a listener: addresses over TCP, users on a UNIX socket. */
#ifndef NET_ACCESS_H
#define NET_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <weir/str.h>

enum { ACCESS_MAX = 64 }; /* entries of a list */

struct access_net {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d, so that both compare alike */
    uint8_t bits;        /* how many of the 128 count */
};

/* Zeroed: anybody may connect. */
struct access {
    bool restricted;
    unsigned net_count, uid_count;
    struct access_net nets[ACCESS_MAX];
    uid_t uids[ACCESS_MAX];
};

/* Add what a comma-separated list names: IPv4 and IPv6 addresses, with prefixes also networks
 * ("10.0.0.0/8"); or users by name or number. Spaces are not allowed. NULL, or what is wrong with
 * the entry that *ret_bad is; the list is then not usable. */
const char *access_add_addresses(struct access *access, weir_str list, bool prefixes,
                                 weir_str *ret_bad);
const char *access_add_users(struct access *access, weir_str list, weir_str *ret_bad);

/* A user or group by name or number; false when there is none of that name. */
bool access_find_user(weir_str name, uid_t *ret_uid);
bool access_find_group(weir_str name, gid_t *ret_gid);

/* Whether a peer may connect. A list of addresses holds no UNIX peer, and one of users no address.
 */
bool access_allows_address(const struct access *access, const struct sockaddr *address);
bool access_allows_user(const struct access *access, uid_t uid);

#endif
