/* SPDX-License-Identifier: MIT
 *
 * net/tls_session.c: one connection's TLS: records in and out, between memory and memory.
 *
 * OpenSSL is kept from every socket: its BIO reads from the slice that tls_session_open was given
 * and writes to the queue of records. With SSL_MODE_RELEASE_BUFFERS it holds a buffer only while a
 * record is incomplete. */
#include <stdlib.h>
#include <string.h>
#include <weir/error.h>

#include "net/tls_internal.h"

enum {
    RECORD = SSL3_RT_MAX_PLAIN_LENGTH,
    PIECES = 32,                          /* that may share a record */
    REPLIES_MAX = TLS_SEALED_MAX + 65536, /* answers that a peer provokes and does not read */
};

/* ---- The BIO --------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *out, size_t room, size_t *ret_len)
{
    struct tls_session *t = BIO_get_data(bio);
    size_t n = t->in.len < room ? t->in.len : room;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, t->in.ptr, n);
    t->in.ptr += n;
    t->in.len -= n;
    *ret_len = n;
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
    struct tls_session *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (t->out_of_memory || outq_append(&t->sealed, bytes, len) != 0) {
        t->out_of_memory = true;
        return -1;
    }
    *ret_len = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir");

    if (method) {
        (void)BIO_meth_set_read_ex(method, bio_read);
        (void)BIO_meth_set_write_ex(method, bio_write);
        (void)BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* Whom we want to talk to: asked for by name, and expected in the certificate. An address can only
 * be expected. */
static bool set_peer_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return true;
    ERR_clear_error();
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static bool set_up(struct tls_session *t, const char *server_name)
{
    BIO *bio = BIO_new(t->context->bio);

    if (!bio)
        return false;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    if (t->context->accepting) {
        SSL_set_accept_state(t->ssl);
        return true;
    }
    SSL_set_connect_state(t->ssl);
    return (!server_name || set_peer_name(t->ssl, server_name)) &&
           (t->alpn.len == 0 || SSL_set_alpn_protos(t->ssl, (const unsigned char *)t->alpn.ptr,
                                                    (unsigned)t->alpn.len) == 0);
}

int tls_session_new(struct tls_context *context, struct pool *pool, weir_str alpn,
                    const char *server_name, struct tls_session **ret_session)
{
    struct tls_session *t = calloc(1, sizeof *t);

    ERR_clear_error();
    if (!t)
        return WEIR_ERROR_NOMEM;
    t->context = tls_context_ref(context);
    t->alpn = alpn;
    t->reason = "";
    outq_init(&t->sealed, pool);
    t->ssl = SSL_new(context->ssl[0]);
    if (!t->ssl || !set_up(t, server_name)) {
        tls_session_free(t);
        return WEIR_ERROR_NOMEM;
    }
    *ret_session = t;
    return 0;
}

void tls_session_use_ticket(struct tls_session *t, struct tls_ticket *ticket)
{
    t->ticket = ticket;
    if (ticket->session)
        (void)SSL_set_session(t->ssl, ticket->session);
}

void tls_ticket_done(struct tls_ticket *ticket)
{
    SSL_SESSION_free(ticket->session);
    ticket->session = NULL;
}

void tls_session_free(struct tls_session *t)
{
    if (!t)
        return;
    /* How the connection ended says nothing against resuming it (RFC 5246 7.2.1). */
    if (t->ssl)
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    outq_done(&t->sealed);
    tls_context_unref(t->context);
    tls_peer_free(t->peer);
    free(t);
}

/* ---- In -------------------------------------------------------------------------------------- */

static int failed(struct tls_session *t)
{
    bool bad_certificate = !t->context->accepting && SSL_get_verify_result(t->ssl) != X509_V_OK;

    t->ended = true;
    t->reason = bad_certificate ? X509_verify_cert_error_string(SSL_get_verify_result(t->ssl))
                                : tls_openssl_reason();
    ERR_clear_error();
    if (t->out_of_memory)
        return WEIR_ERROR_NOMEM;
    if (t->ready)
        return WEIR_ERROR_PROTOCOL;
    return bad_certificate ? WEIR_ERROR_CERTIFICATE : WEIR_ERROR_HANDSHAKE;
}

