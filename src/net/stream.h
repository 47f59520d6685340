/* SPDX-License-Identifier: MIT
 *
 * net/stream.h: a connected socket on a loop, with output queue and back-pressure.
 *
 * Embedded in the connection that owns it. The owner is told of everything through stream_ops,
 * always from the loop, never from inside a call that it makes itself; so it may do anything in an
 * op, closing this stream or others included. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/socket.h>
#include <uv.h>

#include "base/buf.h"
#include "base/outq.h"
#include "net/loop.h"
#include "net/tls.h"

struct stream;

struct stream_ops {
    /* Bytes arrived. Returns how many of the front were used: all of them, unless the op paused the
     * stream; the rest is then kept and given again after stream_resume. The bytes are valid, and
     * may be borrowed into output queues, until the op returns. */
    size_t (*data)(struct stream *stream, const char *bytes, size_t len);
    /* The peer will send no more. */
    void (*end)(struct stream *stream);
    /* The connection broke: nothing more can be read, or (writing) written; a stream whose writing
     * failed may still deliver what the peer had sent, if the owner does not close it. */
    void (*error)(struct stream *stream, int error, bool writing);
    /* Output fell to STREAM_LOW_WATER or below after stream_want_drain. */
    void (*drained)(struct stream *stream);
    /* A connect that stream_connect left pending has succeeded, or a TLS handshake; failure is an
     * error. No data comes before. May be NULL. */
    void (*connected)(struct stream *stream);
    /* The last call: the socket is closed and the memory may be freed, after stream_done. */
    void (*closed)(struct stream *stream);
};

enum {
    STREAM_HIGH_WATER = 128 * 1024, /* over this much unsent output a sender should pause */
    STREAM_LOW_WATER = 32 * 1024,
    STREAM_LINGER_MS = 2000,
    STREAM_LINGER_BYTES = 1 << 20,
};

struct stream {
    uv_poll_t poll;
    struct loop *loop;
    const struct stream_ops *ops;
    struct outq out;
    struct buf in;           /* received and not used: only while paused */
    struct tls_session *tls; /* NULL: clear text. out and in hold plaintext in any case */
    struct list dirty_node, borrowed_node;
    struct deadline stall; /* no output could be written for stall_ms; also bounds lingering */
    uint32_t stall_ms;
    uint32_t lingered; /* bytes thrown away while lingering */
    int fd;
    int pending_error;
    int tls_verdict; /* what ended a TLS session, to be told after what came before it */
    uint8_t events;  /* what libuv polls for now */
    bool reading;    /* the owner wants data */
    bool paused;     /* but not right now */
    bool connecting;
    bool handshaking;   /* TLS */
    bool tls_over;      /* the TLS session has ended or broken: nothing more is decrypted */
    bool write_blocked; /* wait until the socket is writable */
    bool write_failed;
    bool want_drain;
    bool file_waits; /* the last stream_sendfile sent nothing: the socket was full */
    bool close_when_sent;
    bool linger;
    bool lingering;
    bool ended;  /* the peer's end was seen */
    bool giving; /* in is being handed out */
    bool closing;
    bool is_unix;
};

/* Takes over fd, a socket, which is made non-blocking. 0 or WEIR_ERROR_SYSTEM (fd is then still the
 * caller's). Reading starts with stream_resume. */
int stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops);

/* Makes a socket and connects it. 1: connected; 0: pending, connected or error will be called;
 * WEIR_ERROR_AGAIN: the peer's backlog is full (UNIX sockets), try later; another error: failed.
 * After an error the stream is not initialised; errno tells why. */
int stream_connect(struct stream *stream, struct loop *loop, const struct sockaddr *address,
                   socklen_t address_len, const struct stream_ops *ops);

/* Speaks TLS from now on: as the accepting side after stream_init, as the connecting one after
 * stream_connect, whatever that returned; before anything else is done with the stream. alpn and
 * server_name as for tls_session_new. The owner goes on as with any stream, but hears connected
 * when the handshake is done, or the error HANDSHAKE or CERTIFICATE; what it queues before waits.
 * The peer's close_notify is an end; a connection that closes without one is the error CLOSED.
 * stream_finish says close_notify, stream_close and stream_reset do not. 0, or NOMEM: the stream
 * can only be closed. */
int stream_accept_tls(struct stream *stream, struct tls_context *context, weir_str alpn);
int stream_connect_tls(struct stream *stream, struct tls_context *context, weir_str alpn,
                       const char *server_name);

/* Stops and restarts delivery of data. stream_resume also starts it the first time. Data kept while
 * paused is delivered from the loop, not from inside stream_resume. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* To be called after queueing on stream->out: it will be flushed this turn. */
void stream_dirty(struct stream *stream);

/* The same when something was borrowed from bytes that the data op in progress was given. */
void stream_borrowed(struct stream *stream);

/* Writes now what can be written and copies what is still borrowed, for borrowed bytes that go away
 * before the turn ends. Errors are reported later, from the loop. */
void stream_flush_now(struct stream *stream);

/* Whether bytes may go from a file to the socket without passing through this process. */
bool stream_can_sendfile(const struct stream *stream);

/* Sends what is queued and then, if all of that has left, up to length bytes of the file from
 * offset. Returns how many bytes of the file were sent; 0: none now, ask again when drained is
 * called (or error was); SHORT_BODY: the file ends at offset; INVALID: this kind of file cannot be
 * sent so; SYSTEM: it cannot be read. */
int64_t stream_sendfile(struct stream *stream, int fd, uint64_t offset, uint64_t length);

/* Unsent output. */
static inline size_t stream_pending(const struct stream *stream)
{
    return stream->out.bytes + (stream->tls ? tls_session_unsent(stream->tls) : 0);
}

/* Whether what is queued may still reach the peer. False at once after a write has failed, before
 * the owner is told of it. */
static inline bool stream_writable(const struct stream *stream)
{
    return !stream->closing && !stream->write_failed;
}

/* Asks for one call of drained. After a stream_sendfile that could not send it comes when the
 * socket takes bytes again. */
static inline void stream_want_drain(struct stream *stream)
{
    stream->want_drain = true;
}

/* Whether another answer may be queued. If not, which is when more than STREAM_HIGH_WATER stays
 * unsent, the stream is paused until drained: who sends without reading has to wait. To be called
 * in the data op, which then leaves the rest of its bytes. */
bool stream_has_room(struct stream *stream);

/* Closes at once, unsent output is lost. Only the closed op is called after this. reset: the peer
 * shall see that something was cut off (TCP RST instead of FIN). */
void stream_close(struct stream *stream);
void stream_reset(struct stream *stream);

/* Gives back what outlives the socket: the facts of a TLS session. */
void stream_done(struct stream *stream);

/* Closes when all output is sent. linger: the peer may still be sending; its bytes are read and
 * dropped for a bounded time and amount, so that it can read our last words before a reset
 * (RFC 9112 9.6). No op but closed is called after this. */
void stream_finish(struct stream *stream, bool linger);

/* Whether the peer has closed both directions, not only its sending one: certain for UNIX sockets,
 * never known for TCP. */
bool stream_peer_closed(const struct stream *stream);

/* Ends the time in which borrowed bytes are valid: sends or copies all that streams have borrowed.
 * Done after each data op; whoever hands out bytes from elsewhere does it before they go away. */
void stream_flush_borrowed(struct loop *loop);

/* For the loop: flush what is marked. */
void stream_flush_dirty(struct loop *loop);

#endif
