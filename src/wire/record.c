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

/* Reads one length at *pos of n bytes: false when it is cut off. */
static bool get_length(const uint8_t *bytes, size_t n, size_t *pos, size_t *ret_len)
{
    if (*pos >= n)
        return false;

    uint8_t first = bytes[*pos];
    if (first < 128) {
        *pos += 1;
        *ret_len = first;
        return true;
    }
    if (n - *pos < 4)
        return false;
    *ret_len = (size_t)(first & 0x7f) << 24 | (size_t)bytes[*pos + 1] << 16 |
               (size_t)bytes[*pos + 2] << 8 | bytes[*pos + 3];
    *pos += 4;
    return true;
}

int weir_pair_decode(weir_str *bytes, weir_pair *ret_pair)
{
    const uint8_t *in = (const uint8_t *)bytes->ptr;
    size_t pos = 0, name_len, value_len;

    if (bytes->len == 0)
        return 0;
    if (bytes->len >= 2 && (in[0] | in[1]) < 128) { /* two short lengths, as nearly always */
        name_len = in[0];
        value_len = in[1];
        pos = 2;
    } else if (!get_length(in, bytes->len, &pos, &name_len) ||
               !get_length(in, bytes->len, &pos, &value_len)) {
        return WEIR_ERROR_PARAMS;
    }
    /* Two lengths of 31 bits cannot overflow a size_t of 64. */
    if (name_len + value_len > bytes->len - pos)
        return WEIR_ERROR_PARAMS;

    ret_pair->name = (weir_str){bytes->ptr + pos, name_len};
    ret_pair->value = (weir_str){bytes->ptr + pos + name_len, value_len};
    pos += name_len + value_len;
    bytes->ptr += pos;
    bytes->len -= pos;
    return 1;
}
