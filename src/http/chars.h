/* SPDX-License-Identifier: MIT
 *
 * http/chars.h: which bytes may stand where; one table for all parsers of this folder. */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    HTTP_CHAR_TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    HTTP_CHAR_VALUE = 2,  /* in a field value: HTAB, SP, 21-7E, 80-FF */
    HTTP_CHAR_TARGET = 4, /* in a request target: 21-7E without # < > " \ */
    HTTP_CHAR_HOST = 8,   /* in a host name: unreserved and sub-delims without ',' */
};

extern const uint8_t http_char_class[256];

static inline bool http_char_is(char c, unsigned classes)
{
    return (http_char_class[(unsigned char)c] & classes) != 0;
}

static inline bool http_char_is_ows(char c)
{
    return c == ' ' || c == '\t';
}

/* 0..15, or -1 for a byte that is no hex digit. */
static inline int http_hex_value(char c)
{
    unsigned digit = (unsigned char)c - '0';
    unsigned letter = ((unsigned char)c | 0x20) - 'a';

    return digit <= 9 ? (int)digit : letter <= 5 ? (int)letter + 10 : -1;
}

/* The index of the first byte of bytes[pos..end) that may not stand in a field value, or end.
 * Values are most of a head, so eight bytes are tried at once. The test for "below 0x20 or DEL" may
 * also fire above a byte that really is (by the borrow), and fires for HTAB; the table decides. */
static inline size_t http_skip_value(const char *bytes, size_t pos, size_t end)
{
    const uint64_t ones = 0x0101010101010101u;

    for (uint64_t x, no_del; end - pos >= sizeof x; pos += sizeof x) {
        memcpy(&x, bytes + pos, sizeof x);
        no_del = x ^ (ones * 0x7f);
        if ((((x - ones * 0x20) & ~x) | ((no_del - ones) & ~no_del)) & (ones * 0x80))
            break;
    }
    while (pos < end && http_char_is(bytes[pos], HTTP_CHAR_VALUE))
        pos++;
    return pos;
}

/* The same for the classes of the table. */
static inline size_t http_skip(const char *bytes, size_t pos, size_t end, unsigned classes)
{
    while (pos < end && http_char_is(bytes[pos], classes))
        pos++;
    return pos;
}

#endif
