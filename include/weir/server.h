/* SPDX-License-Identifier: MIT
 *
 * weir/server.h: serving exchanges over FastCGI or HTTP.
 *
 * Where to listen is a URL:
 *
 *     fcgi://HOST:PORT    http://HOST:PORT     TCP
 *     fcgis://HOST:PORT   https://HOST:PORT    TLS
 *     fcgi+unix:PATH      http+unix:PATH       a UNIX socket
 *     fcgi+systemd:NAME   http+systemd:NAME    sockets passed by a systemd .socket unit; over TLS
 *                                              fcgis+systemd:, https+systemd:
 *     fcgi+fd:NUMBER      http+fd:NUMBER       an inherited descriptor; fcgis+fd:, https+fd:
 *
 * NULL is fcgi+fd:0 if descriptor 0 is a listening socket: what spawn-fcgi and mod_fcgid start
 * (FastCGI 2.2).
 *
 * HOST is an address, IPv6 in brackets ([::1]), or a name: all addresses that it has are listened
 * on, for localhost 127.0.0.1 and ::1. An address that the machine does not have is passed over as
 * long as there is another one. Empty or "*" is every address of both families. Port 0 is one that
 * is free, the same for all addresses. A port that another process listens on is an error.
 *
 * PATH has at most 100 bytes, absolute or relative to the current folder, without '?'; or it is
 * @NAME in the abstract namespace. The socket's file appears with its owner and mode set, and
 * answering. One that nobody listens on any more is replaced in one step; one that answers, or is
 * no socket, is an error and stays. When the server stops the file is removed, if it is still ours.
 *
 * NAME is one of FileDescriptorName= (else that of the unit, like app.socket), which several
 * sockets may have; or a number, counted from 0; or empty: all that were passed. The environment
 * (LISTEN_FDS, ...) stays as it is, so several servers may take from it.
 *
 * NUMBER is that of a listening stream socket, TCP or UNIX. It stays open and goes on listening
 * after the server has stopped, which has a descriptor of its own. O_NONBLOCK is set on the socket,
 * and so for all processes that share it, and stays: without it a process that is woken for a
 * connection which another one takes would hang.
 *
 * Options follow, URL?OPTION=VALUE&OPTION=VALUE, with values as they are, without escapes:
 *
 *     mode=0660     permissions of the socket's file, octal; a client needs to write. Default: what
 *                   the umask leaves of 0777, or 0660 when owner or group is given
 *     owner=USER    of the file, by name or number
 *     group=GROUP   the same
 *     allow=LIST    who may connect: on UNIX sockets users by name or number (SO_PEERCRED), over
 *                   TCP IPv4 and IPv6 addresses and networks. Others are closed right after
 *                   accept, with a line in the log
 *
 *     fcgi+unix:/run/app.sock?mode=0660&group=www-data&allow=www-data,1000
 *     fcgi://10.0.0.1:9000?allow=10.0.0.0/8,::1
 *
 * The environment variable FCGI_WEB_SERVER_ADDRS (FastCGI 3.2) is obeyed by every FastCGI listener,
 * HTTP ones do not look at it: a comma-separated list of addresses, IPv4 or also IPv6, outside of
 * which a peer is closed right after accept; so is any peer on a UNIX socket. It comes on top of
 * allow. When it is set but no such list, also when it is empty, weir_server_listen fails. */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

#include <weir/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s; /* uv_loop_t of libuv */

/* Serves handler at url (those over TLS need weir_server_new) until SIGTERM or SIGINT, then lets
 * running requests finish and returns 0. Where it listens, and what goes wrong, is written to
 * stderr, or to syslog if that was closed. Blocks. While it serves it takes SIGTERM and SIGINT and
 * ignores SIGPIPE; when it returns they are as they were. Errors: ADDRESS, SYSTEM, NOMEM; STATE;
 * and as weir_server_run. */
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

/* Whether HTTP/2 (RFC 9113) is spoken beside HTTP/1.1, on the same listeners. */
typedef enum weir_http2 {
    WEIR_HTTP2_AUTO = 0, /* on https: to clients that choose it by ALPN; on http: to those that know
                            it and begin with its preface (RFC 9113 3.3) */
    WEIR_HTTP2_OFF = 1,
} weir_http2;

/* Set size to sizeof(weir_server_options) and what you want to change; 0 elsewhere means the
 * default. Times are milliseconds. A value over its maximum makes weir_server_listen fail.
 *
 * max_connections counts open connections of all listeners and threads, exactly. While it is
 * reached no more are accepted: clients wait in the kernel's backlog until others have ended. To
 * make room, HTTP connections between two requests are closed then. FastCGI connections are not,
 * they are the web server's to close (FastCGI 3.5); its pool should be smaller than the limit. */
