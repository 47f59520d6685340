/* SPDX-License-Identifier: MIT
 *
 * net/listen.c: see listen.h. */
#include "net/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/error.h>

#include "base/str.h"
#include "net/inherited.h"
#include "net/unix_socket.h"

enum { URL_MAX = 1024 };

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, ENDPOINT_ERROR, format, args);
    va_end(args);
    return WEIR_ERROR_ADDRESS;
}

/* ---- Options --------------------------------------------------------------------------------- */

static bool parse_mode(weir_str text, mode_t *ret_mode)
{
    mode_t mode = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7' || mode > 0777 / 8)
            return false;
        mode = mode * 8 + (mode_t)(text.ptr[i] - '0');
    }
    *ret_mode = mode;
    return text.len > 0;
}

static int parse_option(const char *url, weir_str name, weir_str value, struct listen_options *o,
                        char *error)
{
    if (str_eq(name, WEIR_STR("mode"))) {
        if (o->has_mode || !parse_mode(value, &o->mode))
            return fail(error, "%s: mode must be an octal number up to 777, once, as in mode=0660",
                        url);
        o->has_mode = true;
    } else if (str_eq(name, WEIR_STR("owner"))) {
        if (o->has_owner || !access_find_user(value, &o->owner))
            return fail(error, "%s: owner must be one user of this machine", url);
        o->has_owner = true;
    } else if (str_eq(name, WEIR_STR("group"))) {
        if (o->has_group || !access_find_group(value, &o->group))
            return fail(error, "%s: group must be one group of this machine", url);
        o->has_group = true;
    } else if (str_eq(name, WEIR_STR("allow"))) {
        if (o->allow.ptr || value.len == 0)
            return fail(error, "%s: allow must be one list, as in allow=www-data,1000", url);
        o->allow = value;
    } else {
        return fail(error, "%s: \"%.*s\" is not an option; known are mode, owner, group and allow",
                    url, (int)name.len, name.ptr);
    }
    return 0;
}

static int parse_options(const char *url, const char *query, struct listen_options *o, char *error)
{
    int rc = 0;

    while (rc == 0 && *query) {
        size_t len = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        if (query[name] != '=')
            return fail(error, "%s: '=' and a value must follow \"%.*s\"", url, (int)len, query);
        rc = parse_option(url, str(query, name), str(query + name + 1, len - name - 1), o, error);
        query += query[len] ? len + 1 : len;
    }
    return rc;
}

static bool has_file_options(const struct listen_options *o)
{
    return o->has_mode || o->has_owner || o->has_group;
}

int listen_parse(const char *url, struct endpoint eps[static ENDPOINTS_MAX], size_t *ret_count,
                 struct listen_options *ret_options, char error[static ENDPOINT_ERROR])
{
    struct listen_options options = {.allow = {NULL, 0}};
    char address[URL_MAX];
    int rc;

    if (!url && inherited_is_listening(STDIN_FILENO))
        url = "fcgi+fd:0";
    if (!url)
        return fail(error, "no address was given, and descriptor 0 is not a listening socket; an "
                           "address is fcgi+unix:/run/app.sock or http://127.0.0.1:8080");
    size_t len = strcspn(url, "?");
    if (len >= sizeof address)
        return fail(error, "the address is longer than %d bytes", URL_MAX - 1);
    memcpy(address, url, len);
    address[len] = '\0';
    rc = endpoint_parse_all(address, eps, ret_count, error);
    if (rc == 0 && url[len])
        rc = parse_options(url, url + len + 1, &options, error);
    if (rc != 0)
        return rc;
    if (has_file_options(&options) && (!eps[0].is_unix || eps[0].address.un.sun_path[0] == '\0'))
        return fail(error, "%s: mode, owner and group are for sockets that have a file", url);
    *ret_options = options;
    return 0;
}

/* ---- Sockets --------------------------------------------------------------------------------- */

/* SO_REUSEPORT on a socket that is bound lets later ones, of any process of the same user, bind the
 * same address. The first one sets it only then, so that an address which another process serves
 * is "in use" for us, even if that process would share it. */
static int bind_tcp(int fd, struct endpoint *ep, enum listen_sharing sharing)
{
    int on = 1, off = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ep->address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (sharing == LISTEN_FURTHER && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return -1;
    if (bind(fd, &ep->address.any, ep->address_len) != 0)
        return -1;
    if (sharing == LISTEN_FIRST && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return -1;
    if (listen(fd, LISTEN_BACKLOG) != 0)
        return -1;
    ep->address_len = sizeof ep->address;
    return getsockname(fd, &ep->address.any, &ep->address_len);
}

static int open_tcp(struct endpoint *ep, enum listen_sharing sharing, char *error)
{
    char text[ENDPOINT_TEXT];
    int fd = socket(ep->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    endpoint_format(ep, text);
    if (fd >= 0 && bind_tcp(fd, ep, sharing) == 0)
        return fd;
    int saved = errno;
    snprintf(error, ENDPOINT_ERROR, "cannot listen on %s: %s", text, strerror(saved));
    if (fd >= 0)
        close(fd);
    errno = saved;
    return WEIR_ERROR_SYSTEM;
}

int listen_open(struct endpoint *ep, const struct listen_options *options,
                enum listen_sharing sharing, struct socket_file *ret_file,
                char error[static ENDPOINT_ERROR])
{
    *ret_file = (struct socket_file){.folder = -1};
    if (ep->is_fd)
        return inherited_open(ep, error);
    if (ep->is_unix)
        return unix_socket_listen(ep, options, ret_file, error);
    return open_tcp(ep, sharing, error);
}

bool listen_lacks_address(int error_number)
{
    return error_number == EADDRNOTAVAIL || error_number == EAFNOSUPPORT;
}

/* ---- Who may connect ------------------------------------------------------------------------- */

int listen_access(const struct endpoint *ep, const struct listen_options *options,
                  struct access *ret_access, char error[static ENDPOINT_ERROR])
{
    char text[ENDPOINT_TEXT];
    weir_str bad = {NULL, 0};

    memset(ret_access, 0, sizeof *ret_access);
    if (!options->allow.ptr)
        return 0;
    const char *wrong = ep->is_unix ? access_add_users(ret_access, options->allow, &bad)
                                    : access_add_addresses(ret_access, options->allow, true, &bad);
    if (!wrong)
        return 0;
    endpoint_format(ep, text);
    return fail(error, "%s: allow is a list of %s, and \"%.*s\" %s", text,
                ep->is_unix ? "users" : "IP addresses and networks", (int)bad.len, bad.ptr, wrong);
}

int listen_web_servers(const char *addresses, struct access *ret_access,
                       char error[static ENDPOINT_ERROR])
{
    const char *source = addresses ? "web_server_addrs" : "FCGI_WEB_SERVER_ADDRS";
    weir_str bad = {NULL, 0};

    if (!addresses)
        addresses = getenv(source);
    memset(ret_access, 0, sizeof *ret_access);
    if (!addresses)
        return 0;
    const char *wrong = access_add_addresses(ret_access, str_of(addresses), false, &bad);
    if (!wrong)
        return 0;
    return fail(error,
                "%s is \"%.100s\", where \"%.*s\" %s; it must be a list like "
                "192.0.2.1,192.0.2.2",
                source, addresses, (int)bad.len, bad.ptr, wrong);
}
