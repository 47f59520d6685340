/* SPDX-License-Identifier: MIT
 *
 * net/tls.c: TLS contexts: certificates, and what is asked of the other side. */
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/error.h>

#include "net/tls_internal.h"

/* Forward secrecy and authenticated encryption; all that TLS 1.3 has is such. */
#define DEFAULT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

const char *tls_openssl_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = NULL;

    if (ERR_SYSTEM_ERROR(code))
        reason = strerrordesc_np(ERR_GET_REASON(code));
    else if (code != 0)
        reason = ERR_reason_error_string(code);
    return reason ? reason : "unknown error";
}

/* One line in error: what could not be done with which file, and why. */
static int fail(char *error, const char *what, const char *file)
{
    const char *reason = tls_openssl_reason();
    bool out_of_memory = ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;

    snprintf(error, TLS_ERROR, "%s %s: %s", what, file, reason);
    ERR_clear_error();
    return out_of_memory ? WEIR_ERROR_NOMEM : WEIR_ERROR_CERTIFICATE;
}

/* ---- What OpenSSL asks during a handshake ---------------------------------------------------- */

/* A key that is encrypted: nobody is there to type the password. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
    bool *asked = arg;

    (void)buffer;
    (void)size;
    (void)writing;
    if (asked)
        *asked = true;
    return -1;
}

/* A certificate that is optional may be wrong as well: the handshake goes on, and the first thing
 * that was wrong is remembered for the session's facts. */
static int accept_all(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_session *session = SSL_get_app_data(ssl);

    if (!ok && session->first_error == X509_V_OK)
        session->first_error = X509_STORE_CTX_get_error(store);
    return 1;
}

static int choose_certificate(SSL *ssl, int *alert, void *arg)
{
    const struct tls_context *context = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < context->count; i++) {
        X509 *leaf = SSL_CTX_get0_certificate(context->ssl[i]);
        if (X509_check_host(leaf, name, 0, 0, NULL) != 1)
            continue;
        SSL_set_SSL_CTX(ssl, context->ssl[i]);
        break;
    }
    return SSL_TLSEXT_ERR_OK; /* also for names that are none of ours: a handler can see them */
}

/* The first of ours that the client knows too; it is an error when there is none (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
                           const unsigned char *offered, unsigned offered_len, void *arg)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    const unsigned char *own = (const unsigned char *)session->alpn.ptr;
    unsigned char *chosen;

    (void)arg;
    if (session->alpn.len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, ret_len, own, (unsigned)session->alpn.len, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Takes the reference to ours, if anybody wants it. */
static int keep_ticket(SSL *ssl, SSL_SESSION *ours)
{
    const struct tls_session *session = SSL_get_app_data(ssl);

    if (!session->ticket)
        return 0;
    SSL_SESSION_free(session->ticket->session);
    session->ticket->session = ours;
    return 1;
}

/* ---- Making contexts ------------------------------------------------------------------------- */

/* The names of TLS 1.3 have a list of their own. */
static int set_ciphers(SSL_CTX *ssl, const char *ciphers, char *error)
{
    char lists[2][1024] = {"", ""};

    if (!ciphers)
        return SSL_CTX_set_cipher_list(ssl, DEFAULT_CIPHERS) == 1 ? 0 : WEIR_ERROR_NOMEM;
    if (strlen(ciphers) >= sizeof lists[0]) {
        snprintf(error, TLS_ERROR, "the list of ciphers is longer than %zu bytes",
                 sizeof lists[0] - 1);
        return WEIR_ERROR_INVALID;
    }
    for (const char *p = ciphers, *end; *p; p = *end ? end + 1 : end) {
        char *list = lists[strncmp(p, "TLS_", 4) == 0];
        size_t len = strlen(list);
        end = strchrnul(p, ':');
        snprintf(list + len, sizeof lists[0] - len, "%s%.*s", len ? ":" : "", (int)(end - p), p);
    }
    if ((lists[0][0] && SSL_CTX_set_cipher_list(ssl, lists[0]) != 1) ||
        (lists[1][0] && SSL_CTX_set_ciphersuites(ssl, lists[1]) != 1)) {
        (void)fail(error, "cannot use ciphers", ciphers);
        return WEIR_ERROR_INVALID;
    }
    return 0;
}

