/* SPDX-License-Identifier: MIT
 *
 * proxy/options.c: see options.h. */
#include "proxy/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char help_text[] =
    "weir: a reverse proxy from HTTP to FastCGI\n"
    "\n"
    "usage: weir --listen URL... --to URL... [options]\n"
    "\n"
    "  --listen URL           accept HTTP on http://HOST:PORT, https://HOST:PORT or\n"
    "                         http+unix:PATH; repeatable\n"
    "  --to URL               a FastCGI application on fcgi://HOST:PORT, fcgis://HOST:PORT (TLS)\n"
    "                         or fcgi+unix:PATH; several take turns\n"
    "  --cert FILE            certificate and chain for https:, PEM; several are chosen from by\n"
    "                         the name that the client asks for, the first serves the rest\n"
    "  --key FILE             the private key of the --cert before it, if not in the same file\n"
    "  --client-ca FILE       ask clients for a certificate issued by one of these\n"
    "  --client-verify required|optional  with --client-ca: what if there is none (default\n"
    "                         required)\n"
    "  --backend-ca FILE      who may have issued the certificates of fcgis: backends (default:\n"
    "                         whom the system trusts)\n"
    "  --backend-cert FILE, --backend-key FILE  weir's own certificate towards backends\n"
    "  --root DIR             script backends (php-fpm, fcgiwrap): the script is the file under\n"
    "                         DIR that the path names, sent as SCRIPT_FILENAME\n"
    "  --threads N            loop threads, 1 to 256 (default 1)\n"
    "  --keepalive N|auto|off idle connections kept to each backend by each thread; auto (the\n"
    "                         default) keeps them to backends that declare they can\n"
    "  --http2 auto|off       HTTP/2 besides HTTP/1.1, by ALPN, or in clear text to clients that\n"
    "                         begin with its preface (default auto)\n"
    "  --max-body BYTES       largest request body (default 1073741824)\n"
    "  --connect-timeout MS   (default 2000)\n"
    "  --response-timeout MS  until the first byte of a response, and between two (default 60000)\n"
    "  --help, --version\n"
    "\n"
    "SIGTERM and SIGINT finish the requests that run, then weir ends. SIGHUP reads certificates\n"
    "and keys again.\n";

enum {
    OPT_LISTEN = 256,
    OPT_TO,
    OPT_ROOT,
    OPT_THREADS,
    OPT_KEEPALIVE,
    OPT_HTTP2,
    OPT_MAX_BODY,
    OPT_CONNECT_TIMEOUT,
    OPT_RESPONSE_TIMEOUT,
    OPT_CERT,
    OPT_KEY,
    OPT_CLIENT_CA,
    OPT_CLIENT_VERIFY,
    OPT_BACKEND_CA,
    OPT_BACKEND_CERT,
    OPT_BACKEND_KEY,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"to", required_argument, NULL, OPT_TO},
    {"root", required_argument, NULL, OPT_ROOT},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"keepalive", required_argument, NULL, OPT_KEEPALIVE},
    {"http2", required_argument, NULL, OPT_HTTP2},
    {"max-body", required_argument, NULL, OPT_MAX_BODY},
    {"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
    {"response-timeout", required_argument, NULL, OPT_RESPONSE_TIMEOUT},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"client-ca", required_argument, NULL, OPT_CLIENT_CA},
    {"client-verify", required_argument, NULL, OPT_CLIENT_VERIFY},
    {"backend-ca", required_argument, NULL, OPT_BACKEND_CA},
    {"backend-cert", required_argument, NULL, OPT_BACKEND_CERT},
    {"backend-key", required_argument, NULL, OPT_BACKEND_KEY},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool number(const char *option, const char *text, uint64_t min, uint64_t max,
                   uint64_t *ret_value)
{
    uint64_t value;

    if (str_to_u64(str_of(text), max, &value) && value >= min) {
        *ret_value = value;
        return true;
    }
    fprintf(stderr, "weir: --%s takes a whole number from %llu to %llu, not \"%s\"\n", option,
            (unsigned long long)min, (unsigned long long)max, text);
    return false;
}

static bool add(const char *option, const char **list, unsigned *count, unsigned max,
                const char *value)
{
    if (*count == max) {
        fprintf(stderr, "weir: at most %u --%s\n", max, option);
        return false;
    }
    list[(*count)++] = value;
    return true;
}

static bool keepalive(const char *text, int *ret_keepalive)
{
    uint64_t n;

    if (strcmp(text, "auto") == 0)
        *ret_keepalive = KEEPALIVE_AUTO;
    else if (strcmp(text, "off") == 0)
        *ret_keepalive = 0;
    else if (number("keepalive", text, 0, 65535, &n))
        *ret_keepalive = (int)n;
    else
        return false;
    return true;
}

static bool http2(const char *text, uint32_t *ret_http2)
{
    bool off = strcmp(text, "off") == 0;

    if (!off && strcmp(text, "auto") != 0) {
        fprintf(stderr, "weir: --http2 takes auto or off, not \"%s\"\n", text);
        return false;
    }
    *ret_http2 = off ? WEIR_HTTP2_OFF : WEIR_HTTP2_AUTO;
    return true;
}

