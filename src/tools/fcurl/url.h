/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/url.h: URLs (RFC 3986), read as generously as curl does and no more. */
#ifndef FCURL_URL_H
#define FCURL_URL_H

#include <stdbool.h>

#include "tools/fcurl/text.h"

struct url {
    char *scheme;          /* lower case: http, https, fcgi, fcgis, ws, wss */
    char *user, *password; /* decoded; NULL: none */
    char *host;            /* lower case, IPv6 in brackets */
    unsigned port;         /* of the URL, or the scheme's */
    bool has_port;
    char *path;     /* as sent: begins with '/', percent-encoded */
    char *query;    /* without '?'; NULL: there is none */
    char *fragment; /* NULL: there is none */
};

/* Without a scheme http is meant. Dot segments are removed from the path unless as_is. NULL, or why
 * it is no URL: a text without a full stop, static; url is then empty. */
const char *url_parse(struct url *url, const char *text, bool as_is);
void url_done(struct url *url);

/* The URL that reference means where base is (RFC 3986 5.2): of a redirect. The same result. */
const char *url_resolve(struct url *url, const struct url *base, const char *reference);

/* scheme://host[:port]/path[?query], without user, password and fragment. To be freed. */
char *url_format(const struct url *url);

/* scheme://host:port, with the port even if it is the scheme's: what credentials are for. To be
 * freed. */
char *url_site(const struct url *url);

/* host[:port] as in a Host header: without the port that the scheme has anyway. To be freed. */
char *url_authority(const struct url *url);

/* %HH decoded, "+" kept. To be freed; *ret_len (may be NULL) as it may hold NULs. */
char *url_decode(const char *text, size_t len, size_t *ret_len);

/* Appends to the query, with & before it if there is one. */
void url_add_query(struct url *url, const char *part);

#endif
