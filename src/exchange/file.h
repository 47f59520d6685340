/* SPDX-License-Identifier: MIT
 *
 * exchange/file.h: parts of files as parts of a response.
 *
 *     weir_sendfile, weir_finish      x->files: [text][fd 0-65535][text][fd ...] -> stream
 *
 * On a loop the parts are queued and sent a turn at a time, as the client takes them; meanwhile the
 * exchange is held, so that the handler may finish it at once. A worker sends them while it waits.
 */
#ifndef EXCHANGE_FILE_H
#define EXCHANGE_FILE_H

#include "exchange/exchange.h"

/* Adds text, which lives as long as the exchange, or part of a file to the body. close_fd: the
 * descriptor is taken over, whatever is returned. 0; STATE, CANCELLED, CONTENT_LENGTH, NOMEM; on a
 * worker also SHORT_BODY and SYSTEM. */
int file_send_text(weir_exchange *x, weir_str text);
int file_send_part(weir_exchange *x, int fd, bool close_fd, uint64_t offset, uint64_t length);

/* Whether a Range is to be looked at, given what there is now (If-Range). */
bool exchange_if_range_holds(weir_exchange *x, const char *etag, int64_t modified);

/* The rest is for the loop. Sends what can be sent now; x->files is set. */
void file_go_on(weir_exchange *x);

/* weir_finish while parts are being sent; x->files is set. */
int file_finish(weir_exchange *x);

/* Forgets the parts not sent, if there are any. May release an exchange that is finished. */
void file_drop(weir_exchange *x);

#endif
