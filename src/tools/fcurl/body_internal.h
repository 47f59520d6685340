/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/body_internal.h: between body.c and form.c. */
#ifndef FCURL_BODY_INTERNAL_H
#define FCURL_BODY_INTERNAL_H

#include "tools/fcurl/body.h"

struct body_piece {
    char *bytes; /* of a piece without fd */
    bool owned;
    bool may_wait;  /* a pipe, a terminal, a socket: cannot be read twice */
    int fd;         /* -1: bytes */
    int64_t start;  /* offset in the file */
    int64_t length; /* -1: to its end */
    int64_t done;
};

struct body {
    struct body_piece *pieces;
    size_t count, now;
    char *content_type;
};

void body_add_bytes(struct body *body, char *bytes, size_t len, bool owned);

/* False: errno says why. */
bool body_add_file(struct body *body, const char *path, uint64_t offset);

#endif
