/* SPDX-License-Identifier: MIT
 *
 * client/address.c: between which addresses a request travels. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "client/client.h"
#include "client/conn.h"

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

/* The path of a UNIX socket, which need not end in a NUL; of an abstract one with "@" for its
 * NUL. */
static size_t unix_name(const struct sockaddr_un *un, socklen_t len, char out[sizeof un->sun_path])
{
    size_t size = len > offsetof(struct sockaddr_un, sun_path)
                      ? len - offsetof(struct sockaddr_un, sun_path)
                      : 0;

    if (size > sizeof un->sun_path)
        size = sizeof un->sun_path;
    memcpy(out, un->sun_path, size);
    if (size > 0 && out[0] == '\0')
        out[0] = '@';
    return strnlen(out, size);
}

static int tell(const union address *address, socklen_t len, char *out, size_t room,
                uint16_t *ret_port)
{
    char name[WEIR_CLIENT_ADDRESS] = "";
    size_t size = 0;
    uint16_t port = 0;

    if (address->any.sa_family == AF_UNIX) {
        size = unix_name(&address->un, len, name);
    } else if (address->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->in6.sin6_addr, name, sizeof name);
        port = ntohs(address->in6.sin6_port);
        size = strlen(name);
    } else if (address->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &address->in.sin_addr, name, sizeof name);
        port = ntohs(address->in.sin_port);
        size = strlen(name);
    }
    if (size >= room)
        return WEIR_ERROR_LIMIT;
    memcpy(out, name, size);
    out[size] = '\0';
    *ret_port = port;
    return 0;
}

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

static int ask(const weir_client_request *r, name_fn *fn, char *out, size_t room,
               uint16_t *ret_port)
{
    union address address = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof address;

    if (r->state != REQUEST_RUNNING || !r->call.request || !r->call.conn)
        return WEIR_ERROR_STATE;
    if (fn(r->call.conn->stream.fd, &address.any, &len) != 0)
        return WEIR_ERROR_SYSTEM;
    return tell(&address, len, out, room, ret_port);
}

int weir_client_local_address(const weir_client_request *r, char *out, size_t room,
                              uint16_t *ret_port)
{
    return ask(r, getsockname, out, room, ret_port);
}

int weir_client_remote_address(const weir_client_request *r, char *out, size_t room,
                               uint16_t *ret_port)
{
    return ask(r, getpeername, out, room, ret_port);
}
