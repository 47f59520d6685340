/* SPDX-License-Identifier: MIT
 *
 * server/fcgi_response.c: exchanges answered over FastCGI: the CGI header and the body as STDOUT.
 */
#include "http/response.h"
#include "server/fcgi.h"

static struct fcgi_exchange *of(const weir_exchange *x)
{
    return (struct fcgi_exchange *)(uintptr_t)x;
}

static bool is_gone(const struct fcgi_exchange *x)
{
    return x->conn->lost || !stream_writable(&x->conn->conn.stream);
}

static char *put(char *p, weir_str s)
{
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

/* "Status: 200 OK", the fields, an empty line: in the request's arena, to leave in one record with
 * the first of the body. */
static int make_head(weir_exchange *ex, bool end, size_t total, weir_str *ret_head)
{
    weir_str reason = ex->reason.len ? ex->reason : http_reason_phrase(ex->status);
    size_t room = 80 + reason.len;

    for (size_t i = 0; i < ex->field_count; i++)
        room += ex->fields[i].name.len + ex->fields[i].value.len + 4;
    char *start = arena_alloc(ex->arena, room);
    if (!start)
        return WEIR_ERROR_NOMEM;

    char *p = put(start, WEIR_STR("Status: "));
    p += u64_to_dec(ex->status, p);
    *p++ = ' ';
    p = put(p, reason);
    p = put(p, WEIR_STR("\r\n"));
    for (size_t i = 0; i < ex->field_count; i++) {
        p = put(p, ex->fields[i].name);
        p = put(p, WEIR_STR(": "));
        p = put(p, ex->fields[i].value);
        p = put(p, WEIR_STR("\r\n"));
    }
    int64_t length = ex->declared >= 0 ? ex->declared : end ? (int64_t)total : -1;
    if (length >= 0 && ex->status != 204 && !(ex->status == 304 && ex->declared < 0)) {
        p = put(p, WEIR_STR("Content-Length: "));
        p += u64_to_dec((uint64_t)length, p);
        p = put(p, WEIR_STR("\r\n"));
    }
    p = put(p, WEIR_STR("\r\n"));
    *ret_head = str(start, (size_t)(p - start));
    return 0;
}

static int send_pieces(weir_exchange *ex, const weir_str *pieces, size_t count, unsigned flags)
{
    struct fcgi_exchange *x = of(ex);
    struct stream *stream = &x->conn->conn.stream;
    weir_str all[4];
    size_t n = 0, total = 0;
    int rc = 0;

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    if (ex->protocol_status != WEIR_REQUEST_COMPLETE)
        return 0; /* END_REQUEST says it all, and nothing may precede it */
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    if (!ex->head_sent) {
        rc = make_head(ex, flags & SEND_END, total, &all[n++]);
        ex->head_sent = true;
    }
    if (!exchange_sends_body(ex))
        count = 0;
    /* Head and body in one record, unless the head would be borrowed: it ends with the exchange. */
    bool copied = !(flags & SEND_BORROW) || n == 0 || all[0].len < OUTQ_BORROW_MIN;
    if (rc == 0 && n > 0 && count <= 3 && copied) {
        for (size_t i = 0; i < count; i++)
            all[n++] = pieces[i];
        rc = app_stdout(x->request, all, n, flags & SEND_BORROW);
    } else if (rc == 0) {
        if (n > 0)
            rc = app_stdout(x->request, all, n, false);
        if (rc == 0)
            rc = app_stdout(x->request, pieces, count, flags & SEND_BORROW);
    }
    if (rc != 0) {
        stream_close(stream);
        return rc;
    }
    if (stream->out.borrowed > 0)
        stream_borrowed(stream);
    else
        stream_dirty(stream);
    return 0;
}

/* FastCGI says nothing about 1xx responses, and most web servers take the first header block for
 * the final one: nginx passes a 103 on and the real head as its body. Known to do it well: */
static bool takes_informational(weir_exchange *ex)
{
    const char *software = weir_param(ex, "SERVER_SOFTWARE");
    weir_str name = str_of(software);

    return software &&
           (str_starts(name, WEIR_STR("weir/")) || str_starts(name, WEIR_STR("lighttpd/")));
}

/* A 1xx is a header block of its own before the final one. */
static int informational(weir_exchange *ex, unsigned status, const weir_pair *fields, size_t count)
{
    struct fcgi_exchange *x = of(ex);
    weir_exchange block = {.status = status, .arena = ex->arena, .declared = -1};
    weir_str head;

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    if (ex->held)
        return WEIR_ERROR_STATE;
    if (ex->head_sent || !takes_informational(ex))
        return 0;
    block.fields = (weir_pair *)(uintptr_t)fields;
    block.field_count = count;
    int rc = make_head(&block, false, 0, &head);
    if (rc == 0)
        rc = app_stdout(x->request, &head, 1, false);
    if (rc == 0)
        stream_dirty(&x->conn->conn.stream);
    return rc;
}

static void fail(weir_exchange *ex)
{
    (void)ex; /* fcgi_released says it to the web server */
}

static void body_wanted(weir_exchange *ex)
{
    struct fcgi_exchange *x = of(ex);

    if (!is_gone(x) && !x->input_done && x->conn->conn.stream.paused)
        stream_resume(&x->conn->conn.stream);
}

static size_t pending(const weir_exchange *ex)
{
    const struct stream *stream = &of(ex)->conn->conn.stream;

    /* What cannot be sent any more is not kept: a handler that wrote on until it has to wait would
     * never hear of that, since the loop tells it. */
    return stream->write_failed ? SIZE_MAX : stream_pending(stream);
}

static void want_drain(weir_exchange *ex)
{
    struct stream *stream = &of(ex)->conn->conn.stream;

    of(ex)->wants_drain = true;
    stream_want_drain(stream);
    stream_dirty(stream);
}

static int log_line(weir_exchange *ex, weir_str line)
{
    struct fcgi_exchange *x = of(ex);

    if (is_gone(x))
        return WEIR_ERROR_CANCELLED;
    int rc = weir_app_stderr(x->request, line);
    if (rc == 0)
        stream_dirty(&x->conn->conn.stream);
    else if (rc == WEIR_ERROR_NOMEM)
        stream_close(&x->conn->conn.stream);
    return rc;
}

static void flush(weir_exchange *ex)
{
    if (!is_gone(of(ex)))
        stream_flush_now(&of(ex)->conn->conn.stream);
}

static void release(weir_exchange *ex)
{
    fcgi_released(of(ex));
}

const struct carrier fcgi_carrier = {
    .load_headers = fcgi_load_headers,
    .load_params = fcgi_load_params,
    .send = send_pieces,
    .informational = informational,
    .fail = fail,
    .body_wanted = body_wanted,
    .pending = pending,
    .want_drain = want_drain,
    .log = log_line,
    .flush = flush,
    .release = release,
};
