/* SPDX-License-Identifier: MIT
 *
 * client/outgoing.c: a request's body, and a Filter's file behind it: bytes, what a function gives,
 * or what is written. Never more than STREAM_HIGH_WATER and one piece is unsent. */
#include "client/client.h"
#include "wire/record.h"

enum { PIECE = 32 * 1024, WRITE_MOST = 1 << 30 };

/* What is being sent: the body, then for a Filter the file; NULL when all has been. */
static struct outgoing *current(weir_client_request *r)
{
    if (!r->body.ended)
        return &r->body;
    return r->role == WEIR_FILTER && !r->data.ended ? &r->data : NULL;
}

static void send_piece(weir_client_request *r, struct outgoing *out, weir_str data)
{
    out->sent += data.len;
    if (out == &r->body) {
        r->stats.stdin_bytes += data.len;
        call_stdin(&r->call, data, false);
    } else {
        r->stats.data_bytes += data.len;
        call_data(&r->call, data);
    }
}

static void send_end(weir_client_request *r, struct outgoing *out)
{
    out->ended = true;
    if (out == &r->data)
        call_data_end(&r->call);
    else if (r->role != WEIR_AUTHORIZER)
        call_stdin_end(&r->call);
    if (!current(r))
        r->stats.sent_ns = uv_hrtime() - r->started;
}

/* The end was reached: it is the true one, or the request is. False: it is over. */
static bool end_is_true(weir_client_request *r, struct outgoing *out)
{
    if (out->length < 0 || out->sent == (uint64_t)out->length)
        return true;
    (void)request_fail(
        r, WEIR_ERROR_SHORT_BODY, "sending the %s: it ended after %llu of %lld bytes",
        out == &r->body ? "body" : "data", (unsigned long long)out->sent, (long long)out->length);
    request_refuse(r, WEIR_ERROR_SHORT_BODY);
    return false;
}

static int too_long(weir_client_request *r, const struct outgoing *out)
{
    return request_fail(r, WEIR_ERROR_CONTENT_LENGTH,
                        "sending the %s: it is longer than its %lld bytes",
                        out == &r->body ? "body" : "data", (long long)out->length);
}

/* One piece from the function; false when there is none now, or the request is over. */
static bool ask_source(weir_client_request *r, struct outgoing *out)
{
    char piece[PIECE];
    int n = out->fn(r, piece, sizeof piece, out->arg);

    if (r->dead || r->state != REQUEST_RUNNING || n == WEIR_ERROR_AGAIN)
        return false;
    if (n == 0) {
        if (!end_is_true(r, out))
            return false;
        send_end(r, out);
    } else if (n < 0 || n > PIECE) {
        (void)request_fail(r, n < 0 ? n : WEIR_ERROR_INVALID,
                           "sending the body: its source failed: %s",
                           weir_error_text(n < 0 ? n : WEIR_ERROR_INVALID));
        request_refuse(r, n < 0 ? n : WEIR_ERROR_INVALID);
        return false;
    } else if (out->length >= 0 && (uint64_t)n > (uint64_t)out->length - out->sent) {
        request_refuse(r, too_long(r, out));
        return false;
    } else {
        send_piece(r, out, str(piece, (size_t)n));
    }
    return true;
}

static void send_bytes(weir_client_request *r, struct outgoing *out)
{
    size_t left = out->bytes.len - (size_t)out->sent;

    if (left > 0)
        send_piece(
            r, out,
            str(out->bytes.ptr + out->sent, left < RECORD_SEND_MAX ? left : RECORD_SEND_MAX));
    if (out->sent == out->bytes.len)
        send_end(r, out);
}

static bool is_full(weir_client_request *r)
{
    if (!call_congested(&r->call))
        return false;
    call_want_drain(&r->call);
    return true;
}

void outgoing_pump_bytes(weir_client_request *r)
{
    struct outgoing *out;

    while ((out = current(r)) != NULL && out->kind <= OUTGOING_BYTES && !is_full(r))
        send_bytes(r, out);
}

void outgoing_pump(weir_client_request *r)
{
    struct outgoing *out;

    request_hold(r);
    while (request_runs(r) && r->call.request && (out = current(r)) != NULL) {
        if (out->kind == OUTGOING_WRITTEN) {
            if (!out->closing || !end_is_true(r, out))
                break;
            send_end(r, out);
        } else if (is_full(r)) {
            break;
        } else if (out->kind == OUTGOING_SOURCE) {
            if (!ask_source(r, out))
                break;
        } else {
            send_bytes(r, out);
        }
    }
    request_unhold(r);
}

void weir_client_continue(weir_client_request *r)
{
    if (r->state == REQUEST_RUNNING)
        loop_defer(r->client->cl->loop, &r->pump);
}

