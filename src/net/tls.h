/* SPDX-License-Identifier: MIT
 *
 * net/tls.h: TLS over OpenSSL, without I/O: contexts, which many connections share, and sessions,
 * one a connection.
 *
 * A session is given what came from the socket and hands out plaintext; it is given an output queue
 * of plaintext and fills another one with records for the socket. A stream (net/stream.h) puts the
 * two between its socket and its owner, who notices nothing.
 *
 *     socket -> scratch -> tls_session_open  -> scratch -> owner
 *     owner  -> out     -> tls_session_seal  -> sealed  -> socket */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/str.h>

#include "base/outq.h"

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_OPTIONAL, TLS_VERIFY_REQUIRED };

/* Zero is a default everywhere. Strings need not outlive the call that they are given to. */
struct tls_settings {
    const char *ca_file;    /* PEM; accepting: the issuers of client certificates; connecting: the
                               issuers of servers, NULL for those that the system trusts */
    enum tls_verify verify; /* accepting only: of clients */
    bool no_verify;         /* connecting only: believe whoever answers */
    bool tls13_only;        /* else 1.2 and 1.3 */
    const char *ciphers; /* OpenSSL's names with ':' between; those that start with "TLS_" are for
                            TLS 1.3, the others for 1.2. NULL: ECDHE with AES-GCM or ChaCha20 */
};

enum { TLS_ERROR = 512 };

struct tls_context;

/* The version of OpenSSL; NULL when this was built without TLS (net/tls_none.c). */
const char *tls_library(void);

/* A context for accepting or for connecting; one for accepting needs a certificate before it is
 * used. The caller holds the first reference. 0, NOMEM, or CERTIFICATE or INVALID with one line in
 * error that names the file and says what OpenSSL said. */
int tls_context_new(bool accepting, const struct tls_settings *settings,
                    struct tls_context **ret_context, char error[static TLS_ERROR]);

/* Adds a certificate with the chain that follows it in the file, and its key; key_file may be NULL
 * when the key is in the same file. Accepting, the name that the client asks for (SNI) chooses
 * among several, and the first serves all others. Connecting there is one at most: who we are.
 * Before the context is used. Errors as above; the context stays as it was. */
int tls_context_add_certificate(struct tls_context *context, const char *cert_file,
                                const char *key_file, char error[static TLS_ERROR]);

/* References are counted, from any thread; each session holds one. NULL is allowed for unref. */
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

struct tls_session;

/* How far in front of the bytes in tls_session_open's buffer the plaintext goes. */
enum { TLS_GAP = 20 * 1024 };

/* A session of one connection. alpn: the protocols that an accepting side takes, best first, or a
 * connecting one offers, each preceded by its length in one byte ("\2h2\10http/1.1"); empty for
 * none; it must outlive the session. server_name: connecting, the host that the certificate must
 * name; else NULL. 0 or NOMEM. */
int tls_session_new(struct tls_context *context, struct pool *pool, weir_str alpn,
                    const char *server_name, struct tls_session **ret_session);
void tls_session_free(struct tls_session *session);

/* What a connecting side keeps between connections to the same server, so that the next handshake
 * is a short one; zeroed at first. */
struct tls_ticket {
    struct ssl_session_st *session;
};

void tls_ticket_done(struct tls_ticket *ticket);

/* Resumes the session that the ticket is for, if it is for one, and keeps in it what the server
 * gives for the next time. Before the handshake; the ticket must outlive the session. */
void tls_session_use_ticket(struct tls_session *session, struct tls_ticket *ticket);

/* Deals with len bytes from the socket at buffer + TLS_GAP; they are used up, and what they hold of
 * plaintext is put at the front of buffer, *ret_len bytes. len 0 begins the handshake of a
 * connecting side. What is to be sent in return is in tls_session_sealed.
 *     0  go on
 *     1  the peer ended its side (close_notify)
 *     HANDSHAKE, CERTIFICATE (the peer's was not accepted)  before the session was ready
 *     PROTOCOL, NOMEM  after that
 * After anything but 0 it must not be called again. */
int tls_session_open(struct tls_session *session, char *buffer, size_t len, size_t *ret_len);

/* The handshake is done. */
bool tls_session_is_ready(const struct tls_session *session);

/* Moves plaintext into records, as long as no more than TLS_SEALED_MAX waits to be sent. Small
 * pieces share a record. Before the session is ready nothing is moved; once it has failed, or was
 * ended, plaintext is dropped. 0 or NOMEM. */
enum { TLS_SEALED_MAX = 128 * 1024 };
int tls_session_seal(struct tls_session *session, struct outq *plain);

/* Records to be sent; whoever sends them consumes them. */
struct outq *tls_session_sealed(struct tls_session *session);
size_t tls_session_unsent(const struct tls_session *session);

/* Says that no more will be sent (close_notify), once, and only if the session is well. */
void tls_session_end(struct tls_session *session);

/* What went wrong, in OpenSSL's words, for a log; "" if nothing did. Static storage. */
const char *tls_session_reason(const struct tls_session *session);

/* ---- Facts of a session that is ready -------------------------------------------------------- */

const char *tls_session_protocol(const struct tls_session *session); /* "TLSv1.3" */
const char *tls_session_cipher(const struct tls_session *session);   /* OpenSSL's name */
weir_str tls_session_alpn(const struct tls_session *session);        /* empty: none agreed on */

/* The name that the client asked for; NULL when it asked for none, or for what is no host name. */
const char *tls_session_sni(const struct tls_session *session);

/* Whether clients are asked for a certificate. */
bool tls_session_verifies(const struct tls_session *session);

/* The client's certificate; made when first asked for, and kept. */
struct tls_peer {
    char verify[80];         /* "NONE", "SUCCESS", "FAILED:" and why; the rest is of SUCCESS only */
    char *subject, *issuer;  /* RFC 2253 */
    char *serial;            /* hexadecimal */
    char fingerprint[65];    /* SHA-256, hexadecimal */
    char not_after[24];      /* "2031-02-03T04:05:06Z" */
    char not_after_text[32]; /* "Feb  3 04:05:06 2031 GMT" */
    char *pem;
};

/* NULL when memory is out. */
const struct tls_peer *tls_session_peer(struct tls_session *session);

#endif
