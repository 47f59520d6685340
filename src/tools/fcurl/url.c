/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/url.c: see url.h. */
#include "tools/fcurl/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned port;
} schemes[] = {
    {"http", 80}, {"https", 443}, {"fcgi", 9000}, {"fcgis", 9000}, {"ws", 80}, {"wss", 443},
};

void url_done(struct url *url)
{
    free(url->scheme);
    free(url->user);
    free(url->password);
    free(url->host);
    free(url->path);
    free(url->query);
    free(url->fragment);
    *url = (struct url){NULL, NULL, NULL, NULL, 0, false, NULL, NULL, NULL};
}

static unsigned default_port(const char *scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(schemes[i].name, scheme) == 0)
            return schemes[i].port;
    return 0;
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)tolower((unsigned char)ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

char *url_decode(const char *text, size_t len, size_t *ret_len)
{
    struct text out = {NULL, 0, 0};

    for (size_t i = 0; i < len; i++) {
        int high = i + 2 < len && text[i] == '%' ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            text_putc(&out, (char)(high * 16 + low));
            i += 2;
        } else {
            text_putc(&out, text[i]);
        }
    }
    if (ret_len)
        *ret_len = out.len;
    return text_take(&out);
}

/* Bytes that may not stand in a URL become %HH: an application gets ASCII. */
static char *clean(const char *text, size_t len)
{
    struct text out = {NULL, 0, 0};

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80)
            text_printf(&out, "%%%02X", (unsigned char)text[i]);
        else
            text_putc(&out, text[i]);
    }
    return text_take(&out);
}

/* RFC 3986 5.2.4, on a path that begins with '/'. */
static void remove_dot_segments(char *path)
{
    char *out = path;
    const char *in = path;

    while (*in) {
        size_t len = 1 + strcspn(in + 1, "/"); /* "/segment" */
        bool last = in[len] == '\0';
        if (len == 2 && in[1] == '.') {
            if (last)
                *out++ = '/';
        } else if (len == 3 && in[1] == '.' && in[2] == '.') {
            while (out > path && *--out != '/')
                ;
            if (last)
                *out++ = '/';
        } else {
            memmove(out, in, len);
            out += len;
        }
        in += len;
    }
    if (out == path)
        *out++ = '/';
    *out = '\0';
}

/* ---- Authority ------------------------------------------------------------------------------- */

static const char *parse_port(struct url *url, const char *text, size_t len)
{
    unsigned long port = 0;

    if (len == 0)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return "Port number was not a decimal number between 0 and 65535";
        port = port * 10 + (unsigned long)(text[i] - '0');
        if (port > 65535)
            return "Port number was not a decimal number between 0 and 65535";
    }
    url->port = (unsigned)port;
    url->has_port = true;
    return NULL;
}

static bool host_is_valid(const char *host)
{
    size_t len = strlen(host);
    unsigned char address[16];

    if (len == 0 || len > 255)
        return false;
    if (host[0] != '[')
        return strcspn(host, " \t\r\n<>\"{}|\\^`[]@:/?#%,&=+*;$!'()") == len;
    char *inner = must_copy_n(host + 1, len - 2);
    bool good = host[len - 1] == ']' && inet_pton(AF_INET6, inner, address) == 1;
    free(inner);
    return good;
}