static bool milliseconds(const char *option, const char *text, uint32_t *ret_ms)
{
    uint64_t n;

    if (!number(option, text, 1, UINT32_MAX, &n))
        return false;
    *ret_ms = (uint32_t)n;
    return true;
}

static bool root(const char *text, const char **ret_root)
{
    static char real[PATH_MAX];

    if (!realpath(text, real)) {
        fprintf(stderr, "weir: --root %s: %s\n", text, strerror(errno));
        return false;
    }
    *ret_root = real;
    return true;
}

static bool key(const char *file, struct proxy_options *o)
{
    if (o->cert_count == 0 || o->key[o->cert_count - 1]) {
        fputs("weir: --key must follow the --cert that it belongs to\n", stderr);
        return false;
    }
    o->key[o->cert_count - 1] = file;
    return true;
}

static bool client_verify(const char *text, weir_tls_verify *ret_verify)
{
    if (strcmp(text, "required") == 0)
        *ret_verify = WEIR_TLS_VERIFY_REQUIRED;
    else if (strcmp(text, "optional") == 0)
        *ret_verify = WEIR_TLS_VERIFY_OPTIONAL;
    else {
        fprintf(stderr, "weir: --client-verify takes required or optional, not \"%s\"\n", text);
        return false;
    }
    return true;
}

static bool take_tls(int option, const char *value, struct proxy_options *o)
{
    switch (option) {
    case OPT_CERT:
        return add("cert", o->cert, &o->cert_count, CERTIFICATES_MAX, value);
    case OPT_KEY:
        return key(value, o);
    case OPT_CLIENT_CA:
        o->client_ca = value;
        return true;
    case OPT_CLIENT_VERIFY:
        return client_verify(value, &o->client_verify);
    case OPT_BACKEND_CA:
        o->backend_ca = value;
        return true;
    case OPT_BACKEND_CERT:
        o->backend_cert = value;
        return true;
    default:
        o->backend_key = value;
        return true;
    }
}

static bool take(int option, const char *value, struct proxy_options *o)
{
    uint64_t n;

    if (option >= OPT_CERT)
        return take_tls(option, value, o);

    switch (option) {
    case OPT_LISTEN:
        return add("listen", o->listen, &o->listen_count, LISTENERS_MAX, value);
    case OPT_TO:
        return add("to", o->to, &o->to_count, BACKENDS_MAX, value);
    case OPT_ROOT:
        return root(value, &o->root);
    case OPT_THREADS:
        if (!number("threads", value, 1, 256, &n))
            return false;
        o->threads = (uint32_t)n;
        return true;
    case OPT_KEEPALIVE:
        return keepalive(value, &o->upstream.keepalive);
    case OPT_HTTP2:
        return http2(value, &o->http2);
    case OPT_MAX_BODY:
        return number("max-body", value, 1, INT64_MAX, &o->body_max);
    case OPT_CONNECT_TIMEOUT:
        return milliseconds("connect-timeout", value, &o->upstream.connect_timeout);
    default:
        if (!milliseconds("response-timeout", value, &o->upstream.first_byte_timeout))
            return false;
        o->upstream.response_timeout = o->upstream.first_byte_timeout;
        return true;
    }
}

enum options_result options_parse(int argc, char **argv, struct proxy_options *o)
{
    int option;

    *o = (struct proxy_options){
        .threads = 1, .body_max = 1 << 30, .upstream = UPSTREAM_OPTIONS_DEFAULT};
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(help_text, stdout);
            return OPTIONS_EXIT;
        }
        if (option == OPT_VERSION) {
            printf("weir %s\n", weir_version());
            return OPTIONS_EXIT;
        }
        if (option == '?') {
            fputs("weir: see weir --help\n", stderr);
            return OPTIONS_ERROR;
        }
        if (!take(option, optarg, o))
            return OPTIONS_ERROR;
    }
    if (o->client_ca && o->client_verify == WEIR_TLS_VERIFY_NONE)
        o->client_verify = WEIR_TLS_VERIFY_REQUIRED;
    if (optind < argc)
        fprintf(stderr, "weir: \"%s\" is not an option; see weir --help\n", argv[optind]);
    else if (o->listen_count == 0)
        fputs("weir: --listen is missing, as in --listen http://127.0.0.1:8080\n", stderr);
    else if (o->client_verify != WEIR_TLS_VERIFY_NONE && !o->client_ca)
        fputs("weir: --client-verify needs --client-ca\n", stderr);
    else if (o->backend_key && !o->backend_cert)
        fputs("weir: --backend-key needs --backend-cert\n", stderr);
    else if (o->to_count == 0)
        fputs("weir: --to is missing, as in --to fcgi+unix:/run/app.sock\n", stderr);
    else
        return OPTIONS_RUN;
    return OPTIONS_ERROR;
}
