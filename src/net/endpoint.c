/* SPDX-License-Identifier: MIT
 *
 * net/endpoint.c: see endpoint.h. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <weir/error.h>

#include "base/str.h"

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, ENDPOINT_ERROR, format, args);
    va_end(args);
    return WEIR_ERROR_ADDRESS;
}

static int parse_unix(const char *url, const char *path, struct endpoint *ep, char *error)
{
    size_t len = strlen(path);
    struct sockaddr_un *un = &ep->address.un;

    if (len == 0)
        return fail(error, "%s: a socket path must follow the colon", url);
    if (len >= sizeof un->sun_path)
        return fail(error, "%s: the socket path is longer than %zu bytes", url,
                    sizeof un->sun_path - 1);
    ep->is_unix = true;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    ep->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (path[0] == '@') {
        un->sun_path[0] = '\0';
        ep->address_len--;
    }
    return 0;
}

static int parse_fd(const char *url, const char *number, struct endpoint *ep, char *error)
{
    uint64_t fd;

    if (!str_to_u64(str_of(number), 65535, &fd))
        return fail(error, "%s: a descriptor number must follow the colon", url);
    ep->is_fd = true;
    ep->fd = (int)fd;
    return 0;
}

/* HOST:PORT, [IPV6]:PORT, and where there is a default the port may be missing. */
static int split_host_port(const char *url, const char *text, const char *default_port,
                           char host[static ENDPOINT_HOST], char port[static ENDPOINT_PORT],
                           char *error)
{
    size_t len = strcspn(text, "/");
    const char *colon = NULL;
    const char *host_start = text, *host_end;

    if (text[len] != '\0' && strcmp(text + len, "/") != 0)
        return fail(error, "%s: an address has no path", url);
    if (text[0] == '[') {
        host_end = memchr(text, ']', len);
        if (!host_end)
            return fail(error, "%s: ']' is missing", url);
        host_start++;
        if (host_end + 1 < text + len)
            colon = host_end + 1;
    } else {
        colon = memchr(text, ':', len);
        host_end = colon ? colon : text + len;
    }
    if (colon && *colon != ':')
        return fail(error, "%s: ':' and a port must follow ']'", url);
    if (!colon && !default_port)
        return fail(error, "%s: the port is missing, as in fcgi://127.0.0.1:9000", url);
    if ((size_t)(host_end - host_start) >= ENDPOINT_HOST)
        return fail(error, "%s: the host name is too long", url);
    memcpy(host, host_start, (size_t)(host_end - host_start));
    host[host_end - host_start] = '\0';

    weir_str digits =
        colon ? str(colon + 1, (size_t)(text + len - colon - 1)) : str_of(default_port);
    uint64_t number;
    if (!str_to_u64(digits, 65535, &number))
        return fail(error, "%s: the port must be a number from 0 to 65535", url);
    snprintf(port, ENDPOINT_PORT, "%u", (unsigned)number);
    return 0;
}

static int resolve(const char *url, const char *port, bool listening, struct endpoint *ep,
                   char *error)
{
    const char *host = ep->host;
    bool any = host[0] == '\0' || strcmp(host, "*") == 0;
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (listening ? AI_PASSIVE : 0),
    };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(any ? NULL : host, port, &hints, &list);

    if (rc != 0)
        return fail(error, "%s: cannot resolve the host: %s", url, gai_strerror(rc));

    /* For "every address" prefer IPv6, which then takes IPv4 as well. */
    const struct addrinfo *chosen = list;
    for (const struct addrinfo *ai = list; any && ai; ai = ai->ai_next)
        if (ai->ai_family == AF_INET6)
            chosen = ai;
    memcpy(&ep->address.storage, chosen->ai_addr, chosen->ai_addrlen);
    ep->address_len = chosen->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

/* ret_port: where the port goes if the caller resolves the host; NULL: it is resolved here. */
static int parse_tcp(const char *url, const char *text, bool listening, char *ret_port,
                     struct endpoint *ep, char *error)
{
    char *host = ep->host, port[ENDPOINT_PORT];
    const char *default_port = ep->carrier != ENDPOINT_HTTP ? NULL : ep->is_tls ? "443" : "80";
    int rc = split_host_port(url, text, default_port, host, port, error);

