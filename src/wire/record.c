/* SPDX-License-Identifier: MIT
 *
 * wire/record.c: the codec of record headers and of name-value pairs.
 *
 *     0         1      2     3    4          5      6         7          (FastCGI 3.3)
 *     version=1 type   requestId  contentLength     padding   reserved
 *
 *     nameLength[1|4] valueLength[1|4] name value                        (FastCGI 3.4)
 *     a length with the high bit of its first byte set has four bytes and 31 bits */
#include "wire/record.h"

void weir_record_encode(const weir_record *record, uint8_t out[8])
{
    record_put((char *)out, record->type, record->id, record->content_length,
               record->padding_length);
}

int weir_record_decode(const uint8_t in[8], weir_record *ret_record)
{
    if (in[0] != WEIR_RECORD_VERSION)
        return WEIR_ERROR_VERSION_FIELD;
    *ret_record = (weir_record){
        .type = in[1],
        .id = (uint16_t)(in[2] << 8 | in[3]),
        .content_length = (uint16_t)(in[4] << 8 | in[5]),
        .padding_length = in[6],
    };
    return 0;
}

size_t weir_pair_size(size_t name_len, size_t value_len)
{
    return pair_size(name_len, value_len);
}

size_t weir_pair_encode(uint8_t *out, size_t room, weir_str name, weir_str value)
{
    if (name.len > PAIR_LENGTH_MAX || value.len > PAIR_LENGTH_MAX)
        return 0;

    size_t size = pair_size(name.len, value.len);
    if (size > room)
        return 0;
    (void)pair_put((char *)out, name, value);
    return size;
}

/* Reads one length: where it ends, NULL when it is cut off. */
static const uint8_t *get_length(const uint8_t *p, const uint8_t *end, size_t *ret_len)
{
    if (p < end && *p < 128) {
        *ret_len = *p;
        return p + 1;
    }
    if (end - p < 4)
        return NULL;
    *ret_len = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    return p + 4;
}

const uint8_t *pair_lengths(const uint8_t *p, const uint8_t *end, size_t *ret_name_len,
                            size_t *ret_value_len)
{
    p = get_length(p, end, ret_name_len);
    return p ? get_length(p, end, ret_value_len) : NULL;
}

int weir_pair_decode(weir_str *bytes, weir_pair *ret_pair)
{
    const char *next = bytes->ptr, *end = next + bytes->len;

    if (bytes->len == 0)
        return 0;
    if (!pair_take(&next, end, ret_pair))
        return WEIR_ERROR_PARAMS;
    *bytes = str(next, (size_t)(end - next));
    return 1;
}