/* A session that is resumed brings the verdict of the time when it was made. */
static int check_peer(struct tls_session *t)
{
    X509 *leaf = SSL_get0_peer_certificate(t->ssl);

    t->verify_result = t->first_error != X509_V_OK ? t->first_error : SSL_get_verify_result(t->ssl);
    if (leaf && t->verify_result == X509_V_OK && SSL_session_reused(t->ssl) &&
        X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        t->verify_result = X509_V_ERR_CERT_HAS_EXPIRED;
    if (t->context->verify != TLS_VERIFY_REQUIRED || t->verify_result == X509_V_OK)
        return 0;
    t->ended = true;
    t->reason = X509_verify_cert_error_string(t->verify_result);
    return WEIR_ERROR_HANDSHAKE;
}

static int go_on_with_handshake(struct tls_session *t)
{
    int rc = SSL_do_handshake(t->ssl);

    if (rc == 1) {
        rc = check_peer(t);
        t->ready = rc == 0;
        return rc;
    }
    return SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ && !t->out_of_memory ? 0 : failed(t);
}

/* Plaintext never catches up with the records it comes from: it starts TLS_GAP before them, each
 * record is longer than what it holds, and before the first one OpenSSL had at most one, which is
 * shorter than TLS_GAP. */
static int read_all(struct tls_session *t, char *buffer, size_t *ret_len)
{
    size_t n;

    for (;;) {
        size_t room = (size_t)(t->in.ptr - (buffer + *ret_len));
        int rc = SSL_read_ex(t->ssl, buffer + *ret_len, room, &n);
        if (t->sealed.bytes > REPLIES_MAX) {
            t->ended = true;
            t->reason = "too many messages that ask for an answer";
            return WEIR_ERROR_PROTOCOL;
        }
        if (rc == 1) {
            *ret_len += n;
            continue;
        }
        switch (SSL_get_error(t->ssl, rc)) {
        case SSL_ERROR_WANT_READ:
            return t->out_of_memory ? failed(t) : 0;
        case SSL_ERROR_ZERO_RETURN:
            return 1;
        default:
            return failed(t);
        }
    }
}

int tls_session_open(struct tls_session *t, char *buffer, size_t len, size_t *ret_len)
{
    int rc = 0;

    *ret_len = 0;
    t->in = (weir_str){buffer + TLS_GAP, len};
    ERR_clear_error();
    if (!t->ready)
        rc = go_on_with_handshake(t);
    if (rc == 0 && t->ready)
        rc = read_all(t, buffer, ret_len);
    t->in = (weir_str){NULL, 0};
    return rc;
}

bool tls_session_is_ready(const struct tls_session *t)
{
    return t->ready;
}

const char *tls_session_reason(const struct tls_session *t)
{
    return t->reason;
}

/* ---- Out ------------------------------------------------------------------------------------- */

/* The next bytes to encrypt: whole records of a large piece as they lie, or small pieces gathered
 * into one record. */
static weir_str next_bytes(const struct outq *plain, char gathered[static RECORD])
{
    struct iovec iov[PIECES];
    int count = outq_iovec(plain, iov, PIECES);
    size_t n = iov[0].iov_len;
    size_t len = 0;

    if (n >= RECORD || count == 1) {
        if (n > TLS_SEALED_MAX)
            n = TLS_SEALED_MAX;
        return (weir_str){iov[0].iov_base, n > RECORD ? n - n % RECORD : n};
    }
    for (int i = 0; i < count && len < RECORD; i++) {
        n = iov[i].iov_len < RECORD - len ? iov[i].iov_len : RECORD - len;
        memcpy(gathered + len, iov[i].iov_base, n);
        len += n;
    }
    return (weir_str){gathered, len};
}

int tls_session_seal(struct tls_session *t, struct outq *plain)
{
    char gathered[RECORD];

    if (t->ended)
        outq_done(plain);
    if (!t->ready)
        return 0;
    while (plain->bytes > 0 && t->sealed.bytes < TLS_SEALED_MAX) {
        weir_str bytes = next_bytes(plain, gathered);
        size_t written;
        ERR_clear_error();
        if (SSL_write_ex(t->ssl, bytes.ptr, bytes.len, &written) != 1) {
            (void)failed(t);
            return WEIR_ERROR_NOMEM; /* nothing else can fail between memory and memory */
        }
        outq_consume(plain, written);
    }
    return 0;
}

struct outq *tls_session_sealed(struct tls_session *t)
{
    return &t->sealed;
}

size_t tls_session_unsent(const struct tls_session *t)
{
    return t->sealed.bytes;
}

void tls_session_end(struct tls_session *t)
{
    if (!t->ready || t->ended)
        return;
    t->ended = true;
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}
