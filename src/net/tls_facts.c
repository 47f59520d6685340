/* SPDX-License-Identifier: MIT
 *
 * net/tls_facts.c: what is known of the other side of a TLS session. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/tls_internal.h"

const char *tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const char *tls_session_protocol(const struct tls_session *t)
{
    return SSL_get_version(t->ssl);
}

const char *tls_session_cipher(const struct tls_session *t)
{
    return SSL_get_cipher_name(t->ssl);
}

weir_str tls_session_alpn(const struct tls_session *t)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(t->ssl, &name, &len);
    return (weir_str){(const char *)name, len};
}

const char *tls_session_sni(const struct tls_session *t)
{
    const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
    size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._")
                      : 0;

    return len > 0 && name[len] == '\0' ? name : NULL;
}

bool tls_session_verifies(const struct tls_session *t)
{
    return t->context->verify != TLS_VERIFY_NONE;
}

/* ---- The certificate ------------------------------------------------------------------------- */

/* What was written to a memory BIO, as a string; consumes the BIO. */
static char *take_text(BIO *bio, bool good)
{
    char *bytes, *copy = NULL;
    long len = bio ? BIO_get_mem_data(bio, &bytes) : 0;

    if (good && len > 0)
        copy = strndup(bytes, (size_t)len);
    else if (good && bio)
        copy = strdup("");
    BIO_free(bio);
    return copy;
}

static char *name_text(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0);
}

static char *pem_text(X509 *leaf)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_X509(bio, leaf) == 1);
}

static char *serial_text(const X509 *leaf)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    char *copy = hex ? strdup(hex) : NULL;

    OPENSSL_free(hex);
    BN_free(number);
    return copy;
}

static bool put_fingerprint(const X509 *leaf, char out[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;

    if (X509_digest(leaf, EVP_sha256(), digest, &len) != 1)
        return false;
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

/* In ISO 8601, and as Apache prints it. */
static bool put_not_after(const X509 *leaf, struct tls_peer *peer)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1 || tm.tm_mon < 0 || tm.tm_mon > 11)
        return false;
    return strftime(peer->not_after, sizeof peer->not_after, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 &&
           snprintf(peer->not_after_text, sizeof peer->not_after_text,
                    "%s %2d %02d:%02d:%02d %d GMT", months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
                    tm.tm_min, tm.tm_sec, tm.tm_year + 1900) > 0;
}

static bool describe(X509 *leaf, struct tls_peer *peer)
{
    peer->subject = name_text(X509_get_subject_name(leaf));
    peer->issuer = name_text(X509_get_issuer_name(leaf));
    peer->serial = serial_text(leaf);
    peer->pem = pem_text(leaf);
    return peer->subject && peer->issuer && peer->serial && peer->pem &&
           put_fingerprint(leaf, peer->fingerprint) && put_not_after(leaf, peer);
}

const struct tls_peer *tls_session_peer(struct tls_session *t)
{
    X509 *leaf = SSL_get0_peer_certificate(t->ssl);

    if (t->peer)
        return t->peer;
    struct tls_peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    if (!leaf || t->context->verify == TLS_VERIFY_NONE) {
        strcpy(peer->verify, "NONE");
    } else if (t->verify_result != X509_V_OK) {
        snprintf(peer->verify, sizeof peer->verify, "FAILED:%s",
                 X509_verify_cert_error_string(t->verify_result));
    } else {
        strcpy(peer->verify, "SUCCESS");
        if (!describe(leaf, peer)) {
            tls_peer_free(peer);
            ERR_clear_error();
            return NULL;
        }
    }
    t->peer = peer;
    return peer;
}

void tls_peer_free(struct tls_peer *peer)
{
    if (!peer)
        return;
    free(peer->subject);
    free(peer->issuer);
    free(peer->serial);
    free(peer->pem);
    free(peer);
}
