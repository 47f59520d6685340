/* SPDX-License-Identifier: MIT
 *
 * wire/reader.h: cutting a byte stream into records, at whatever places the transport cut it.
 *
 *     header (8) -> content (content_left) -> padding (padding_left) -> header ...
 *
 * Content is handed on in place, in the portions that arrived; only a header cut by the transport
 * is put together in a buffer. Padding is skipped behind every record, empty ones too (req. 24). */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include <weir/wire.h>

struct reader {
    weir_record record; /* the current one */
    uint8_t header[8];
    uint8_t header_len; /* bytes of header gathered */
    uint8_t padding_left;
    uint16_t content_left;
};

/* Takes bytes until the header of a record is complete: 1 (then content_left may be 0), 0 when more
 * bytes are needed, WEIR_ERROR_VERSION_FIELD. Skips the padding of the record before. Only to be
 * called when content_left is 0. */
int reader_header(struct reader *reader, weir_str *bytes);

/* Takes what there is of the current record's content. */
weir_str reader_content(struct reader *reader, weir_str *bytes);

/* Whether the last byte read was the last one of a record. */
static inline bool reader_at_boundary(const struct reader *reader)
{
    return reader->header_len == 0 && reader->content_left == 0 && reader->padding_left == 0;
}

#endif
