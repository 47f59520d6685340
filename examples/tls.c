/* SPDX-License-Identifier: MIT
 *
 * examples/tls.c: tells clients what is known of their TLS connection, and greets those with a
 * certificate by name. The same over https: by itself, and over FastCGI behind a proxy that ends
 * TLS.
 *
 *     tls https://:8443 cert.pem key.pem            plain TLS
 *     tls https://:8443 cert.pem key.pem ca.pem     and clients may show a certificate of ca.pem
 *     tls fcgi+unix:/tmp/tls.sock                   behind a proxy
 *
 * SIGHUP reads the files again, without closing a connection. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

static weir_server *server;

static const char *or_none(const char *text)
{
    return text ? text : "-";
}

static void handle(weir_exchange *x, void *arg)
{
    const weir_tls_info *tls = weir_tls(x);
    char body[2048];

    (void)arg;
    if (!tls) {
        weir_respond(x, 403, "text/plain", "Only over TLS\n");
        return;
    }
    /* Also without a certificate weir_tls_client_subject is NULL, and with one that was not
     * accepted: what is not NULL can be relied on. */
    snprintf(body, sizeof body,
             "Hello, %.500s\nprotocol %s\ncipher %s\nsni %.255s\nalpn %s\nverify %d\n"
             "issuer %.500s\nserial %.100s\nfingerprint %.64s\nnot after %lld\n",
             weir_tls_client_subject(tls) ? weir_tls_client_subject(tls) : "stranger",
             or_none(weir_tls_protocol(tls)), or_none(weir_tls_cipher(tls)),
             or_none(weir_tls_sni(tls)), or_none(weir_tls_alpn(tls)), weir_tls_client_verify(tls),
             or_none(weir_tls_client_issuer(tls)), or_none(weir_tls_client_serial(tls)),
             or_none(weir_tls_client_fingerprint(tls)), (long long)weir_tls_client_not_after(tls));
    weir_respond(x, 200, "text/plain", body);
}

/* A thread of its own for signals: reloading reads files, which a signal handler must not do. */
static void *wait_for_signals(void *arg)
{
    sigset_t *signals = arg;
    int number;

    while (sigwait(signals, &number) == 0 && number == SIGHUP)
        if (weir_server_reload_certificates(server) == 0)
            fputs("tls: certificates reloaded\n", stderr);
    weir_server_stop(server);
    return NULL;
}

int main(int argc, char **argv)
{
    weir_server_options options = {
        .size = sizeof options,
        .tls_cert = argc > 2 ? argv[2] : NULL,
        .tls_key = argc > 3 ? argv[3] : NULL,
        .tls_client_ca = argc > 4 ? argv[4] : NULL,
        .tls_client_verify = argc > 4 ? WEIR_TLS_VERIFY_OPTIONAL : WEIR_TLS_VERIFY_NONE,
    };
    pthread_t thread;
    sigset_t signals;
    int rc;

    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, NULL) != 0) {
        fprintf(stderr, "tls: %s\n", server ? weir_server_error(server) : "out of memory");
        weir_server_free(server);
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&thread, NULL, wait_for_signals, &signals) != 0) {
        weir_server_free(server);
        return 1;
    }
    fprintf(stderr, "tls: listening on %s\n", weir_server_url(server, 0));
    rc = weir_server_run(server);
    pthread_join(thread, NULL);
    weir_server_free(server);
    return rc != 0;
}
