/* SPDX-License-Identifier: MIT
 *
 * server/certificates.h: the TLS side of a server's options: which files, and the context made of
 * them, which is exchanged as a whole when they are read again. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include <uv.h>
#include <weir/server.h>

#include "net/tls.h"

struct certificates {
    uv_mutex_t lock; /* of context */
    struct tls_context *context;
    struct tls_settings settings; /* strings of our own */
    struct certificate_files {
        char *cert, *key; /* key may be NULL */
    } * files;
    size_t count;
    size_t loaded; /* how many of them context has */
};

/* Takes settings and file names from options; no file is read yet. 0, NOMEM or SYSTEM; then nothing
 * is left behind. */
int certificates_init(struct certificates *certificates, const weir_server_options *options);
void certificates_done(struct certificates *certificates);

/* Reads files that were not read yet. Errors as for tls_context_add_certificate. */
int certificates_load(struct certificates *certificates, char error[static TLS_ERROR]);

/* Adds a pair of files; before the server runs, and reads it. Errors as for certificates_load. */
int certificates_add(struct certificates *certificates, const char *cert_file, const char *key_file,
                     char error[static TLS_ERROR]);

/* Reads all files again. On an error everything stays as it was. Any thread. */
int certificates_reload(struct certificates *certificates, char error[static TLS_ERROR]);

/* The context for a new connection, a reference that is the caller's; NULL: there is none. */
struct tls_context *certificates_context(struct certificates *certificates);

#endif
