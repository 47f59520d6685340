/* SPDX-License-Identifier: MIT
 *
 * http/path.h: the one place where a request path is decoded. */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/str.h"

enum http_path_result {
    HTTP_PATH_OK,
    HTTP_PATH_BAD_ESCAPE,   /* % without two hex digits */
    HTTP_PATH_NUL,          /* %00 or NUL */
    HTTP_PATH_CONTROL,      /* a control byte, raw or decoded */
    HTTP_PATH_CLIMBS,       /* .. above the root */
    HTTP_PATH_SLASH,        /* %2F: refused, it would change the structure once decoded */
    HTTP_PATH_NOT_ABSOLUTE, /* does not start with / */
};

/* Decodes percent escapes once, merges runs of '/', removes "." and ".." segments (after decoding,
 * so that %2e%2e counts) and refuses what would be read in two ways. '\' and ';' are ordinary
 * bytes. out has room for path.len bytes; *ret_len is set only on HTTP_PATH_OK. The result starts
 * with '/', and the same string is used for routing, SCRIPT_NAME and PATH_INFO. */
enum http_path_result http_path_normalise(weir_str path, char *out, size_t *ret_len);

/* One machine-readable word for a result, "path-climbs". Static storage. */
const char *http_path_reason(enum http_path_result result);

#endif
