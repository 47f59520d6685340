/* SPDX-License-Identifier: MIT
 *
 * server/tls.c: connections that speak TLS, and the parameters that tell a handler so. */
#include "server/tls.h"

#include "server/certificates.h"

bool conn_start_tls(struct conn *conn)
{
    struct site *site = conn->site;
    struct tls_context *context;
    int rc;

    if (!site->endpoint.is_tls)
        return true;
    context = certificates_context(&site->server->certificates);
    rc = stream_accept_tls(&conn->stream, context, site->alpn);
    tls_context_unref(context); /* the session has its own reference */
    return rc == 0;
}

bool conn_handshake_failed(struct conn *conn, int error)
{
    if (error != WEIR_ERROR_HANDSHAKE)
        return false;
    const char *reason = tls_session_reason(conn->stream.tls);
    if (*reason) /* else the client went away, as a balancer's probe does */
        server_log(conn->sl->server, WEIR_LOG_INFO, "reason=tls-handshake listener=%s: %s",
                   conn->site->url, reason);
    stream_finish(&conn->stream, true);
    return true;
}

static void add(weir_exchange *ex, const char *name, weir_str value)
{
    ex->params[ex->param_count++] = (weir_pair){str_of(name), value};
}

/* The same fact under our name and under Apache's, which applications know. */
static void add_both(weir_exchange *ex, const char *name, const char *apache_name,
                     const char *value)
{
    add(ex, name, str_of(value));
    add(ex, apache_name, str_of(value));
}

static int add_peer(weir_exchange *ex, struct tls_session *session)
{
    const struct tls_peer *peer = tls_session_peer(session);

    if (!peer)
        return WEIR_ERROR_NOMEM;
    add_both(ex, "TLS_CLIENT_VERIFY", "SSL_CLIENT_VERIFY", peer->verify);
    if (!peer->subject)
        return 0;
    add_both(ex, "TLS_CLIENT_SUBJECT", "SSL_CLIENT_S_DN", peer->subject);
    add_both(ex, "TLS_CLIENT_ISSUER", "SSL_CLIENT_I_DN", peer->issuer);
    add_both(ex, "TLS_CLIENT_SERIAL", "SSL_CLIENT_M_SERIAL", peer->serial);
    add(ex, "TLS_CLIENT_FINGERPRINT", str_of(peer->fingerprint));
    add(ex, "TLS_CLIENT_NOT_AFTER", str_of(peer->not_after));
    add(ex, "SSL_CLIENT_V_END", str_of(peer->not_after_text));
    add_both(ex, "TLS_CLIENT_CERT", "SSL_CLIENT_CERT", peer->pem);
    return 0;
}

int tls_params_add(weir_exchange *ex, struct tls_session *session)
{
    weir_str alpn = tls_session_alpn(session);
    const char *sni = tls_session_sni(session);

    add(ex, "HTTPS", WEIR_STR("on"));
    add_both(ex, "TLS_PROTOCOL", "SSL_PROTOCOL", tls_session_protocol(session));
    add_both(ex, "TLS_CIPHER", "SSL_CIPHER", tls_session_cipher(session));
    if (sni)
        add_both(ex, "TLS_SNI", "SSL_TLS_SNI", sni);
    if (alpn.len > 0) {
        const char *copy = arena_copy(ex->arena, alpn.ptr, alpn.len); /* with a NUL */
        if (!copy)
            return WEIR_ERROR_NOMEM;
        add(ex, "TLS_ALPN", str(copy, alpn.len));
    }
    return tls_session_verifies(session) ? add_peer(ex, session) : 0;
}
