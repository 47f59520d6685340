/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/body.h: what is sent as the request's body, read piece by piece: bytes, a file or
 * standard input, or the parts of a form one after the other. */
#ifndef FCURL_BODY_H
#define FCURL_BODY_H

#include <stdint.h>
#include <sys/types.h>

#include "tools/fcurl/config.h"

struct body;

enum { BODY_WAIT = -2 }; /* nothing can be read just now */

/* Bytes, which must stay valid. */
struct body *body_of_bytes(const char *bytes, size_t len);

/* A file, from offset on; "-" is standard input, read to its end as it comes; "." is the same but
 * never blocks. NULL: errno says why. */
struct body *body_of_file(const char *path, uint64_t offset);

/* multipart/form-data of these parts (RFC 7578). NULL: *ret_error says why, to be freed. */
struct body *body_of_form(const struct form_part *parts, bool escape, char **ret_error);

void body_free(struct body *body);

/* Its length; -1 if that is not known before the end. */
int64_t body_length(const struct body *body);

/* "multipart/form-data; boundary=..." of a form, else NULL. */
const char *body_content_type(const struct body *body);

/* Up to room bytes; 0 at the end; -1: errno says why; BODY_WAIT: wait for body_fd. */
ssize_t body_read(struct body *body, char *out, size_t room);

/* What body_read reads from, to be waited for when it says BODY_WAIT; else -1. */
int body_fd(const struct body *body);

/* Back to the beginning. False: it cannot be read twice. */
bool body_rewind(struct body *body);

#endif
