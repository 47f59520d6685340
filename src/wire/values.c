/* SPDX-License-Identifier: MIT
 *
 * wire/values.c: see values.h. */
#include "wire/values.h"

enum part { NAME_LENGTH, VALUE_LENGTH, NAME, VALUE };

void values_scanner_init(struct values_scanner *scanner)
{
    memset(scanner, 0, sizeof *scanner);
}

/* One byte of a length; true when the length is complete. */
static bool length_byte(struct values_scanner *s, uint32_t *len, uint8_t byte)
{
    if (s->length_bytes == 0) {
        if (byte < 128) {
            *len = byte;
            return true;
        }
        *len = byte & 0x7f;
        s->length_bytes = 3;
        return false;
    }
    *len = *len << 8 | byte;
    return --s->length_bytes == 0;
}

/* Moves up to the part's remaining bytes into keep; true when the part is complete. */
static bool take_part(struct values_scanner *s, weir_str *bytes, uint32_t len, char *keep,
                      uint32_t keep_max)
{
    while (s->done < len && bytes->len > 0) {
        if (s->done < keep_max)
            keep[s->done] = *bytes->ptr;
        s->done++;
        bytes->ptr++;
        bytes->len--;
    }
    if (s->done < len)
        return false;
    s->done = 0;
    return true;
}

static void next_part(struct values_scanner *s)
{
    s->part = s->part == VALUE ? NAME_LENGTH : (uint8_t)(s->part + 1);
}

bool values_scanner_next(struct values_scanner *s, weir_str *bytes, weir_str *ret_name,
                         weir_str *ret_value)
{
    for (;;) {
        switch (s->part) {
        case NAME_LENGTH:
        case VALUE_LENGTH:
            if (bytes->len == 0)
                return false;
            if (length_byte(s, s->part == NAME_LENGTH ? &s->name_len : &s->value_len,
                            (uint8_t)*bytes->ptr))
                next_part(s);
            bytes->ptr++;
            bytes->len--;
            break;
        case NAME:
            if (!take_part(s, bytes, s->name_len, s->name, VALUES_NAME_MAX))
                return false;
            next_part(s);
            break;
        default:
            if (!take_part(s, bytes, s->value_len, s->value, VALUES_VALUE_MAX))
                return false;
            next_part(s);
            *ret_name = str(s->name, s->name_len <= VALUES_NAME_MAX ? s->name_len : 0);
            *ret_value = str(s->value, s->value_len <= VALUES_VALUE_MAX ? s->value_len : 0);
            return true;
        }
    }
}
