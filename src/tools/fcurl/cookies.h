/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/cookies.h: a cookie jar (RFC 6265), kept in memory, read and written in the Netscape
 * format that curl and wget use. */
#ifndef FCURL_COOKIES_H
#define FCURL_COOKIES_H

#include <stdint.h>

#include "tools/fcurl/url.h"

struct cookie;

struct cookies {
    struct cookie *first;
    bool on; /* cookies of responses are remembered */
};

void cookies_done(struct cookies *jar);

/* Reads a file of Netscape lines. A file that is not there is an empty jar, as for curl.
 * drop_session: those without an expiry date are left out. */
void cookies_load(struct cookies *jar, const char *path, bool drop_session);

/* One Set-Cookie field of a response to url. Invalid ones, and those for other hosts, are ignored.
 * True: it is now in the jar (or removed from it). */
bool cookies_receive(struct cookies *jar, const struct url *url, const char *set_cookie);

/* What is to be sent to url: "a=b; c=d", to be freed; NULL: nothing. */
char *cookies_header(struct cookies *jar, const struct url *url);

/* Writes all of them, "-" is standard output. False: errno says why. */
bool cookies_save(const struct cookies *jar, const char *path);

/* A date as cookies have it (RFC 6265 5.1.1), seconds since 1970; -1: none. */
int64_t cookies_parse_date(const char *text);

#endif
