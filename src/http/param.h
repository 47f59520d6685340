/* SPDX-License-Identifier: MIT
 *
 * http/param.h: field values made of one word and parameters (RFC 9110 5.6.6):
 *
 *     multipart/form-data; boundary="a b"
 *     form-data; name=file; filename="C:\notes.txt" */
#ifndef HTTP_PARAM_H
#define HTTP_PARAM_H

#include <stdbool.h>

#include "base/str.h"

/* What stands before the first ';' of *value, without the white space around it; may be empty.
 * *value is left with the parameters, for http_param_next. */
weir_str http_param_head(weir_str *value);

/* Takes the first parameter off *params. 1 and the parameter, its value as it stands there, with
 * its quotes; 0 when there is none left; WEIR_ERROR_HEADER when they are malformed. "; ;" is no
 * fault, white space around '=' is. */
int http_param_next(weir_str *params, weir_str *ret_name, weir_str *ret_value);

/* Writes a parameter's value without its quotes at out, which has room for value.len bytes and may
 * be where value is; returns the length. Of backslashes only \" and \\ are escapes: browsers send
 * others as they are in the names of files. */
size_t http_unquote(weir_str value, char *out);

#endif