/* ---- Setting --------------------------------------------------------------------------------- */

static int set(weir_client_request *r, struct outgoing *out, struct outgoing what)
{
    if (r->state != REQUEST_NEW)
        return request_fail(r, WEIR_ERROR_STATE, "setting the body: the request has started");
    *out = what;
    return 0;
}

int weir_client_body(weir_client_request *r, weir_str body)
{
    return set(
        r, &r->body,
        (struct outgoing){.kind = OUTGOING_BYTES, .bytes = body, .length = (int64_t)body.len});
}

int weir_client_body_source(weir_client_request *r, int64_t length, weir_source_fn *fn, void *arg)
{
    return set(r, &r->body,
               (struct outgoing){.kind = OUTGOING_SOURCE, .fn = fn, .arg = arg, .length = length});
}

int weir_client_body_written(weir_client_request *r, int64_t length)
{
    return set(r, &r->body, (struct outgoing){.kind = OUTGOING_WRITTEN, .length = length});
}

static int set_data(weir_client_request *r, int64_t mtime, struct outgoing what)
{
    if (r->role != WEIR_FILTER || what.length < 0)
        return request_fail(r, WEIR_ERROR_INVALID,
                            "setting the data: it is a Filter's, and its length must be known");
    r->mtime = mtime;
    return set(r, &r->data, what);
}

int weir_client_data(weir_client_request *r, weir_str data, int64_t mtime)
{
    return set_data(
        r, mtime,
        (struct outgoing){.kind = OUTGOING_BYTES, .bytes = data, .length = (int64_t)data.len});
}

int weir_client_data_source(weir_client_request *r, int64_t length, int64_t mtime,
                            weir_source_fn *fn, void *arg)
{
    return set_data(
        r, mtime,
        (struct outgoing){.kind = OUTGOING_SOURCE, .fn = fn, .arg = arg, .length = length});
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool has_room(const weir_client_request *r)
{
    return r->call.request && !call_congested(&r->call);
}

static bool can_write(void *arg)
{
    weir_client_request *r = arg;

    return r->state == REQUEST_OVER || has_room(r) || r->kept.len >= KEPT_MAX;
}

/* 0: there is room, or nobody reads any more; AGAIN; or what has ended the request. */
static int wait_for_room(weir_client_request *r)
{
    if (r->is_pull && !can_write(r)) {
        if (r->call.request)
            call_want_drain(&r->call); /* its call ends the wait */
        call_touch(&r->call);
        int rc = client_drive(r->client->cl, can_write, r, WEIR_CLIENT_NO_LIMIT, false);
        if (rc != 0)
            return rc;
    }
    if (r->state == REQUEST_OVER)
        return r->result;
    if (has_room(r))
        return 0;
    r->wants_writable = true;
    if (r->call.request)
        call_want_drain(&r->call);
    return WEIR_ERROR_AGAIN;
}

bool weir_client_full(weir_client_request *r)
{
    return (r->state == REQUEST_WAITING || r->state == REQUEST_RUNNING) &&
           wait_for_room(r) == WEIR_ERROR_AGAIN;
}

int weir_client_write(weir_client_request *r, const void *data, size_t len)
{
    struct outgoing *out = &r->body;
    size_t taken = 0;

    if (r->state == REQUEST_NEW || out->kind != OUTGOING_WRITTEN || out->closing)
        return request_fail(r, WEIR_ERROR_STATE, "writing the body: not started, or ended");
    if (len == 0 || len > WRITE_MOST)
        return request_fail(r, WEIR_ERROR_INVALID, "writing the body: not 1 to 2^30 bytes");
    if (out->length >= 0 && len > (uint64_t)out->length - out->sent)
        return too_long(r, out);
    while (taken < len) {
        size_t n = r->is_pull && len - taken > RECORD_SEND_MAX ? RECORD_SEND_MAX : len - taken;
        int rc = wait_for_room(r);
        if (rc == WEIR_ERROR_AGAIN && taken > 0)
            break;
        if (rc != 0)
            return rc;
        send_piece(r, out, str((const char *)data + taken, n));
        taken += n;
    }
    return (int)taken;
}

int weir_client_write_end(weir_client_request *r)
{
    struct outgoing *out = &r->body;

    if (r->state == REQUEST_NEW || out->kind != OUTGOING_WRITTEN || out->closing)
        return request_fail(r, WEIR_ERROR_STATE, "ending the body: not started, or ended");
    if (r->state == REQUEST_OVER)
        return r->result;
    out->closing = true;
    weir_client_continue(r);
    if (out->length >= 0 && out->sent < (uint64_t)out->length)
        return WEIR_ERROR_SHORT_BODY;
    return 0;
}
