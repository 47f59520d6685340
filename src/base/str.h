/* SPDX-License-Identifier: MIT
 *
 * base/str.h: helpers for weir_str. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <weir/str.h>

static inline weir_str str(const char *ptr, size_t len)
{
    return (weir_str){ptr, len};
}

static inline weir_str str_of(const char *c_string)
{
    return (weir_str){c_string, c_string ? strlen(c_string) : 0};
}

static inline bool str_eq(weir_str a, weir_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* Equality without regard to ASCII case. Bytes outside A-Z and a-z compare as they are. */
static inline bool str_eq_nocase(weir_str a, weir_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

static inline bool str_starts(weir_str s, weir_str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* An unsigned decimal: one or more digits and nothing else, at most max. Returns false and leaves
 * *ret_value alone otherwise. */
bool str_to_u64(weir_str s, uint64_t max, uint64_t *ret_value);

/* Writes value in decimal at out, which has room for 20 bytes; returns the number written. */
size_t u64_to_dec(uint64_t value, char *out);

#endif
