/* SPDX-License-Identifier: MIT
 *
 * server/certificates.c: see certificates.h. */
#include "server/certificates.h"

#include <stdlib.h>
#include <string.h>

/* Copies a string that may be missing; false when memory is out. */
static bool copy(const char **ret_copy, const char *text)
{
    *ret_copy = text ? strdup(text) : NULL;
    return !text || *ret_copy;
}

static void free_files(struct certificate_files *files)
{
    free(files->cert);
    free(files->key);
}

static int remember(struct certificates *c, const char *cert_file, const char *key_file)
{
    struct certificate_files *files = realloc(c->files, (c->count + 1) * sizeof *files);

    if (!files)
        return WEIR_ERROR_NOMEM;
    c->files = files;
    files += c->count;
    files->cert = strdup(cert_file);
    files->key = key_file ? strdup(key_file) : NULL;
    if (!files->cert || (key_file && !files->key)) {
        free_files(files);
        return WEIR_ERROR_NOMEM;
    }
    c->count++;
    return 0;
}

static void free_all(struct certificates *c)
{
    for (size_t i = 0; i < c->count; i++)
        free_files(&c->files[i]);
    free(c->files);
    free((char *)(uintptr_t)c->settings.ca_file);
    free((char *)(uintptr_t)c->settings.ciphers);
    tls_context_unref(c->context);
}

int certificates_init(struct certificates *c, const weir_server_options *options)
{
    int rc = WEIR_ERROR_NOMEM;

    memset(c, 0, sizeof *c);
    c->settings.verify = (enum tls_verify)options->tls_client_verify;
    c->settings.tls13_only = options->tls_min_version == WEIR_TLS_1_3;
    if (copy(&c->settings.ca_file, options->tls_client_ca) &&
        copy(&c->settings.ciphers, options->tls_ciphers) &&
        (!options->tls_cert || remember(c, options->tls_cert, options->tls_key) == 0))
        rc = uv_mutex_init(&c->lock) == 0 ? 0 : WEIR_ERROR_SYSTEM;
    if (rc != 0)
        free_all(c);
    return rc;
}

void certificates_done(struct certificates *c)
{
    free_all(c);
    uv_mutex_destroy(&c->lock);
}

int certificates_load(struct certificates *c, char error[static TLS_ERROR])
{
    int rc = 0;

    if (!c->context)
        rc = tls_context_new(true, &c->settings, &c->context, error);
    while (rc == 0 && c->loaded < c->count) {
        const struct certificate_files *files = &c->files[c->loaded];
        rc = tls_context_add_certificate(c->context, files->cert, files->key, error);
        if (rc == 0)
            c->loaded++;
    }
    return rc;
}

int certificates_add(struct certificates *c, const char *cert_file, const char *key_file,
                     char error[static TLS_ERROR])
{
    int rc = certificates_load(c, error);

    if (rc == 0)
        rc = remember(c, cert_file, key_file);
    if (rc != 0)
        return rc;
    rc = certificates_load(c, error);
    if (rc != 0)
        free_files(&c->files[--c->count]);
    return rc;
}

int certificates_reload(struct certificates *c, char error[static TLS_ERROR])
{
    struct tls_context *fresh = NULL, *old;
    int rc = tls_context_new(true, &c->settings, &fresh, error);

    for (size_t i = 0; i < c->count && rc == 0; i++)
        rc = tls_context_add_certificate(fresh, c->files[i].cert, c->files[i].key, error);
    if (rc != 0) {
        tls_context_unref(fresh);
        return rc;
    }
    uv_mutex_lock(&c->lock);
    old = c->context;
    c->context = fresh;
    uv_mutex_unlock(&c->lock);
    tls_context_unref(old);
    return 0;
}

struct tls_context *certificates_context(struct certificates *c)
{
    struct tls_context *context;

    uv_mutex_lock(&c->lock);
    context = c->context ? tls_context_ref(c->context) : NULL;
    uv_mutex_unlock(&c->lock);
    return context;
}