static const char *parse_authority(struct url *url, const char *text, size_t len)
{
    const char *at = NULL;

    for (size_t i = 0; i < len; i++)
        if (text[i] == '@')
            at = text + i;
    if (at) {
        size_t user_len = (size_t)(at - text);
        const char *colon = memchr(text, ':', user_len);
        size_t name_len = colon ? (size_t)(colon - text) : user_len;
        url->user = url_decode(text, name_len, NULL);
        if (colon)
            url->password = url_decode(colon + 1, user_len - name_len - 1, NULL);
        len -= user_len + 1;
        text = at + 1;
    }
    const char *bracket = len && text[0] == '[' ? memchr(text, ']', len) : NULL;
    size_t host_len = bracket ? (size_t)(bracket - text) + 1 : 0;
    if (!bracket)
        while (host_len < len && text[host_len] != ':')
            host_len++;
    url->host = clean(text, host_len);
    for (char *p = url->host; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (host_len == 0)
        return "No host part in the URL";
    for (size_t i = 0; i < host_len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return "A host name beyond ASCII has to be written in its xn-- form";
    if (host_len < len && text[host_len] != ':')
        return "Bad IPv6 address";
    url->port = default_port(url->scheme);
    if (host_len < len) {
        const char *why = parse_port(url, text + host_len + 1, len - host_len - 1);
        if (why)
            return why;
    }
    return host_is_valid(url->host) ? NULL : "URL using bad/illegal format or missing URL";
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Path, query and fragment, from the first '/', '?' or '#'. */
static void parse_rest(struct url *url, const char *text, bool as_is)
{
    size_t path = strcspn(text, "?#");
    const char *p = text + path;

    url->path = path && text[0] == '/' ? clean(text, path) : must_copy("/");
    if (!as_is)
        remove_dot_segments(url->path);
    if (*p == '?') {
        size_t query = strcspn(p + 1, "#");
        url->query = clean(p + 1, query);
        p += 1 + query;
    }
    if (*p == '#')
        url->fragment = must_copy(p + 1);
}

static const char *parse_scheme(struct url *url, const char **text)
{
    size_t len = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    size_t slashes = (*text)[len] == ':' ? strspn(*text + len + 1, "/") : 0;
    if (slashes == 1 || slashes == 3) { /* as curl, for schemes that are known */
        char *name = must_copy_n(*text, len);
        if (default_port(name) == 0)
            slashes = 0;
        free(name);
    }
    if (len == 0 || slashes < 1 || slashes > 3) {
        url->scheme = must_copy("http");
        return NULL;
    }
    url->scheme = must_copy_n(*text, len);
    for (char *p = url->scheme; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    *text += len + 1 + slashes;
    return default_port(url->scheme) ? NULL : "Unsupported URL scheme";
}

const char *url_parse(struct url *url, const char *text, bool as_is)
{
    *url = (struct url){NULL, NULL, NULL, NULL, 0, false, NULL, NULL, NULL};
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return "Malformed input to a URL function";
    const char *why = parse_scheme(url, &text);
    if (!why) {
        size_t authority = strcspn(text, "/?#");
        why = parse_authority(url, text, authority);
        parse_rest(url, text + authority, as_is);
    }
    if (why)
        url_done(url);
    return why;
}

/* Spaces in a Location are common and mean %20. */
static char *escape_spaces(const char *reference)
{
    struct text out = {NULL, 0, 0};

    for (; *reference; reference++) {
        if (*reference == ' ')
            text_puts(&out, strchr(out.ptr ? out.ptr : "", '?') ? "+" : "%20");
        else
            text_putc(&out, *reference);
    }
    return text_take(&out);
}

const char *url_resolve(struct url *url, const struct url *base, const char *reference)
{
    char *clean_reference = escape_spaces(reference);
    const char *r = clean_reference;
    struct text full = {NULL, 0, 0};
    size_t scheme = strcspn(r, ":/?#");

    if (r[scheme] != ':' || strncmp(r + scheme, "://", 3) != 0) {
        char *authority = url_authority(base);
        text_printf(&full, "%s://", base->scheme);
        if (strncmp(r, "//", 2) == 0) {
            r += 2;
        } else if (r[0] == '/') {
            text_puts(&full, authority);
        } else {
            const char *slash = strrchr(base->path, '/');
            size_t folder = r[0] == '?' || r[0] == '#' || r[0] == '\0'
                                ? strlen(base->path)
                                : (size_t)(slash - base->path) + 1;
            text_puts(&full, authority);
            text_add(&full, base->path, folder);
            if ((r[0] == '#' || r[0] == '\0') && base->query)
                text_printf(&full, "?%s", base->query);
        }
        free(authority);
    }
    text_puts(&full, r);
    const char *why = url_parse(url, full.ptr, false);
    text_done(&full);
    free(clean_reference);
    return why;
}

char *url_site(const struct url *url)
{
    struct text out = {NULL, 0, 0};

    text_printf(&out, "%s://%s:%u", url->scheme, url->host, url->port);
    return text_take(&out);
}

char *url_authority(const struct url *url)
{
    struct text out = {NULL, 0, 0};

    text_puts(&out, url->host);
    if (url->port != default_port(url->scheme))
        text_printf(&out, ":%u", url->port);
    return text_take(&out);
}

char *url_format(const struct url *url)
{
    struct text out = {NULL, 0, 0};

    text_printf(&out, "%s://%s", url->scheme, url->host);
    if (url->has_port)
        text_printf(&out, ":%u", url->port);
    text_puts(&out, url->path);
    if (url->query)
        text_printf(&out, "?%s", url->query);
    return text_take(&out);
}

void url_add_query(struct url *url, const char *part)
{
    struct text out = {NULL, 0, 0};

    if (*part == '\0')
        return;
    if (url->query && *url->query)
        text_printf(&out, "%s&", url->query);
    text_puts(&out, part);
    free(url->query);
    url->query = text_take(&out);
}
