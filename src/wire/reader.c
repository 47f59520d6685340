/* SPDX-License-Identifier: MIT
 *
 * wire/reader.c: see reader.h. */
#include "wire/reader.h"

#include <string.h>

static void skip(weir_str *bytes, size_t n)
{
    bytes->ptr += n;
    bytes->len -= n;
}

int reader_header(struct reader *r, weir_str *bytes)
{
    const uint8_t *header = (const uint8_t *)bytes->ptr;

    if (r->padding_left > 0) {
        size_t n = r->padding_left < bytes->len ? r->padding_left : bytes->len;
        r->padding_left = (uint8_t)(r->padding_left - n);
        skip(bytes, n);
        header = (const uint8_t *)bytes->ptr;
        if (r->padding_left > 0)
            return 0;
    }
    if (r->header_len == 0 && bytes->len >= 8) {
        skip(bytes, 8);
    } else {
        size_t n = 8u - r->header_len;
        if (n > bytes->len)
            n = bytes->len;
        if (n > 0)
            memcpy(r->header + r->header_len, bytes->ptr, n);
        r->header_len = (uint8_t)(r->header_len + n);
        skip(bytes, n);
        if (r->header_len < 8)
            return 0;
        r->header_len = 0;
        header = r->header;
    }

    int rc = weir_record_decode(header, &r->record);
    if (rc != 0)
        return rc;
    r->content_left = r->record.content_length;
    r->padding_left = r->record.padding_length;
    return 1;
}

weir_str reader_content(struct reader *r, weir_str *bytes)
{
    size_t n = r->content_left < bytes->len ? r->content_left : bytes->len;
    weir_str content = {bytes->ptr, n};

    r->content_left = (uint16_t)(r->content_left - n);
    skip(bytes, n);
    return content;
}