static void set_up_accepting(struct tls_context *context, SSL_CTX *ssl)
{
    SSL_CTX_set_tlsext_servername_callback(ssl, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(ssl, context);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    /* Sessions are resumed by tickets, which the clients keep. Their keys go with the context: what
     * was trusted before certificates were reloaded is looked at again. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(ssl, (const unsigned char *)"weir", 4);
    if (context->verify == TLS_VERIFY_OPTIONAL)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, accept_all);
    else if (context->verify == TLS_VERIFY_REQUIRED)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (context->issuer_names)
        SSL_CTX_set_client_CA_list(ssl, SSL_dup_CA_list(context->issuer_names));
}

static void set_up_connecting(struct tls_context *context, SSL_CTX *ssl)
{
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, keep_ticket);
    if (!context->no_verify)
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
}

static int new_ssl_ctx(struct tls_context *context, SSL_CTX **ret_ssl, char *error)
{
    SSL_CTX *ssl = SSL_CTX_new(context->accepting ? TLS_server_method() : TLS_client_method());
    int rc;

    if (!ssl)
        return WEIR_ERROR_NOMEM;
    SSL_CTX_set_default_passwd_cb(ssl, no_password);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_min_proto_version(ssl, context->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    if (context->issuers)
        SSL_CTX_set1_cert_store(ssl, context->issuers);
    if (context->accepting)
        set_up_accepting(context, ssl);
    else
        set_up_connecting(context, ssl);
    rc = set_ciphers(ssl, context->ciphers, error);
    if (rc == 0 && !context->accepting && !context->issuers && !context->no_verify &&
        SSL_CTX_set_default_verify_paths(ssl) != 1)
        rc = WEIR_ERROR_NOMEM;
    if (rc != 0)
        SSL_CTX_free(ssl);
    else
        *ret_ssl = ssl;
    return rc;
}

static int load_issuers(struct tls_context *context, const char *file, char *error)
{
    context->issuers = X509_STORE_new();
    if (!context->issuers)
        return WEIR_ERROR_NOMEM;
    if (X509_STORE_load_file(context->issuers, file) != 1)
        return fail(error, "cannot use CA certificates", file);
    if (!context->accepting)
        return 0;
    context->issuer_names = SSL_load_client_CA_file(file);
    return context->issuer_names ? 0 : fail(error, "cannot use CA certificates", file);
}

/* Takes ssl over into the list. */
static int add_ssl_ctx(struct tls_context *context, SSL_CTX *ssl)
{
    SSL_CTX **list = realloc(context->ssl, (context->count + 1) * sizeof(SSL_CTX *));

    if (!list) {
        SSL_CTX_free(ssl);
        return WEIR_ERROR_NOMEM;
    }
    context->ssl = list;
    list[context->count++] = ssl;
    return 0;
}

int tls_context_new(bool accepting, const struct tls_settings *settings,
                    struct tls_context **ret_context, char error[static TLS_ERROR])
{
    struct tls_context *context = calloc(1, sizeof *context);
    SSL_CTX *ssl = NULL;
    int rc = WEIR_ERROR_NOMEM;

    snprintf(error, TLS_ERROR, "%s", weir_error_text(rc));
    if (!context)
        return rc;
    ERR_clear_error();
    atomic_init(&context->refs, 1);
    context->accepting = accepting;
    context->verify = settings->verify;
    context->no_verify = settings->no_verify;
    context->tls13_only = settings->tls13_only;
    context->ciphers = settings->ciphers ? strdup(settings->ciphers) : NULL;
    context->bio = tls_bio_method();
    if (!context->bio || (settings->ciphers && !context->ciphers))
        goto out;
    if (accepting && settings->verify != TLS_VERIFY_NONE && !settings->ca_file) {
        snprintf(
            error, TLS_ERROR,
            "client certificates cannot be verified without the certificates of their issuers");
        rc = WEIR_ERROR_INVALID;
        goto out;
    }
    rc = settings->ca_file ? load_issuers(context, settings->ca_file, error) : 0;
    if (rc == 0)
        rc = new_ssl_ctx(context, &ssl, error);
    if (rc == 0 && accepting)
        SSL_CTX_free(ssl); /* the settings are good; each certificate gets one of its own */
    else if (rc == 0)
        rc = add_ssl_ctx(context, ssl);
out:
    if (rc == 0)
        *ret_context = context;
    else
        tls_context_unref(context);
    return rc;
}

static int load_certificate(SSL_CTX *ssl, const char *cert_file, const char *key_file, char *error)
{
    bool asked = false;
    int rc = 0;

    if (SSL_CTX_use_certificate_chain_file(ssl, cert_file) != 1)
        return fail(error, "cannot use certificate", cert_file);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, &asked);
    if (SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ssl) != 1)
        rc = fail(error, "cannot use private key", key_file);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
    if (asked)
        snprintf(error, TLS_ERROR, "cannot use private key %s: it is locked with a password",
                 key_file);
    return rc;
}

int tls_context_add_certificate(struct tls_context *context, const char *cert_file,
                                const char *key_file, char error[static TLS_ERROR])
{
    SSL_CTX *ssl;
    int rc;

    ERR_clear_error();
    if (!key_file)
        key_file = cert_file;
    if (!context->accepting)
        return load_certificate(context->ssl[0], cert_file, key_file, error);

    snprintf(error, TLS_ERROR, "%s", weir_error_text(WEIR_ERROR_NOMEM));
    rc = new_ssl_ctx(context, &ssl, error);
    if (rc != 0)
        return rc;
    rc = load_certificate(ssl, cert_file, key_file, error);
    if (rc != 0) {
        SSL_CTX_free(ssl);
        return rc;
    }
    return add_ssl_ctx(context, ssl);
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < context->count; i++)
        SSL_CTX_free(context->ssl[i]);
    free(context->ssl);
    sk_X509_NAME_pop_free(context->issuer_names, X509_NAME_free);
    X509_STORE_free(context->issuers);
    BIO_meth_free(context->bio);
    free(context->ciphers);
    free(context);
}
