/* SPDX-License-Identifier: MIT
 *
 * http/form.h: the fields and files of an HTML form, whichever of the two codings it comes in,
 * within limits. */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "http/multipart.h"
#include "http/urlencoded.h"

enum http_form_event {
    HTTP_FORM_MORE, /* all input is used up */
    HTTP_FORM_PART, /* a field or file begins: form.part, valid until PART_END */
    HTTP_FORM_DATA, /* data: a piece of it */
    HTTP_FORM_PART_END,
    HTTP_FORM_DONE,    /* the last input is used up, and the form is complete */
    HTTP_FORM_REFUSED, /* error, reason and limit tell why */
};

enum http_form_limit {
    HTTP_FORM_NO_LIMIT,
    HTTP_FORM_BODY_SIZE,
    HTTP_FORM_FIELDS,
    HTTP_FORM_FILES,
    HTTP_FORM_FIELD_SIZE,
    HTTP_FORM_FILE_SIZE,
    HTTP_FORM_HEADER_SIZE,
    HTTP_FORM_HEADER_FIELDS,
};

struct http_form_limits {
    uint64_t body_size;     /* bytes of the whole body */
    uint64_t field_size;    /* bytes of a field's value */
    uint64_t file_size;     /* bytes of a file */
    uint32_t fields;        /* fields: parts without a filename, or with an empty one */
    uint32_t files;         /* files */
    uint32_t header_size;   /* bytes of a part's header; of a name in a urlencoded form */
    uint32_t header_fields; /* fields in a part's header */
};

struct http_form {
    struct http_part part;
    bool is_file;               /* the part has a filename that is not empty */
    int error;                  /* REFUSED: FORM, LIMIT, TOO_BIG, SHORT_BODY or NOMEM */
    enum http_form_limit limit; /* which one, for LIMIT and TOO_BIG */
    const char *reason;         /* for FORM and SHORT_BODY: a few words; static storage */

    struct http_form_limits limits;
    uint64_t taken;     /* bytes of the body so far */
    uint64_t part_size; /* bytes of the part so far */
    uint32_t fields, files;
    bool is_multipart;
    struct http_multipart multipart;
    struct http_urlencoded urlencoded;
    struct buf name; /* of a urlencoded field */
};

/* Decides by a Content-Type value. 0, MEDIA_TYPE when it is of neither kind, or FORM for a
 * multipart form without a usable boundary (then reason is set). header_size is below 2^30. Memory
 * for names and headers comes from pool. */
int http_form_init(struct http_form *form, struct pool *pool, const struct http_form_limits *limits,
                   weir_str content_type);

/* Gives the memory back. Calling it again does nothing. */
void http_form_done(struct http_form *form);

/* Takes bytes from the front of *input until there is an event; last: nothing comes after them.
 * *ret_data is valid until the next call, or as long as the input. After DONE and REFUSED it is not
 * called again. */
enum http_form_event http_form_next(struct http_form *form, weir_str *input, bool last,
                                    weir_str *ret_data);

/* What of a filename can be used as one in a folder of ours: without anything up to the last '/' or
 * '\', without control bytes and without '.' at its start, cut at 255 bytes (not inside a UTF-8
 * sequence) and at room - 1. Writes it at out with a NUL and returns its length; 0 when nothing is
 * left. */
size_t http_form_basename(weir_str filename, char *out, size_t room);

#endif