    if (rc != 0)
        return rc;
    if (!listening && (host[0] == '\0' || strcmp(host, "*") == 0))
        return fail(error, "%s: the host is missing", url);
    if (!listening && strcmp(port, "0") == 0)
        return fail(error, "%s: port 0 cannot be connected to", url);
    if (!ret_port)
        return resolve(url, port, listening, ep, error);
    memcpy(ret_port, port, sizeof port);
    return 0;
}

static int parse(const char *url, bool listening, char *ret_port, struct endpoint *ret_endpoint,
                 char *error)
{
    static const struct {
        const char *prefix;
        enum endpoint_carrier carrier;
        enum { TCP, TLS, UNIX, FD } kind;
    } schemes[] = {
        {"http://", ENDPOINT_HTTP, TCP},     {"fcgi://", ENDPOINT_FCGI, TCP},
        {"http+unix:", ENDPOINT_HTTP, UNIX}, {"fcgi+unix:", ENDPOINT_FCGI, UNIX},
        {"fcgi+fd:", ENDPOINT_FCGI, FD},     {"https://", ENDPOINT_HTTP, TLS},
        {"fcgis://", ENDPOINT_FCGI, TLS},
    };
    struct endpoint ep = {.fd = -1};

    if (!url)
        return fail(error, "no address was given");
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].prefix);
        int rc;
        if (strncmp(url, schemes[i].prefix, len) != 0)
            continue;
        ep.carrier = schemes[i].carrier;
        ep.is_tls = schemes[i].kind == TLS;
        if (schemes[i].kind == UNIX)
            rc = parse_unix(url, url + len, &ep, error);
        else if (schemes[i].kind == FD)
            rc = listening ? parse_fd(url, url + len, &ep, error)
                           : fail(error, "%s: a descriptor can only be listened on", url);
        else
            rc = parse_tcp(url, url + len, listening, ret_port, &ep, error);
        if (rc == 0)
            *ret_endpoint = ep;
        return rc;
    }
    return fail(
        error,
        "%s: not an address; known are http://HOST:PORT, https://HOST:PORT, http+unix:PATH, "
        "fcgi://HOST:PORT, fcgis://HOST:PORT, fcgi+unix:PATH and fcgi+fd:NUMBER",
        url);
}

int endpoint_parse(const char *url, bool listening, struct endpoint *ret_endpoint,
                   char error[static ENDPOINT_ERROR])
{
    return parse(url, listening, NULL, ret_endpoint, error);
}

int endpoint_parse_name(const char *url, struct endpoint *ret_endpoint,
                        char ret_port[static ENDPOINT_PORT], char error[static ENDPOINT_ERROR])
{
    ret_port[0] = '\0';
    return parse(url, false, ret_port, ret_endpoint, error);
}

bool endpoint_host_port(const struct sockaddr *address, char host[static 46], unsigned *ret_port)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, 46);
        *ret_port = ntohs(in->sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        *ret_port = ntohs(in6->sin6_port);
        /* A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; applications expect a.b.c.d. */
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, host, 46);
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, host, 46);
        return true;
    }
    return false;
}

void endpoint_format(const struct endpoint *ep, char out[static ENDPOINT_TEXT])
{
    const char *scheme = ep->carrier == ENDPOINT_HTTP ? "http" : "fcgi";
    char host[46];
    unsigned port;

    if (ep->is_fd) {
        snprintf(out, ENDPOINT_TEXT, "%s+fd:%d", scheme, ep->fd);
    } else if (endpoint_host_port(&ep->address.any, host, &port)) {
        bool brackets = strchr(host, ':') != NULL;
        snprintf(out, ENDPOINT_TEXT, "%s%s://%s%s%s:%u", scheme, ep->is_tls ? "s" : "",
                 brackets ? "[" : "", host, brackets ? "]" : "", port);
    } else {
        const char *path = ep->address.un.sun_path;
        bool abstract = path[0] == '\0';
        int len = (int)(ep->address_len - offsetof(struct sockaddr_un, sun_path) - 1);
        snprintf(out, ENDPOINT_TEXT, "%s+unix:%s%.*s", scheme, abstract ? "@" : "",
                 abstract ? len : len, path + abstract);
    }
}
