/* SPDX-License-Identifier: MIT
 *
 * net/access.c: see access.h. */
#include "net/access.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>

#include "base/str.h"

enum { NAME_MAX_LEN = 255 };

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Takes the part before the next comma off the list; false when there is none left. */
static bool next_item(weir_str *list, weir_str *ret_item)
{
    if (!list->ptr)
        return false;
    const char *comma = list->len ? memchr(list->ptr, ',', list->len) : NULL;
    *ret_item = comma ? str(list->ptr, (size_t)(comma - list->ptr)) : *list;
    *list = comma ? str(comma + 1, list->len - ret_item->len - 1) : str(NULL, 0);
    return true;
}

/* A copy with a NUL behind it, for C functions; false when it does not fit or holds a NUL. */
static bool c_string(weir_str s, char out[NAME_MAX_LEN + 1])
{
    if (s.len == 0 || s.len > NAME_MAX_LEN || memchr(s.ptr, 0, s.len))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}

/* inet_pton takes exactly four decimal numbers from 0 to 255 without leading zeros for IPv4
 * (FastCGI 3.2), and no scope for IPv6. */
static bool parse_address(weir_str text, struct access_net *net, unsigned *ret_max)
{
    char copy[NAME_MAX_LEN + 1];

    if (!c_string(text, copy))
        return false;
    net->bits = 128;
    if (inet_pton(AF_INET, copy, net->address + sizeof v4_mapped) == 1) {
        memcpy(net->address, v4_mapped, sizeof v4_mapped);
        *ret_max = 32;
        return true;
    }
    *ret_max = 128;
    return inet_pton(AF_INET6, copy, net->address) == 1;
}

static const char *parse_net(weir_str item, bool prefixes, struct access_net *net)
{
    const char *slash = item.len && prefixes ? memchr(item.ptr, '/', item.len) : NULL;
    weir_str address = slash ? str(item.ptr, (size_t)(slash - item.ptr)) : item;
    unsigned max;
    uint64_t bits;

    if (!parse_address(address, net, &max))
        return "is not an IP address";
    if (!slash)
        return NULL;
    if (!str_to_u64(str(slash + 1, item.len - address.len - 1), max, &bits))
        return "has no valid prefix length after '/'";
    net->bits = (uint8_t)(bits + 128 - max);
    return NULL;
}

const char *access_add_addresses(struct access *a, weir_str list, bool prefixes, weir_str *ret_bad)
{
    const char *wrong = NULL;

    a->restricted = true;
    while (!wrong && next_item(&list, ret_bad)) {
        if (a->net_count == ACCESS_MAX)
            return "is one too many: 64 are possible";
        wrong = parse_net(*ret_bad, prefixes, &a->nets[a->net_count]);
        a->net_count++;
    }
    return wrong;
}

const char *access_add_users(struct access *a, weir_str list, weir_str *ret_bad)
{
    a->restricted = true;
    while (next_item(&list, ret_bad)) {
        if (a->uid_count == ACCESS_MAX)
            return "is one too many: 64 are possible";
        if (!access_find_user(*ret_bad, &a->uids[a->uid_count]))
            return "is no user of this machine";
        a->uid_count++;
    }
    return NULL;
}

bool access_find_user(weir_str name, uid_t *ret_uid)
{
    char copy[NAME_MAX_LEN + 1], room[16 * 1024];
    struct passwd entry, *found = NULL;
    uint64_t number;

    if (str_to_u64(name, UINT32_MAX - 1, &number)) {
        *ret_uid = (uid_t)number;
        return true;
    }
    if (!c_string(name, copy) || getpwnam_r(copy, &entry, room, sizeof room, &found) != 0 || !found)
        return false;
    *ret_uid = found->pw_uid;
    return true;
}

bool access_find_group(weir_str name, gid_t *ret_gid)
{
    char copy[NAME_MAX_LEN + 1], room[64 * 1024];
    struct group entry, *found = NULL;
    uint64_t number;

    if (str_to_u64(name, UINT32_MAX - 1, &number)) {
        *ret_gid = (gid_t)number;
        return true;
    }
    if (!c_string(name, copy) || getgrnam_r(copy, &entry, room, sizeof room, &found) != 0 || !found)
        return false;
    *ret_gid = found->gr_gid;
    return true;
}

static bool net_holds(const struct access_net *net, const uint8_t address[16])
{
    unsigned bytes = net->bits / 8, rest = net->bits % 8;

    if (memcmp(net->address, address, bytes) != 0)
        return false;
    return rest == 0 || (net->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

bool access_allows_address(const struct access *a, const struct sockaddr *address)
{
    uint8_t bytes[16];

    if (!a->restricted)
        return true;
    if (address->sa_family == AF_INET) {
        memcpy(bytes, v4_mapped, sizeof v4_mapped);
        memcpy(bytes + sizeof v4_mapped,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    } else {
        return false;
    }
    for (unsigned i = 0; i < a->net_count; i++)
        if (net_holds(&a->nets[i], bytes))
            return true;
    return false;
}

bool access_allows_user(const struct access *a, uid_t uid)
{
    if (!a->restricted)
        return true;
    for (unsigned i = 0; i < a->uid_count; i++)
        if (a->uids[i] == uid)
            return true;
    return false;
}
