/* SPDX-License-Identifier: MIT
 *
 * weir/str.h: a run of bytes somebody else owns. */
#ifndef WEIR_STR_H
#define WEIR_STR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* len bytes at ptr. The bytes need not be text; where a function promises a NUL after them it says
 * so. ptr may be NULL only when len is 0. A value that is absent (not: empty) has ptr == NULL. */
typedef struct weir_str {
    const char *ptr;
    size_t len;
} weir_str;

/* A name with its value: a parameter, a header. */
typedef struct weir_pair {
    weir_str name, value;
} weir_pair;

/* A weir_str for a string literal; sizeof makes it free. In C++ as well. */
#ifdef __cplusplus
#define WEIR_STR(literal) (weir_str{(literal), sizeof(literal) - 1})
#else
#define WEIR_STR(literal) ((weir_str){(literal), sizeof(literal) - 1})
#endif

#ifdef __cplusplus
}
#endif
#endif
