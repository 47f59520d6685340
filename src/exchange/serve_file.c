/* SPDX-License-Identifier: MIT
 *
 * exchange/serve_file.c: weir_serve_file: a whole answer from a file. On the loop and on workers
 * alike: how the parts of the body leave is exchange/file.c's business. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <weir/file.h>

#include "exchange/file.h"
#include "http/date.h"
#include "http/media.h"
#include "http/range.h"
#include "http/response.h"

enum { RANGES_DEFAULT = 16, RANGES_MAX = 100 };

struct served {
    weir_exchange *x;
    int fd;
    uint64_t size;
    int64_t modified; /* as Last-Modified says it; negative: does not */
    const char *content_type;
    uint32_t ranges_max;
    char etag[56];
};

/* ---- Answers without the file ---------------------------------------------------------------- */

/* header: one more, or NULL. */
static int refuse(weir_exchange *x, int status, const char *header, const char *value)
{
    weir_str phrase = http_reason_phrase((unsigned)status);
    char text[64];

    snprintf(text, sizeof text, "%d %.*s\n", status, (int)phrase.len, phrase.ptr);
    x->field_count = 0;
    x->has_date = x->has_content_type = false;
    x->reason = (weir_str){NULL, 0};
    x->declared = -1;
    if (header) {
        int rc = weir_add_header(x, header, value);
        if (rc != 0) {
            weir_fail(x);
            return rc;
        }
    }
    return weir_respond(x, status, "text/plain; charset=utf-8", text);
}

static int refuse_errno(weir_exchange *x, int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return refuse(x, 403, NULL, NULL);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return refuse(x, 503, "Retry-After", "1");
    default: /* ENOENT, ENOTDIR, ELOOP (a symbolic link), ENAMETOOLONG, ENXIO, ... */
        return refuse(x, 404, NULL, NULL);
    }
}

/* ---- The file -------------------------------------------------------------------------------- */

/* 0, or an errno; ENOENT for what is no regular file. Nothing here waits for a FIFO's other end. */
static int open_file(struct served *s, const char *path)
{
    struct stat st;
    struct timespec now;

    s->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (s->fd < 0)
        return errno;
    if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(s->fd);
        return ENOENT;
    }
    s->size = (uint64_t)st.st_size;
    snprintf(s->etag, sizeof s->etag, "\"%llx-%llx-%llx\"", (unsigned long long)st.st_ino,
             (unsigned long long)st.st_size,
             (unsigned long long)st.st_mtim.tv_sec * 1000000000ull +
                 (unsigned long long)st.st_mtim.tv_nsec);
    /* Never later than Date (RFC 9110 8.8.2.1). */
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    s->modified = st.st_mtim.tv_sec < now.tv_sec ? st.st_mtim.tv_sec : now.tv_sec;
    return 0;
}

static int add_validators(struct served *s)
{
    char date[HTTP_DATE_SIZE];
    int rc = weir_set_header(s->x, "ETag", s->etag);

    if (rc != 0 || s->modified < 0)
        return rc;
    http_date(s->modified, date);
    return weir_set_header(s->x, "Last-Modified", date);
}

static int add_content_range(struct served *s, const struct http_range *r)
{
    char value[80];

    snprintf(value, sizeof value, "bytes %llu-%llu/%llu", (unsigned long long)r->first,
             (unsigned long long)(r->first + r->length - 1), (unsigned long long)s->size);
    return weir_set_header(s->x, "Content-Range", value);
}

/* ---- The body -------------------------------------------------------------------------------- */

/* Ends an answer whose parts were sent, or failed to be. */
static int end(struct served *s, int rc)
{
    if (rc == 0)
        return weir_finish(s->x);
    weir_fail(s->x);
    return rc;
}

static int send_one(struct served *s, uint64_t first, uint64_t length)
{
    s->x->declared = (int64_t)length;
    return end(s, file_send_part(s->x, s->fd, true, first, length));
}

/* The lines ahead of a part, or (r NULL) behind the last one, in the exchange's memory. */
static weir_str part_text(struct served *s, const char *boundary, const struct http_range *r,
                          bool is_first)
{
    const char *type = s->content_type;
    size_t room = 160 + strlen(boundary) + strlen(type);
    char *text = arena_alloc(s->x->arena, room);
    int n = 0;

    if (text && r)
        n = snprintf(text, room,
                     "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                     is_first ? "" : "\r\n", boundary, type, (unsigned long long)r->first,
                     (unsigned long long)(r->first + r->length - 1), (unsigned long long)s->size);
    else if (text)
        n = snprintf(text, room, "\r\n--%s--\r\n", boundary);
    return str(text, (size_t)n);
}

