/* SPDX-License-Identifier: MIT
 *
 * net/tls_none.c: net/tls.h in a build without TLS (-Dtls=disabled): contexts cannot be made, and
 * so there are no sessions. */
#include "net/tls.h"

#include <stdio.h>
#include <weir/error.h>

const char *tls_library(void)
{
    return NULL;
}

int tls_context_new(bool accepting, const struct tls_settings *settings,
                    struct tls_context **ret_context, char error[static TLS_ERROR])
{
    (void)accepting;
    (void)settings;
    (void)ret_context;
    snprintf(error, TLS_ERROR, "this program was built without TLS");
    return WEIR_ERROR_INVALID;
}

int tls_context_add_certificate(struct tls_context *context, const char *cert_file,
                                const char *key_file, char error[static TLS_ERROR])
{
    (void)context;
    (void)cert_file;
    (void)key_file;
    snprintf(error, TLS_ERROR, "this program was built without TLS");
    return WEIR_ERROR_INVALID;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    (void)context;
}

int tls_session_new(struct tls_context *context, struct pool *pool, weir_str alpn,
                    const char *server_name, struct tls_session **ret_session)
{
    (void)context;
    (void)pool;
    (void)alpn;
    (void)server_name;
    (void)ret_session;
    return WEIR_ERROR_INVALID;
}

void tls_session_free(struct tls_session *session)
{
    (void)session;
}

void tls_ticket_done(struct tls_ticket *ticket)
{
    (void)ticket;
}

void tls_session_use_ticket(struct tls_session *session, struct tls_ticket *ticket)
{
    (void)session;
    (void)ticket;
}

int tls_session_open(struct tls_session *session, char *buffer, size_t len, size_t *ret_len)
{
    (void)session;
    (void)buffer;
    (void)len;
    *ret_len = 0;
    return WEIR_ERROR_HANDSHAKE;
}

bool tls_session_is_ready(const struct tls_session *session)
{
    (void)session;
    return false;
}

int tls_session_seal(struct tls_session *session, struct outq *plain)
{
    (void)session;
    (void)plain;
    return 0;
}

struct outq *tls_session_sealed(struct tls_session *session)
{
    (void)session;
    return NULL;
}

size_t tls_session_unsent(const struct tls_session *session)
{
    (void)session;
    return 0;
}

void tls_session_end(struct tls_session *session)
{
    (void)session;
}

const char *tls_session_reason(const struct tls_session *session)
{
    (void)session;
    return "";
}

const char *tls_session_protocol(const struct tls_session *session)
{
    (void)session;
    return "";
}

const char *tls_session_cipher(const struct tls_session *session)
{
    (void)session;
    return "";
}

weir_str tls_session_alpn(const struct tls_session *session)
{
    (void)session;
    return WEIR_STR("");
}

const char *tls_session_sni(const struct tls_session *session)
{
    (void)session;
    return NULL;
}

bool tls_session_verifies(const struct tls_session *session)
{
    (void)session;
    return false;
}

const struct tls_peer *tls_session_peer(struct tls_session *session)
{
    (void)session;
    return NULL;
}
