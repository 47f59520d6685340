/* SPDX-License-Identifier: MIT
 *
 * exchange/response.c: answering. The rules of HTTP that hold for every carrier are kept here:
 * which responses have a body, and that a declared length is true. */
#include "http/response.h"
#include "exchange/blocking.h"
#include "exchange/exchange.h"
#include "exchange/file.h"
#include "net/stream.h"

enum {
    WRITE_THROUGH = 16 * 1024, /* from here on sending at once beats copying */
    UNSENT_TURN = 1 << 20,
};

bool exchange_sends_body(const weir_exchange *x)
{
    return http_has_body(x->status, x->is_head);
}

/* The handler is done with the exchange; it is released when no callback is running, and nothing
 * has to wait. */
void exchange_end(weir_exchange *x)
{
    x->finished = true;
    if (x->busy == 0 && !x->held)
        x->carrier->release(x);
}

/* Keeps the end of a response that may not be sent yet. */
static int keep_last(weir_exchange *x, const weir_str *pieces, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    char *copy = arena_alloc(x->arena, len + 1);
    if (!copy)
        return WEIR_ERROR_NOMEM;
    x->last = str(copy, len);
    for (size_t i = 0; i < count; copy += pieces[i++].len)
        if (pieces[i].len)
            memcpy(copy, pieces[i].ptr, pieces[i].len);
    return 0;
}

static int send_pieces(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags)
{
    return x->held ? keep_last(x, pieces, count) : x->carrier->send(x, pieces, count, flags);
}

void exchange_unheld(weir_exchange *x)
{
    x->held = false;
    if (x->finished)
        (void)x->carrier->send(x, &x->last, 1, SEND_END);
    else
        exchange_drained(x);
}

bool exchange_falls_short(const weir_exchange *x)
{
    return x->declared >= 0 && x->written != (uint64_t)x->declared && exchange_sends_body(x);
}

int exchange_send(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags)
{
    bool end = flags & SEND_END;
    size_t total = 0;
    int rc = 0;

    if (x->finished || (x->held && !end))
        return WEIR_ERROR_STATE;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    if (x->cancelled)
        rc = WEIR_ERROR_CANCELLED;
    else if (x->declared >= 0 && total > (uint64_t)x->declared - x->written &&
             exchange_sends_body(x))
        rc = WEIR_ERROR_CONTENT_LENGTH;
    if (rc != 0 && !end)
        return rc;
    if (rc == 0) {
        if (end && x->written > 0 && !x->head_sent && x->declared < 0)
            x->declared = (int64_t)(x->written + total); /* what was counted and not sent */
        x->written += total;
        if (end && exchange_falls_short(x))
            rc = WEIR_ERROR_CONTENT_LENGTH;
    }
    if (rc == 0) {
        if (!exchange_sends_body(x) && (x->head_sent || !end))
            count = 0;
        rc = send_pieces(x, pieces, count, flags);
    } else if (rc == WEIR_ERROR_CONTENT_LENGTH) {
        exchange_fail(x);
        return rc;
    }
    if (end)
        exchange_end(x);
    return rc;
}

/* No socket that fills up stops a body that is only counted: a handler that writes until it has to
 * wait would go on for ever, and the loop with it. So it has to wait now and then. */
static int write_unsent(weir_exchange *x, weir_str piece)
{
    int rc = exchange_send(x, &piece, 1, 0);

    if (rc != 0)
        return rc;
    x->unsent += piece.len;
    if (x->unsent >= UNSENT_TURN) {
        x->unsent = 0;
        x->rests = true;
        loop_yield(x->loop, &x->task);
    }
    return 0;
}

int weir_write(weir_exchange *x, const void *data, size_t len)
{
    weir_str piece = {data, len};

    if (x->blocking)
        return blocking_write(x, piece);
    /* A large piece is not taken while the socket is full: it would be copied where the handler,
     * once there is room, can have it sent from its own memory. */
    bool early = len < WRITE_THROUGH || x->carrier->has_windows;
    size_t room = early ? STREAM_HIGH_WATER : STREAM_LOW_WATER;
    if (!x->finished && !x->cancelled && (x->files || x->rests || x->carrier->pending(x) > room))
        return WEIR_ERROR_AGAIN;
    if (!exchange_sends_body(x))
        return write_unsent(x, piece);
    if (len < WRITE_THROUGH)
        return exchange_send(x, &piece, 1, 0);

    int rc = exchange_send(x, &piece, 1, SEND_BORROW);
    if (rc == 0)
        x->carrier->flush(x);
    return rc;
}

bool weir_full(const weir_exchange *x)
{
    return !x->blocking && !x->finished && !x->cancelled &&
           (x->rests || x->carrier->pending(x) > STREAM_LOW_WATER);
}

int weir_finish(weir_exchange *x)
{
    if (x->blocking)
        return blocking_finish(x, WEIR_STR(""));
    if (x->files && !x->finished)
        return file_finish(x);
    return exchange_send(x, NULL, 0, SEND_END);
}

int weir_respond_bytes(weir_exchange *x, int status, const char *content_type, weir_str body)
{
    int rc = weir_set_status(x, status);

    if (rc == 0 && content_type)
        rc = x->has_content_type ? weir_set_header(x, "Content-Type", content_type)
                                 : weir_add_header(x, "Content-Type", content_type);
    if (rc != 0) {
        if (!x->finished)
            weir_fail(x);
        return rc;
    }
    if (x->blocking)
        return blocking_finish(x, body);
    return exchange_send(x, &body, 1, SEND_END);
}

int weir_respond(weir_exchange *x, int status, const char *content_type, const char *body)
{
    return weir_respond_bytes(x, status, content_type, str_of(body));
}

int weir_set_app_status(weir_exchange *x, uint32_t app_status)
{
    if (x->finished || (x->blocking && x->blocking->ended))
        return WEIR_ERROR_STATE;
    x->app_status = app_status;
    return 0;
}

void weir_reject(weir_exchange *x)
{
    static const weir_str text = {"503 Service Unavailable\n", 24};

    if (x->blocking || exchange_head_is_fixed(x)) {
        weir_fail(x);
        return;
    }
    x->status = 503;
    x->protocol_status = WEIR_OVERLOADED;
    x->field_count = 0;
    (void)exchange_add_field(x, WEIR_STR("Retry-After"), WEIR_STR("1"));
    (void)exchange_add_field(x, WEIR_STR("Content-Type"), WEIR_STR("text/plain"));
    (void)exchange_send(x, &text, 1, SEND_END);
}

void weir_fail(weir_exchange *x)
{
    if (x->blocking)
        blocking_fail(x);
    else
        exchange_fail(x);
}

void exchange_fail(weir_exchange *x)
{
    static const weir_str text = {"500 Internal Server Error\n", 26};

    if (x->finished)
        return;
    file_drop(x);
    if (x->app_status == 0)
        x->app_status = 1;
    if (x->head_sent) {
        x->broken = true;
        if (!x->cancelled)
            x->carrier->fail(x);
    } else if (!x->cancelled) {
        x->status = 500;
        x->reason = (weir_str){NULL, 0};
        x->field_count = x->trailer_count = 0;
        x->declared = -1;
        x->has_date = false;
        (void)exchange_add_field(x, WEIR_STR("Content-Type"), WEIR_STR("text/plain"));
        (void)send_pieces(x, &text, 1, SEND_END);
    }
    exchange_end(x);
}
