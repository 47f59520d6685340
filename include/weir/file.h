/* SPDX-License-Identifier: MIT
 *
 * weir/file.h: files as responses, and conditional requests.
 *
 *     static void handler(weir_exchange *x, void *arg)
 *     {
 *         weir_serve_file(x, "/srv/report.pdf", NULL);
 *     }
 *
 * Over plain HTTP/1.1 a file goes from the page cache to the socket without being copied into the
 * program; elsewhere it is read a quarter of a megabyte at a time, as fast as the client takes it.
 * Reading a file that is not in the page cache waits for its disk: a loop serves nobody meanwhile.
 * Where disks are slow, use worker threads: there only the handler waits. */
#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include <weir/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sends length bytes of a regular file from offset as the next part of the body, in any order and
 * number with weir_write: text, part of a file, text. fd is taken over and closed, whatever is
 * returned; its position does not matter and is not moved.
 *
 * On a loop it returns at once, and the bytes leave as the client takes them. weir_finish may be
 * called right away, and ends the exchange when they have left; if no Content-Length was declared
 * and nothing was sent before, it is then known and sent. Until they have left weir_write returns
 * AGAIN, and weir_on_drain tells when they have. Any number of parts may wait; each holds its
 * descriptor. On a worker it returns when the last byte is on its way.
 *
 * A file that is found shorter, or unreadable, while it is being sent is a response that is visibly
 * broken: on a loop the exchange is cancelled (weir_on_cancel), on a worker the result is
 * SHORT_BODY or SYSTEM, and the exchange ends as by weir_fail. For HEAD, 204 and 304 the bytes are
 * counted and the file is not read.
 *
 * 0; INVALID when fd is no regular file; SHORT_BODY when it is shorter than offset + length, before
 * anything was sent; CONTENT_LENGTH when it is more than was declared; STATE after the end;
 * CANCELLED; NOMEM. */
WEIR_API int weir_sendfile(weir_exchange *x, int fd, uint64_t offset, uint64_t length);

/* Set size to sizeof(weir_file_options) and what you want to change; 0 elsewhere means the default.
 */
typedef struct weir_file_options {
    size_t size;
    const char *content_type; /* default: a Content-Type that was set before, else by the name */
    uint32_t ranges_max;      /* ranges that one request may ask for, at most 100; default 16; more,
                                 or any that overlap, and the whole file is sent */
} weir_file_options;

/* Answers a GET or HEAD with a file, and ends the exchange.
 *
 * path: as open(2) takes it. It is not looked at: nobody may choose it freely. weir_path holds no
 * "..", so it may be put behind the name of a folder, but may name dotfiles. Symbolic links are
 * followed but for the last component. options may be NULL.
 *
 * The answer has Content-Type, Content-Length, Accept-Ranges, Last-Modified, a strong ETag of the
 * file's inode, size and time of change in nanoseconds, and headers that were set before, like
 * Cache-Control. Conditional requests are answered with 304 or 412 (RFC 9110 13); Range on GET with
 * 206, as multipart/byteranges if there are several, or 416 (RFC 9110 14). When another status than
 * 200 was set before, the file is sent whole under it: a page for errors. Otherwise the answer is
 * 404 when there is no such file, or no regular one, 403 when it may not be read, 405 for other
 * methods, 503 when descriptors are used up; headers set before are not in these.
 *
 * A file that is changed in place while it is sent may arrive mixed, and one that changes twice
 * within the clock tick of its file system (some milliseconds) keeps its ETag: write a new file and
 * rename it.
 *
 * 0 when the exchange was answered, whatever the status; STATE when the head was sent, or INVALID
 * (path NULL, options not valid), and the exchange goes on; otherwise it has ended: HEADER for a
 * content_type that is not valid, as weir_sendfile, as weir_finish. */
WEIR_API int weir_serve_file(weir_exchange *x, const char *path, const weir_file_options *options);

/* Evaluates If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since against what there
 * is now (RFC 9110 13.2.2), for answers of any kind. etag: with its quotes, "\"v17\"" or
 * "W/\"v17\"", NULL: none. modified: seconds since 1970, negative: not known. 0: carry the request
 * out; 304 or 412: answer with that status, 304 with the same ETag; INVALID when etag is none. */
WEIR_API int weir_check_conditions(weir_exchange *x, const char *etag, int64_t modified);

#ifdef __cplusplus
}
#endif
#endif
