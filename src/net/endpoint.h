/* SPDX-License-Identifier: MIT
 *
 * net/endpoint.h: the URLs that say where to listen and where to connect.
 *
 *     http://HOST:PORT    http+unix:PATH   http+fd:NUMBER    http+systemd:NAME
 *     fcgi://HOST:PORT    fcgi+unix:PATH   fcgi+fd:NUMBER    fcgi+systemd:NAME
 *     https://HOST:PORT                    https+fd:NUMBER   https+systemd:NAME    over TLS
 *     fcgis://HOST:PORT                    fcgis+fd:NUMBER   fcgis+systemd:NAME
 *
 * HOST is a name, an IPv4 address or an IPv6 address in brackets, or for listening also empty or
 * "*": every address. PATH may start with "@": a name in the abstract namespace. fd and systemd are
 * for listening only. What may follow a '?' is in net/listen.h. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/loop.h"

enum { ENDPOINT_HOST = 256, ENDPOINT_PORT = 8 };

enum endpoint_carrier { ENDPOINT_HTTP, ENDPOINT_FCGI };

struct endpoint {
    enum endpoint_carrier carrier;
    bool is_fd; /* an inherited socket; its address is known when it has been opened */
    bool is_unix;
    bool is_tls;
    char host[ENDPOINT_HOST]; /* as the URL names it, without brackets; for TLS */
    int fd;
    socklen_t address_len;
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } address;
};

enum {
    ENDPOINT_TEXT = 160,  /* enough for any URL that endpoint_format makes */
    ENDPOINT_ERROR = 512, /* as TLS_ERROR */
    ENDPOINTS_MAX = 32,   /* addresses of one URL */
};

/* Reads a URL and resolves its host (blocking, for start-up). listening decides whether an empty
 * host or an inherited socket is allowed. Of several addresses it is the first. 0, or
 * WEIR_ERROR_ADDRESS with one line in error that says what is wrong. */
int endpoint_parse(const char *url, bool listening, struct endpoint *ret_endpoint,
                   char error[static ENDPOINT_ERROR]);

/* The same for connecting, without looking up a host name: when *ret_port is not empty afterwards,
 * the address is still to be found for it and the endpoint's host, by net/resolve.h. */
int endpoint_parse_name(const char *url, struct endpoint *ret_endpoint,
                        char ret_port[static ENDPOINT_PORT], char error[static ENDPOINT_ERROR]);

/* The same for listening, with all addresses: those of a host name, or the sockets that systemd
 * passed under one name. "localhost" is 127.0.0.1 and ::1, whatever the resolver says (RFC 6761
 * 6.3). */
int endpoint_parse_all(const char *url, struct endpoint eps[static ENDPOINTS_MAX],
                       size_t *ret_count, char error[static ENDPOINT_ERROR]);

/* The URL of an address, as endpoint_parse takes it. */
void endpoint_format(const struct endpoint *endpoint, char out[static ENDPOINT_TEXT]);

/* The numeric host and port of a TCP address; false for any other family. */
bool endpoint_host_port(const struct sockaddr *address, char host[static 46], unsigned *ret_port);

#endif