typedef struct weir_server_options {
    size_t size;
    uint32_t threads;          /* loops, each with connections of its own; default 1, at most 256 */
    uint32_t max_connections;  /* open at the same time; default 10000 */
    uint32_t head_max;         /* bytes of an HTTP request head; default 32768, at most 16 MiB */
    uint32_t target_max;       /* bytes of a request target; default 8192, at most 16 MiB */
    uint32_t fields_max;       /* header fields; default 100, at most 1000 */
    uint32_t params_max;       /* bytes of FastCGI parameters; default 65536, at most 64 MiB */
    uint32_t params_count_max; /* FastCGI parameters; default 512 */
    uint32_t max_requests;     /* concurrent requests on a FastCGI connection; default 100, at most
                                  65535 */
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
    weir_log_fn *log;      /* default: lines on stderr, or in syslog if that was closed */
    void *log_arg;
    /* TLS, of all https: and fcgis: listeners. File names; they are copied, and the files are read
     * by weir_server_listen or weir_server_add_certificate, and again on reload. */
    const char *tls_cert;         /* PEM: the certificate, then its chain; default none */
    const char *tls_key;          /* PEM, without a password; default: it is in tls_cert */
    const char *tls_client_ca;    /* PEM: the issuers of client certificates; default none */
    uint32_t tls_client_verify;   /* weir_tls_verify; default none */
    uint32_t tls_min_version;     /* weir_tls_version; default 1.2, which is also the least */
    const char *tls_ciphers;      /* OpenSSL's names with ':' between, those of TLS 1.3 ("TLS_...")
                                     and others in one list; default ECDHE with AES-GCM or
                                     ChaCha20-Poly1305, and what OpenSSL has for TLS 1.3 */
    const char *web_server_addrs; /* what FCGI_WEB_SERVER_ADDRS would be, instead of it; default:
                                     the environment */
    uint32_t http2;               /* weir_http2; default WEIR_HTTP2_AUTO */
    uint32_t h2_max_streams; /* concurrent requests on an HTTP/2 connection, counted until their
                                handlers are done; default 100, at most 1000; more are refused */
    uint32_t h2_window;      /* bytes of a request body that a client may send before the handler
                                takes any; default 65536, at most 16777216 */
    uint32_t h2_window_max;  /* to which that grows for a handler that keeps up; default 1048576, at
                                least h2_window, at most 16777216 */
    uint32_t h2_connection_window; /* the same for all requests of a connection together, and the
                                      most that a connection keeps of bodies; default 8388608, at
                                      least h2_window * (h2_max_streams + 1) */
    uint32_t h2_header_table;   /* bytes of the HPACK table in each direction; default 4096, at most
                                   65536 */
    uint32_t h2_resets;         /* streams reset before their time, by the client or for its fault,
                                   until the connection is ended; each answer and time (a tenth of
                                   this number a second) make up for one; default 200 */
    uint32_t h2_control_frames; /* the same for PING, SETTINGS, WINDOW_UPDATE and the like, made up
                                   for by DATA and time; default 1000 */
} weir_server_options;

typedef struct weir_server weir_server;

/* options may be NULL; they are copied. NULL when memory is out. Any thread. If one of the
 * descriptors 0 to 2 is closed, as FastCGI 2.2 starts programs, /dev/null is opened there, so that
 * nothing else gets the number and then what is written to stdout or stderr. */
WEIR_API weir_server *weir_server_new(const weir_server_options *options);

/* Opens a listener whose requests go to handler. Before weir_server_run; several times for several
 * addresses. What arg points to must live as long as the server. 0; ADDRESS, a URL, option or list
 * of addresses that cannot be used; SYSTEM; NOMEM; CERTIFICATE or INVALID, the options for TLS do
 * not do; INVALID, a server option is over its maximum; STATE, the server runs or has run. After an
 * error nothing is listened on that was not before; weir_server_error says more. */
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

/* Where the server listens, as URLs without options, each address by itself and with the port that
 * the kernel chose: number index, from 0, in the order of weir_server_listen. Of an inherited
 * socket it is the address that it has. NULL when there are no more. Valid until weir_server_free.
 */
WEIR_API const char *weir_server_url(const weir_server *server, size_t index);

/* One line about the last failure of a function of this server, "" if there was none. */
WEIR_API const char *weir_server_error(const weir_server *server);

/* Serves until weir_server_stop and everything has ended; the calling thread runs the first loop.
 * Once in a server's life. Signals are not touched, and none is raised: SIGPIPE neither.
 * 0, SYSTEM or NOMEM; INVALID, an option over its maximum; STATE, no listener, or not the first
 * time; TIMEOUT when worker handlers were still running after drain_timeout and cancellation: they
 * still use the server, which must not be freed; end the process. */
WEIR_API int weir_server_run(weir_server *server);

/* Called on the application's loop when an attached server has ended: nothing of it is on the loop
 * any more, and it may be freed, in here too. */
typedef void weir_stopped_fn(weir_server *server, void *arg);

/* Serves on a loop that the application runs, instead of weir_server_run: returns at once, and
 * handlers are called while the loop runs. The server keeps the loop alive until it has ended.
 * Several servers may be on one loop; a server on several threads cannot (weir_server_options
 * .threads must be 1, .workers may be used). Signals are not touched.
 *
 * weir_server_stop begins the end as ever; when it has come, stopped (which may be NULL) is called
 * with arg. A handler that holds its exchange after cancellation holds up the end as well, and is
 * logged. The loop's thread. 0; SYSTEM, NOMEM, INVALID or STATE as weir_server_run, and then
 * stopped is not called and the server can be freed. */
WEIR_API int weir_server_attach(weir_server *server, struct uv_loop_s *loop,
                                weir_stopped_fn *stopped, void *arg);

/* Begins a graceful stop: no new connections are accepted, and the listeners are closed, so that
 * another process may have their addresses at once; the inherited ones of systemd keep listening
 * for it. Idle connections are closed, FastCGI ones included. Running requests finish and get their
 * answers and END_REQUEST within drain_timeout, then are cancelled. Any thread, and signal
 * handlers. A second call cancels at once. */
WEIR_API void weir_server_stop(weir_server *server);

/* Frees a server that does not run, closes its listeners and removes their UNIX sockets. An
 * attached one must have ended. NULL is allowed; always returns NULL. */
WEIR_API weir_server *weir_server_free(weir_server *server);

#ifdef __cplusplus
}
#endif
#endif
