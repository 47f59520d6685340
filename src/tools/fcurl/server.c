/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/server.c: where the FastCGI server is: --to, --unix-socket, or an URL that names it,
 * and what --connect-to, --resolve, -4 and -6 make of that. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "tools/fcurl/transfer.h"

/* fcgi://HOST:PORT taken apart. */
struct place {
    const char *scheme;
    char *host; /* without brackets */
    char *port;
};

static void place_done(struct place *place)
{
    free(place->host);
    free(place->port);
}

static void set_host(struct place *place, const char *host, size_t len)
{
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    free(place->host);
    place->host = must_copy_n(host, len);
}

/* The colon that ends a host, which may be an IPv6 address in brackets; NULL: there is none. */
static const char *host_end(const char *text)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;

    return strchr(bracket ? bracket : text, ':');
}

/* HOST1:PORT1:HOST2:PORT2: the first whose left side matches. */
static void connect_to(const struct config *c, struct place *place)
{
    for (size_t i = 0; i < c->connect_to.count; i++) {
        const char *from = c->connect_to.at[i];
        const char *from_end = host_end(from);
        const char *port = from_end ? from_end + 1 : NULL;
        const char *to = port ? strchr(port, ':') : NULL;
        const char *to_end = to ? host_end(to + 1) : NULL;
        struct place left = {.scheme = ""};
        if (!to)
            continue;
        set_host(&left, from, (size_t)(from_end - from));
        left.port = must_copy_n(port, (size_t)(to - port));
        bool match = (*left.host == '\0' || strcasecmp(left.host, place->host) == 0) &&
                     (*left.port == '\0' || strcmp(left.port, place->port) == 0);
        place_done(&left);
        if (!match)
            continue;
        size_t len = to_end ? (size_t)(to_end - to) - 1 : strlen(to + 1);
        if (len > 0)
            set_host(place, to + 1, len);
        if (to_end && to_end[1]) {
            free(place->port);
            place->port = must_copy(to_end + 1);
        }
        return;
    }
}

/* [+]HOST:PORT:ADDRESS[,ADDRESS]: the last one counts, as in curl; of several addresses the first
 * of the wanted family. -HOST:PORT takes an earlier one back. */
static void resolve(const struct config *c, struct place *place)
{
    char *found = NULL;
    unsigned char binary[16];

    for (size_t i = 0; i < c->resolve.count; i++) {
        const char *entry = c->resolve.at[i];
        bool removes = entry[0] == '-';
        entry += entry[0] == '+' || removes;
        const char *end = host_end(entry);
        size_t port_len = end ? strcspn(end + 1, ":") : 0;
        size_t host_len = end ? (size_t)(end - entry) : 0;
        bool any = host_len == 1 && entry[0] == '*';
        if (!end ||
            !(any || (strlen(place->host) == host_len &&
                      strncasecmp(place->host, entry, host_len) == 0)) ||
            strlen(place->port) != port_len || strncmp(end + 1, place->port, port_len) != 0)
            continue;
        free(found);
        found = NULL;
        const char *address = end + 1 + port_len + 1;
        while (!removes && !found && *address) {
            size_t len = strcspn(address, ",");
            struct place one = {.scheme = ""};
            set_host(&one, address, len);
            bool v6 = inet_pton(AF_INET6, one.host, binary) == 1;
            if (!(c->ipv4 && v6) && !(c->ipv6 && !v6)) {
                found = one.host;
                one.host = NULL;
            }
            place_done(&one);
            address += len + (address[len] == ',');
        }
    }
    if (found) {
        free(place->host);
        place->host = found;
    }
}

/* -4 and -6: a name is looked up here, for an address of that family. */
static bool choose_family(struct transfer *t, struct place *place)
{
    const struct config *c = t->config;
    struct addrinfo hints = {.ai_family = c->ipv4 ? AF_INET : AF_INET6, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char text[64];

    if (!c->ipv4 && !c->ipv6)
        return true;
    int rc = getaddrinfo(place->host, place->port, &hints, &list);
    if (rc == 0)
        rc = getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0,
                         NI_NUMERICHOST);
    if (rc == 0)
        set_host(place, text, strlen(text));
    else
        transfer_fail(t, EXIT_RESOLVE, "Could not resolve host: %s: %s", place->host,
                      gai_strerror(rc));
    if (list)
        freeaddrinfo(list);
    return rc == 0;
}

static char *tcp_server(struct transfer *t, const char *scheme, const char *rest)
{
    struct place place = {.scheme = scheme};
    const char *end = host_end(rest);
    struct text url = {NULL, 0, 0};

    set_host(&place, rest, end ? (size_t)(end - rest) : strlen(rest));
    place.port = must_copy_n(end ? end + 1 : "9000", end ? strcspn(end + 1, "/") : 4);
    connect_to(t->config, &place);
    resolve(t->config, &place);
    bool good = choose_family(t, &place);
    if (good)
        text_printf(&url, strchr(place.host, ':') ? "%s[%s]:%s" : "%s%s:%s", scheme, place.host,
                    place.port);
    place_done(&place);
    return good ? text_take(&url) : NULL;
}

char *request_server(struct transfer *t)
{
    const struct config *c = t->config;
    struct text url = {NULL, 0, 0};

    if (c->unix_socket)
        text_printf(&url, "fcgi+unix:%s", c->unix_socket);
    else if (c->abstract_socket)
        text_printf(&url, "fcgi+unix:@%s", c->abstract_socket);
    if (url.len)
        return text_take(&url);
    if (c->to && strncmp(c->to, "fcgi://", 7) == 0)
        return tcp_server(t, "fcgi://", c->to + 7);
    if (c->to && strncmp(c->to, "fcgis://", 8) == 0)
        return tcp_server(t, "fcgis://", c->to + 8);
    if (c->to)
        return must_copy(c->to);
    if (strncmp(t->url.scheme, "fcgi", 4) == 0) {
        text_printf(&url, "%s:%u", t->url.host, t->url.port);
        const char *scheme = strcmp(t->url.scheme, "fcgis") == 0 ? "fcgis://" : "fcgi://";
        char *server = tcp_server(t, scheme, url.ptr);
        text_done(&url);
        return server;
    }
    transfer_fail(t, EXIT_USAGE,
                  "where is the FastCGI server? Say it with --to fcgi://HOST:PORT, --to "
                  "fcgi+unix:PATH or --unix-socket PATH");
    return NULL;
}
