/* SPDX-License-Identifier: MIT
 *
 * net/tls_internal.h: what contexts and sessions of net/tls.h know of each other. */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "net/tls.h"

struct tls_context {
    atomic_uint refs;
    bool accepting;
    bool no_verify;
    bool tls13_only;
    enum tls_verify verify;
    char *ciphers;
    BIO_METHOD *bio;     /* of all sessions */
    X509_STORE *issuers; /* whom to trust; NULL: nobody, or whom the system does */
    STACK_OF(X509_NAME) * issuer_names;
    SSL_CTX **ssl; /* accepting: one a certificate; connecting: one */
    size_t count;
};

struct tls_session {
    SSL *ssl;
    struct tls_context *context;
    struct outq sealed;
    weir_str in; /* what OpenSSL has not read yet of the bytes given to tls_session_open */
    weir_str alpn;
    long first_error;   /* in the peer's certificates, when errors do not end the handshake */
    long verify_result; /* once the session is ready */
    const char *reason;
    struct tls_peer *peer;
    struct tls_ticket *ticket; /* NULL: nothing is kept for the next time */
    bool ready;
    bool ended;         /* close_notify was sent, or must not be */
    bool out_of_memory; /* while OpenSSL was writing */
};

/* The BIO of sessions, that reads from in and writes to sealed. NULL when memory is out. */
BIO_METHOD *tls_bio_method(void);

void tls_peer_free(struct tls_peer *peer);

/* The first error in OpenSSL's queue, in words. Static storage. */
const char *tls_openssl_reason(void);

#endif
