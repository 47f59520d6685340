/* SPDX-License-Identifier: MIT
 *
 * net/endpoint.c: see endpoint.h. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weir/error.h>

#include "base/str.h"
#include "net/inherited.h"

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, ENDPOINT_ERROR, format, args);
    va_end(args);
    return WEIR_ERROR_ADDRESS;
}

/* Where addresses are collected. The first one is preset with what all have in common. */
struct found {
    struct endpoint *eps;
    size_t max, count;
    bool listening;
    char *
        ret_port; /* where the port goes when the caller resolves the host; NULL: it is done here */
};

static struct endpoint *next_endpoint(struct found *found)
{
    if (found->count > 0)
        found->eps[found->count] = found->eps[0];
    return &found->eps[found->count++];
}

static int parse_unix(const char *url, const char *path, struct found *found, char *error)
{
    size_t len = strlen(path);
    struct endpoint *ep = next_endpoint(found);
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

static int parse_fd(const char *url, const char *number, struct found *found, char *error)
{
    uint64_t fd;

    if (!found->listening)
        return fail(error, "%s: a descriptor can only be listened on", url);
    if (!str_to_u64(str_of(number), 65535, &fd))
        return fail(error, "%s: a descriptor number must follow the colon", url);
    struct endpoint *ep = next_endpoint(found);
    ep->is_fd = true;
    ep->fd = (int)fd;
    return 0;
}

static int parse_systemd(const char *url, const char *name, struct found *found, char *error)
{
    int fds[ENDPOINTS_MAX];
    size_t count;

    if (!found->listening)
        return fail(error, "%s: a socket of systemd can only be listened on", url);
    int rc = inherited_find(url, str_of(name), fds, found->max, &count, error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct endpoint *ep = next_endpoint(found);
        ep->is_fd = true;
        ep->fd = fds[i];
    }
    return rc;
}

/* HOST:PORT, [IPV6]:PORT, and where there is a default the port may be missing. */
static int split_host_port(const char *url, const char *text, const char *default_port,
                           char host[static ENDPOINT_HOST], uint16_t *ret_port, char *error)
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
    *ret_port = (uint16_t)number;
    return 0;
}

static void add_address(struct found *found, const struct sockaddr *address, socklen_t len)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->eps[i].address_len == len && memcmp(&found->eps[i].address, address, len) == 0)
            return;
    if (found->count == found->max)
        return;
    struct endpoint *ep = next_endpoint(found);
    memset(&ep->address, 0, sizeof ep->address);
    memcpy(&ep->address, address, len);
    ep->address_len = len;
}

static void add_ipv4(struct found *found, in_addr_t host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    in.sin_addr.s_addr = htonl(host);
    add_address(found, (const struct sockaddr *)&in, sizeof in);
}

static void add_ipv6(struct found *found, const struct in6_addr *host, uint16_t port)
{
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *host};

    add_address(found, (const struct sockaddr *)&in6, sizeof in6);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != EAFNOSUPPORT;
}

static int resolve(const char *url, const char *host, uint16_t port, struct found *found,
                   char *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[ENDPOINT_PORT];

    snprintf(service, sizeof service, "%u", port);
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return fail(error, "%s: cannot resolve the host: %s", url, gai_strerror(rc));
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        add_address(found, ai->ai_addr, ai->ai_addrlen);
    freeaddrinfo(list);
    return 0;
}

static int parse_tcp(const char *url, const char *text, struct found *found, char *error)
{
    struct endpoint *common = &found->eps[0];
    const char *default_port = common->carrier != ENDPOINT_HTTP ? NULL
                               : common->is_tls                 ? "443"
                                                                : "80";
    const char *host = common->host;
    uint16_t port = 0;
    int rc = split_host_port(url, text, default_port, common->host, &port, error);

    if (rc != 0)
        return rc;
    bool any = host[0] == '\0' || strcmp(host, "*") == 0;
    if (any && !found->listening)
        return fail(error, "%s: the host is missing", url);
    if (!found->listening && port == 0)
        return fail(error, "%s: port 0 cannot be connected to", url);

    if (found->ret_port) {
        (void)next_endpoint(found);
        snprintf(found->ret_port, ENDPOINT_PORT, "%u", port);
    } else if (any && has_ipv6()) { /* which takes IPv4 as well */
        add_ipv6(found, &in6addr_any, port);
    } else if (any) {
        add_ipv4(found, INADDR_ANY, port);
    } else if (found->listening && str_eq_nocase(str_of(host), WEIR_STR("localhost"))) {
        add_ipv4(found, INADDR_LOOPBACK, port);
        add_ipv6(found, &in6addr_loopback, port);
    } else {
        return resolve(url, host, port, found, error);
    }
    return 0;
}

