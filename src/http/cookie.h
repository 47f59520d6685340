/* SPDX-License-Identifier: MIT
 *
 * http/cookie.h: reading Cookie and writing Set-Cookie (RFC 6265, and its draft of a successor for
 * SameSite and prefixes). */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    HTTP_COOKIE_MAX = 4096,           /* name and value; browsers keep no longer ones */
    HTTP_COOKIE_ATTRIBUTE_MAX = 1024, /* nor mind longer values of Path and Domain */
    HTTP_SET_COOKIE_MAX = HTTP_COOKIE_MAX + 2 * HTTP_COOKIE_ATTRIBUTE_MAX + 256,
};

/* Takes the first cookie off *cookies, the value of a Cookie field; false when there is none left.
 * The white space around name and value is taken off, and a pair of quotes around the value. What
 * no server can have set is passed over: no '=', an empty name, a control byte. Otherwise it is as
 * lenient as browsers are: names that are no tokens, commas, spaces and quotes in values, bytes
 * beyond ASCII. */
bool http_cookie_next(weir_str *cookies, weir_str *ret_name, weir_str *ret_value);

enum http_same_site {
    HTTP_SAME_SITE_UNSET,
    HTTP_SAME_SITE_LAX,
    HTTP_SAME_SITE_STRICT,
    HTTP_SAME_SITE_NONE
};

struct http_cookie {
    weir_str name, value;
    weir_str path, domain; /* no ptr: not sent */
    int64_t max_age;       /* seconds; 0: not sent; less: the cookie is deleted */
    int64_t expires;       /* seconds since 1970; 0: not sent */
    enum http_same_site same_site;
    bool secure, http_only, partitioned;
};

/* Writes the value of a Set-Cookie field with a NUL at out. 0; HEADER when name, value, path or
 * domain hold bytes that may not stand there; LIMIT when they are too long; INVALID when the
 * attributes contradict each other, so that a browser would drop the cookie. */
int http_cookie_write(const struct http_cookie *cookie, char out[static HTTP_SET_COOKIE_MAX]);

#endif
