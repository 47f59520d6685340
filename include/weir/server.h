/* SPDX-License-Identifier: MIT
 *
 * weir/server.h: serving exchanges over FastCGI or HTTP.
 *
 *     http://HOST:PORT   http+unix:PATH   https://HOST:PORT (HTTP over TLS)
 *     fcgi://HOST:PORT   fcgi+unix:PATH   fcgis://HOST:PORT (FastCGI over TLS)
 *     fcgi+fd:0 (a socket inherited from spawn-fcgi)
 *
 * An empty HOST or "*" listens on every address, port 0 on a free one; IPv6 goes in brackets. */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

#include <weir/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Serves handler at url (https: and fcgis: need weir_server_new) until SIGTERM or SIGINT, then lets
 * running requests finish and returns 0. Where it listens, and what goes wrong, is written to
 * stderr. Blocks; takes over SIGTERM and SIGINT, and ignores SIGPIPE. Errors: ADDRESS, SYSTEM,
 * NOMEM. */
WEIR_API int weir_serve(const char *url, weir_handler *handler, void *arg);

typedef enum weir_log_level {
    WEIR_LOG_ERROR = 0,
    WEIR_LOG_WARNING = 1,
    WEIR_LOG_INFO = 2,
} weir_log_level;

/* One line without a newline. May be called from any of the server's threads. */
typedef void weir_log_fn(weir_log_level level, const char *line, void *arg);

/* Whether clients on https: and fcgis: listeners are asked for a certificate. */
typedef enum weir_tls_verify {
    WEIR_TLS_VERIFY_NONE = 0,
    /* Asked, but may have none, or one that is not accepted: a handler looks at
     * weir_tls_client_verify. */
    WEIR_TLS_VERIFY_OPTIONAL = 1,
    /* The handshake fails without a good one. */
    WEIR_TLS_VERIFY_REQUIRED = 2,
} weir_tls_verify;

typedef enum weir_tls_version {
    WEIR_TLS_1_2 = 0x0303,
    WEIR_TLS_1_3 = 0x0304,
} weir_tls_version;

/* Set size to sizeof(weir_server_options) and what you want to change; 0 elsewhere means the
 * default, UINT32_MAX or UINT64_MAX means no limit where that is said. Times are milliseconds. */
typedef struct weir_server_options {
    size_t size;
    uint32_t threads;          /* loops, each with connections of its own; default 1, at most 256 */
    uint32_t max_connections;  /* per server; default 10000; more are accepted and closed */
    uint32_t head_max;         /* bytes of an HTTP request head; default 32768 */
    uint32_t target_max;       /* bytes of a request target; default 8192 */
    uint32_t fields_max;       /* header fields; default 100 */
    uint32_t params_max;       /* bytes of FastCGI parameters; default 65536 */
    uint32_t params_count_max; /* FastCGI parameters; default 512 */
    uint32_t max_requests;     /* concurrent requests on a FastCGI connection; default 100 */
    uint64_t body_max;         /* bytes of a request body; default no limit */
    uint32_t head_timeout;     /* first byte to complete head; default 10000 */
    uint32_t body_timeout;     /* between two pieces of body; default 30000 */
    uint32_t keepalive_timeout; /* HTTP connection without request; default 60000. FastCGI
                                   connections are the web server's to close */
    uint32_t send_timeout;      /* output that nobody takes; default 60000 */
    uint32_t drain_timeout;     /* graceful stop; default 30000 */
    uint32_t workers;      /* threads on which handlers run and may block, at most 4096; default 0:
                              handlers run on the loops and must not block */
    uint32_t worker_queue; /* requests that may wait for a worker; default 1000; more are rejected
                              as by weir_reject */
    weir_log_fn *log;      /* default: lines on stderr */
    void *log_arg;
    /* TLS, of all https: and fcgis: listeners. File names; they are copied, and the files are read
     * by weir_server_listen or weir_server_add_certificate, and again on reload. */
    const char *tls_cert;       /* PEM: the certificate, then its chain; default none */
    const char *tls_key;        /* PEM, without a password; default: it is in tls_cert */
    const char *tls_client_ca;  /* PEM: the issuers of client certificates; default none */
    uint32_t tls_client_verify; /* weir_tls_verify; default none */
    uint32_t tls_min_version;   /* weir_tls_version; default 1.2, which is also the least */
    const char *tls_ciphers;    /* OpenSSL's names with ':' between, those of TLS 1.3 ("TLS_...")
                                   and others in one list; default ECDHE with AES-GCM or
                                   ChaCha20-Poly1305, and what OpenSSL has for TLS 1.3 */
} weir_server_options;

typedef struct weir_server weir_server;

/* options may be NULL; they are copied. NULL when memory is out. Any thread. */
WEIR_API weir_server *weir_server_new(const weir_server_options *options);

/* Opens a listener whose requests go to handler. Before weir_server_run; several times for several
 * addresses. ADDRESS, SYSTEM, NOMEM; CERTIFICATE or INVALID when the options for TLS do not do;
 * weir_server_error says more. */
WEIR_API int weir_server_listen(weir_server *server, const char *url, weir_handler *handler,
                                void *arg);

/* Adds a certificate, as tls_cert and tls_key do, which come first. A client that asks for a name
 * (SNI) gets the first certificate that is valid for it, all others get the first one. Before
 * weir_server_run. CERTIFICATE, with the file and the reason in weir_server_error; INVALID, STATE,
 * NOMEM. */
WEIR_API int weir_server_add_certificate(weir_server *server, const char *cert_file,
                                         const char *key_file);

/* Reads all files of certificates, keys and issuers again, for connections that begin from now on;
 * those that stand are left alone, and no session from before is resumed. Any thread. CERTIFICATE,
 * INVALID, NOMEM: everything stays as it was, and the reason is logged; STATE when there are no
 * certificates. */
WEIR_API int weir_server_reload_certificates(weir_server *server);

/* The URL of listener number index (from 0) with the port that the kernel chose; NULL when there is
 * none. Valid until weir_server_free. */
WEIR_API const char *weir_server_url(const weir_server *server, size_t index);

/* One line about the last failure of a function of this server, "" if there was none. */
WEIR_API const char *weir_server_error(const weir_server *server);

/* Serves until weir_server_stop and everything has ended; the calling thread runs the first loop.
 * 0, SYSTEM or NOMEM; TIMEOUT when worker handlers were still running after drain_timeout and
 * cancellation: they still use the server, which must not be freed; end the process. */
WEIR_API int weir_server_run(weir_server *server);

/* Begins a graceful stop: no new connections, idle ones are closed, running requests finish within
 * drain_timeout, then are cancelled. Any thread, and signal handlers. A second call cancels at
 * once. */
WEIR_API void weir_server_stop(weir_server *server);

/* Frees a server that is not running; closes its listeners and removes their UNIX sockets. NULL is
 * allowed; always returns NULL. */
WEIR_API weir_server *weir_server_free(weir_server *server);

#ifdef __cplusplus
}
#endif
#endif
