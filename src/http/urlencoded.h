/* SPDX-License-Identifier: MIT
 *
 * http/urlencoded.h: decoder of application/x-www-form-urlencoded, in bodies and query strings, as
 * the URL standard of WHATWG has it: pairs between '&', '=' after the name, '+' for a space, %HH
 * for a byte. ';' separates nothing. An escape that is none stands for itself ("100%", "%zz"), so
 * no input is malformed; order, repeats and empty values are kept, and so is %00. "&&" is no pair,
 * "=" is one with an empty name, "a" one with an empty value.
 *
 * It allocates nothing: names and values come in pieces, in place where they have no escapes. */
#ifndef HTTP_URLENCODED_H
#define HTTP_URLENCODED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum http_pair_event {
    HTTP_PAIR_MORE,     /* all input is used up */
    HTTP_PAIR_NAME,     /* data: a piece of the name */
    HTTP_PAIR_NAME_END, /* once a pair, also when the name is empty */
    HTTP_PAIR_VALUE,    /* data: a piece of the value */
    HTTP_PAIR_END,
    HTTP_PAIR_DONE, /* the last input is used up and its last pair has ended */
};

struct http_urlencoded {
    bool begun;    /* in a pair */
    bool in_value; /* behind its name */
    uint8_t held;  /* bytes of an escape that is not complete */
    char escape[3];
};

/* Takes bytes from the front of *input until there is an event; last: nothing comes after them.
 * *ret_data is valid until the next call, or as long as the input. A struct of zeros is at the
 * start. */
enum http_pair_event http_urlencoded_next(struct http_urlencoded *decoder, weir_str *input,
                                          bool last, weir_str *ret_data);

#endif
