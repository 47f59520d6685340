/* SPDX-License-Identifier: MIT
 *
 * exchange/form.h: reading the body of an exchange as a form.
 *
 *     body -> form_reader_feed -> http_form -> operations: the handler's callbacks (form.c)
 *                                                          or keeping it all (gather.c) */
#ifndef EXCHANGE_FORM_H
#define EXCHANGE_FORM_H

#include <weir/form.h>

#include "exchange/exchange.h"
#include "exchange/spool.h"
#include "http/form.h"

struct form_reader;

/* What is done with what arrives. An error of the first three ends the form. */
struct form_ops {
    int (*part)(struct form_reader *reader);
    int (*data)(struct form_reader *reader, weir_str data);
    int (*part_end)(struct form_reader *reader);
    void (*end)(struct form_reader *reader, int state);
};

struct weir_form_part {
    struct http_part head;
    bool is_file;
    bool in_memory;
    uint64_t size;
    weir_str data;       /* in_memory: all of it */
    struct spool *spool; /* otherwise; NULL while it is streamed */
};

struct form_reader {
    weir_exchange *x;
    const struct form_ops *ops;
    weir_form_options options;
    struct http_form parser;
    struct weir_form_part part; /* the one that arrives */
    struct exchange_cleanup cleanup;
    bool ended;
    char error[160];
};

/* A reader for the body, in size bytes of the exchange's arena of which it is the start; the
 * parser's memory is given back when the exchange ends, if not before. 0 and *ret_reader, or
 * MEDIA_TYPE, TOO_BIG, FORM, NOMEM, INVALID or STATE. */
int form_reader_new(weir_exchange *x, const weir_form_options *options, const struct form_ops *ops,
                    size_t size, struct form_reader **ret_reader);

/* Takes bytes off *data until they are used up or, on a loop, the handler has paused the body.
 * last: nothing comes after them. Returns 0, or 1 when the form is complete, or an error. */
int form_reader_feed(struct form_reader *reader, weir_str *data, bool last);

/* Has the loop feed the reader. */
void form_reader_start(struct form_reader *reader);

/* Notes what weir_form_error tells; returns error. */
int form_reader_fail(struct form_reader *reader, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
