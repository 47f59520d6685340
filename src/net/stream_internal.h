/* SPDX-License-Identifier: MIT
 *
 * net/stream_internal.h: what stream.c, its TLS side, tls_stream.c, and
 * stream_file.c know of each other. */
#ifndef NET_STREAM_INTERNAL_H
#define NET_STREAM_INTERNAL_H

#include "net/stream.h"

/* Hands plaintext to the owner, and keeps what it does not take; or keeps all of it. */
void stream_deliver(struct stream *stream, const char *bytes, size_t len);
void stream_keep(struct stream *stream, const char *bytes, size_t len);

/* Writes until the queue is empty or the socket full. flags: MSG_MORE or 0. */
void stream_write_out(struct stream *stream, int flags);

/* The socket is full: waits until it is writable, but not for ever. progress: it took something. */
void stream_block_writing(struct stream *stream, bool progress);

/* Nothing can be written any more; the owner is told later. */
void stream_fail_writing(struct stream *stream, int error);

/* Polls for what the stream waits for now. */
void stream_update_events(struct stream *stream);

/* len bytes came from the socket, at scratch + TLS_GAP. */
void tls_stream_received(struct stream *stream, size_t len);

/* The peer closed the socket. */
void tls_stream_cut(struct stream *stream);

/* The socket is connected: the handshake begins. */
void tls_stream_connected(struct stream *stream);

/* Tells the owner how the session ended, once it has taken everything before and is not paused. */
void tls_stream_tell(struct stream *stream);

#endif
