/* SPDX-License-Identifier: MIT
 *
 * wire/values.h: reading the pairs of GET_VALUES and GET_VALUES_RESULT as a stream.
 *
 * These records may be cut anywhere by the transport and may hold names and values of any length,
 * but only short names mean something: the scanner keeps the first bytes of each and counts the
 * rest, so a record of 64 KiB needs no buffer. */
#ifndef WIRE_VALUES_H
#define WIRE_VALUES_H

#include "base/str.h"

enum { VALUES_NAME_MAX = 24, VALUES_VALUE_MAX = 20 };

struct values_scanner {
    uint32_t name_len, value_len; /* of the current pair */
    uint32_t done;                /* bytes of the current part seen */
    uint8_t part;                 /* enum in values.c */
    uint8_t length_bytes;         /* of a four-byte length still to come */
    char name[VALUES_NAME_MAX];
    char value[VALUES_VALUE_MAX];
};

/* To be called at the start of each record; a pair that the record cut off is dropped. */
void values_scanner_init(struct values_scanner *scanner);

/* Takes bytes from the front of *bytes until a pair is complete: true, and its name and value (only
 * valid until the next call); names or values too long to mean anything are given with length 0.
 * False: all bytes are used. */
bool values_scanner_next(struct values_scanner *scanner, weir_str *bytes, weir_str *ret_name,
                         weir_str *ret_value);

#endif