static int parse(const char *url, struct found *found, char *error)
{
    static const struct {
        const char *prefix;
        enum endpoint_carrier carrier;
        bool is_tls;
        int (*parse)(const char *url, const char *rest, struct found *found, char *error);
    } schemes[] = {
        {"http://", ENDPOINT_HTTP, false, parse_tcp},
        {"fcgi://", ENDPOINT_FCGI, false, parse_tcp},
        {"https://", ENDPOINT_HTTP, true, parse_tcp},
        {"fcgis://", ENDPOINT_FCGI, true, parse_tcp},
        {"http+unix:", ENDPOINT_HTTP, false, parse_unix},
        {"fcgi+unix:", ENDPOINT_FCGI, false, parse_unix},
        {"http+fd:", ENDPOINT_HTTP, false, parse_fd},
        {"fcgi+fd:", ENDPOINT_FCGI, false, parse_fd},
        {"https+fd:", ENDPOINT_HTTP, true, parse_fd},
        {"fcgis+fd:", ENDPOINT_FCGI, true, parse_fd},
        {"http+systemd:", ENDPOINT_HTTP, false, parse_systemd},
        {"fcgi+systemd:", ENDPOINT_FCGI, false, parse_systemd},
        {"https+systemd:", ENDPOINT_HTTP, true, parse_systemd},
        {"fcgis+systemd:", ENDPOINT_FCGI, true, parse_systemd},
    };

    if (!url)
        return fail(error, "no address was given");
    if (strchr(url, '?'))
        return fail(error, "%s: what follows '?' is for listening only", url);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].prefix);
        if (strncmp(url, schemes[i].prefix, len) != 0)
            continue;
        found->eps[0] =
            (struct endpoint){.carrier = schemes[i].carrier, .is_tls = schemes[i].is_tls, .fd = -1};
        return schemes[i].parse(url, url + len, found, error);
    }
    return fail(error,
                "%s: not an address; known are http://HOST:PORT, https://HOST:PORT, "
                "http+unix:PATH, fcgi://HOST:PORT, fcgis://HOST:PORT and fcgi+unix:PATH, and for "
                "listening also +fd:NUMBER and +systemd:NAME behind http, https, fcgi and fcgis",
                url);
}

int endpoint_parse(const char *url, bool listening, struct endpoint *ret_endpoint,
                   char error[static ENDPOINT_ERROR])
{
    struct endpoint ep;
    struct found found = {.eps = &ep, .max = 1, .listening = listening};
    int rc = parse(url, &found, error);

    if (rc == 0)
        *ret_endpoint = ep;
    return rc;
}

int endpoint_parse_name(const char *url, struct endpoint *ret_endpoint,
                        char ret_port[static ENDPOINT_PORT], char error[static ENDPOINT_ERROR])
{
    struct found found = {.eps = ret_endpoint, .max = 1, .ret_port = ret_port};

    ret_port[0] = '\0';
    return parse(url, &found, error);
}

int endpoint_parse_all(const char *url, struct endpoint eps[static ENDPOINTS_MAX],
                       size_t *ret_count, char error[static ENDPOINT_ERROR])
{
    struct found found = {.eps = eps, .max = ENDPOINTS_MAX, .listening = true};
    int rc = parse(url, &found, error);

    *ret_count = rc == 0 ? found.count : 0;
    return rc;
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
    const char *secure = ep->is_tls ? "s" : "";
    char host[46];
    unsigned port;

    if (ep->is_fd && ep->address_len == 0) {
        snprintf(out, ENDPOINT_TEXT, "%s%s+fd:%d", scheme, secure, ep->fd);
    } else if (endpoint_host_port(&ep->address.any, host, &port)) {
        bool brackets = strchr(host, ':') != NULL;
        snprintf(out, ENDPOINT_TEXT, "%s%s://%s%s%s:%u", scheme, secure, brackets ? "[" : "", host,
                 brackets ? "]" : "", port);
    } else {
        const char *path = ep->address.un.sun_path;
        bool abstract = path[0] == '\0';
        int len = (int)(ep->address_len - offsetof(struct sockaddr_un, sun_path) - 1);
        snprintf(out, ENDPOINT_TEXT, "%s%s+unix:%s%.*s", scheme, secure, abstract ? "@" : "", len,
                 path + abstract);
    }
}