/* Several ranges (RFC 9110 14.6). The boundary is 128 random bits: no file holds it. */
static int send_many(struct served *s, const struct http_range *ranges, size_t count)
{
    weir_str texts[RANGES_MAX + 1];
    uint64_t random[2], total = 0;
    char boundary[33], type[80];
    int rc = 0;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        rc = WEIR_ERROR_SYSTEM;
    snprintf(boundary, sizeof boundary, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    for (size_t i = 0; i <= count && rc == 0; i++) {
        texts[i] = part_text(s, boundary, i < count ? &ranges[i] : NULL, i == 0);
        total += texts[i].len + (i < count ? ranges[i].length : 0);
        rc = texts[i].ptr ? 0 : WEIR_ERROR_NOMEM;
    }
    snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", boundary);
    if (rc == 0)
        rc = weir_set_header(s->x, "Content-Type", type);
    s->x->declared = (int64_t)total;
    bool closed = false;
    for (size_t i = 0; i < count && rc == 0; i++) {
        closed = i + 1 == count;
        rc = file_send_text(s->x, texts[i]);
        if (rc == 0)
            rc = file_send_part(s->x, s->fd, closed, ranges[i].first, ranges[i].length);
        else
            closed = false;
    }
    if (!closed)
        (void)close(s->fd);
    if (rc == 0)
        rc = file_send_text(s->x, texts[count]);
    return end(s, rc);
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* What of the file was asked for (RFC 9110 14.2: of GET only). */
static enum http_range_result find_ranges(struct served *s, struct http_range *ranges,
                                          size_t *ret_count)
{
    weir_exchange *x = s->x;
    const char *range = x->is_head || x->status != 200 ? NULL : weir_header(x, "range");

    if (!range || !exchange_if_range_holds(x, s->etag, s->modified))
        return HTTP_RANGE_IGNORED;
    return http_range_parse(str_of(range), s->size, ranges, s->ranges_max, ret_count);
}

static int answer_unsatisfiable(struct served *s)
{
    char value[40];

    (void)close(s->fd);
    snprintf(value, sizeof value, "bytes */%llu", (unsigned long long)s->size);
    return refuse(s->x, 416, "Content-Range", value);
}

static int answer_without_body(struct served *s, int status)
{
    weir_exchange *x = s->x;

    (void)close(s->fd);
    if (status == 412)
        return refuse(x, 412, NULL, NULL);
    /* Nothing but what tells which representation it is (RFC 9110 15.4.5). */
    int rc = weir_set_header(x, "Content-Type", NULL);
    if (rc == 0)
        rc = weir_set_header(x, "ETag", s->etag);
    x->status = 304;
    x->declared = -1;
    return end(s, rc);
}

static int answer(struct served *s)
{
    struct http_range ranges[RANGES_MAX];
    weir_exchange *x = s->x;
    size_t count = 0;
    int status = x->status == 200 ? weir_check_conditions(x, s->etag, s->modified) : 0;

    if (status > 0)
        return answer_without_body(s, status);
    enum http_range_result asked = find_ranges(s, ranges, &count);
    if (asked == HTTP_RANGE_UNSATISFIABLE)
        return answer_unsatisfiable(s);

    int rc = add_validators(s);
    if (rc == 0)
        rc = weir_set_header(x, "Accept-Ranges", "bytes");
    if (rc == 0) /* also checks what comes to stand above each part of several */
        rc = weir_set_header(x, "Content-Type", s->content_type);
    if (rc == 0 && count == 1)
        rc = add_content_range(s, &ranges[0]);
    if (rc != 0) {
        (void)close(s->fd);
        return end(s, rc);
    }
    if (count > 0)
        x->status = 206;
    if (count > 1)
        return send_many(s, ranges, count);
    return count == 1 ? send_one(s, ranges[0].first, ranges[0].length) : send_one(s, 0, s->size);
}

/* The Content-Type that the handler has set, or that the name tells. */
static const char *find_type(weir_exchange *x, const char *path)
{
    for (size_t i = 0; i < x->field_count && x->has_content_type; i++)
        if (str_eq_nocase(x->fields[i].name, WEIR_STR("content-type")))
            return x->fields[i].value.ptr;
    return http_media_type(str_of(path));
}

int weir_serve_file(weir_exchange *x, const char *path, const weir_file_options *options)
{
    weir_file_options own = {0};
    struct served s = {.x = x};

    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    if (!path || own.ranges_max > RANGES_MAX)
        return WEIR_ERROR_INVALID;
    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (!x->is_head && !str_eq(x->method, WEIR_STR("GET")))
        return refuse(x, 405, "Allow", "GET, HEAD");
    s.content_type = own.content_type ? own.content_type : find_type(x, path);
    s.ranges_max = own.ranges_max ? own.ranges_max : RANGES_DEFAULT;
    int error = open_file(&s, path);
    return error ? refuse_errno(x, error) : answer(&s);
}
