/* SPDX-License-Identifier: MIT
 *
 * http/date.h: dates of HTTP (RFC 9110 5.6.7). */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/str.h>

/* Room that http_date writes: "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
enum { HTTP_DATE_SIZE = 30 };

/* IMF-fixdate of seconds since the epoch. */
void http_date(int64_t seconds, char out[static HTTP_DATE_SIZE]);

/* Reads any of the three forms that a recipient must accept: IMF-fixdate, that of RFC 850 with its
 * two-digit year (taken to be at most 50 years after now), and that of asctime. The name of the day
 * must be one, but need not be that date's. False, and *ret_seconds is untouched, when the text is
 * anything else. */
bool http_date_parse(weir_str text, int64_t now, int64_t *ret_seconds);

#endif
