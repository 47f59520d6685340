/* SPDX-License-Identifier: MIT
 *
 * net/tls_stream.c: streams that speak TLS: what comes between the socket and stream_deliver.
 *
 * Records are read into the loop's scratch buffer, like all input, and decrypted to the front of
 * it, all of them at once; from there on plaintext is dealt with as on any other stream. */
#include <weir/error.h>

#include "net/stream_internal.h"

int stream_accept_tls(struct stream *s, struct tls_context *context, weir_str alpn)
{
    int rc = tls_session_new(context, &s->loop->pool, alpn, NULL, &s->tls);

    s->handshaking = rc == 0;
    stream_update_events(s);
    return rc;
}

int stream_connect_tls(struct stream *s, struct tls_context *context, weir_str alpn,
                       const char *server_name)
{
    int rc = tls_session_new(context, &s->loop->pool, alpn, server_name, &s->tls);

    s->connecting = true; /* even if it is: the handshake begins from the loop */
    s->handshaking = rc == 0;
    stream_update_events(s);
    return rc;
}

/* Runs the session on len bytes. What it has to say in return goes out with the rest of the turn.
 */
static size_t run(struct stream *s, size_t len)
{
    size_t plain;
    int verdict = tls_session_open(s->tls, s->loop->scratch, len, &plain);

    if (tls_session_unsent(s->tls) > 0)
        stream_dirty(s);
    if (verdict == 0)
        return plain;
    s->tls_over = true;
    s->tls_verdict = verdict;
    if (verdict < 0)
        stream_flush_now(s); /* an alert: whoever hears of the error may close at once */
    return plain;
}

void tls_stream_tell(struct stream *s)
{
    int verdict = s->tls_verdict;
    bool listens = (s->reading && !s->paused) || s->handshaking;

    if (s->in.len > 0 || s->closing || s->close_when_sent || !listens)
        return;
    s->tls_verdict = 0;
    s->handshaking = false;
    stream_update_events(s);
    if (verdict > 0)
        s->ops->end(s);
    else if (verdict < 0)
        s->ops->error(s, verdict, false);
}

void tls_stream_received(struct stream *s, size_t len)
{
    size_t plain = run(s, len);

    if (s->handshaking && tls_session_is_ready(s->tls)) {
        s->handshaking = false;
        if (s->ops->connected)
            s->ops->connected(s);
        if (s->closing)
            return;
        stream_dirty(s); /* for what was queued before */
    }
    if (s->close_when_sent)
        return;
    if (plain > 0 && s->reading && !s->paused)
        stream_deliver(s, s->loop->scratch, plain);
    else if (plain > 0)
        stream_keep(s, s->loop->scratch, plain);
    if (s->tls_verdict != 0)
        tls_stream_tell(s);
}

void tls_stream_cut(struct stream *s)
{
    s->ended = true;
    s->tls_over = true;
    s->tls_verdict = s->handshaking ? WEIR_ERROR_HANDSHAKE : WEIR_ERROR_CLOSED;
    tls_stream_tell(s);
}

void tls_stream_connected(struct stream *s)
{
    (void)run(s, 0);
    if (s->tls_verdict != 0)
        tls_stream_tell(s);
}
