/* SPDX-License-Identifier: MIT
 *
 * weir/tls.h: what is known of the client's TLS connection.
 *
 * Over https: it comes from the session itself; over FastCGI from what the proxy says about its
 * client, in parameters named TLS_* (weir) or SSL_* (Apache, and by custom nginx and others): never
 * from a header. The same names are seen by weir_param in both cases:
 *
 *     HTTPS                   "on"
 *     TLS_PROTOCOL            SSL_PROTOCOL         "TLSv1.3"
 *     TLS_CIPHER              SSL_CIPHER           "TLS_AES_256_GCM_SHA384"
 *     TLS_SNI                 SSL_TLS_SNI          the host name asked for
 *     TLS_ALPN                                     "http/1.1"
 *     TLS_CLIENT_VERIFY       SSL_CLIENT_VERIFY    "NONE", "SUCCESS", "FAILED:" and the reason
 *     TLS_CLIENT_SUBJECT      SSL_CLIENT_S_DN      and the rest only with a certificate that was
 *     TLS_CLIENT_ISSUER       SSL_CLIENT_I_DN      verified
 *     TLS_CLIENT_SERIAL       SSL_CLIENT_M_SERIAL
 *     TLS_CLIENT_FINGERPRINT
 *     TLS_CLIENT_NOT_AFTER    SSL_CLIENT_V_END
 *     TLS_CLIENT_CERT         SSL_CLIENT_CERT
 *
 * Since 0.1. All functions belong to the thread that handles the exchange. */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H

#include <weir/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_tls_info weir_tls_info;

/* The client's TLS connection; NULL when it spoke plain HTTP, when the proxy does not say, and when
 * memory is out. Valid until the exchange ends, as are all strings from it. */
WEIR_API const weir_tls_info *weir_tls(weir_exchange *x);

/* "TLSv1.2" or "TLSv1.3"; NULL when the proxy does not say. */
WEIR_API const char *weir_tls_protocol(const weir_tls_info *tls);

/* The cipher suite by OpenSSL's name; NULL when the proxy does not say. */
WEIR_API const char *weir_tls_cipher(const weir_tls_info *tls);

/* The host name that the client asked for in its handshake (RFC 6066 3), which need not be that of
 * the request; NULL when there was none. */
WEIR_API const char *weir_tls_sni(const weir_tls_info *tls);

/* The protocol agreed on in the handshake (RFC 7301); NULL when there was none. */
WEIR_API const char *weir_tls_alpn(const weir_tls_info *tls);

typedef enum weir_tls_client_state {
    WEIR_TLS_CLIENT_NONE = 0,    /* no certificate, or none was asked for */
    WEIR_TLS_CLIENT_SUCCESS = 1, /* a certificate, and its issuer is trusted */
    WEIR_TLS_CLIENT_FAILED = 2,  /* a certificate that was not accepted: expired, unknown issuer */
} weir_tls_client_state;

/* What became of the client's certificate. */
WEIR_API weir_tls_client_state weir_tls_client_verify(const weir_tls_info *tls);

/* ---- The client's certificate ---------------------------------------------------------------- */

/* All of these give NULL, or -1, unless weir_tls_client_verify is SUCCESS, and when the proxy does
 * not say. */

/* Whose it is and who says so, in the form of RFC 2253: "CN=Ann,O=Example". */
WEIR_API const char *weir_tls_client_subject(const weir_tls_info *tls);
WEIR_API const char *weir_tls_client_issuer(const weir_tls_info *tls);

/* Its number, unique among those of the issuer, in hexadecimal digits. */
WEIR_API const char *weir_tls_client_serial(const weir_tls_info *tls);

/* SHA-256 of it, in 64 lower-case hexadecimal digits. */
WEIR_API const char *weir_tls_client_fingerprint(const weir_tls_info *tls);

/* When it ends to be valid, in seconds since 1970. */
WEIR_API int64_t weir_tls_client_not_after(const weir_tls_info *tls);

/* All of it, in PEM. */
WEIR_API const char *weir_tls_client_cert(const weir_tls_info *tls);

#ifdef __cplusplus
}
#endif
#endif
