/* SPDX-License-Identifier: MIT
 *
 * examples/echo.c: tells what it received: the three classes apart, and the body's length and hash.
 *
 *     echo fcgi+unix:/tmp/echo.sock      or any other address that hello takes
 *     echo https://:8443 CERT KEY        over TLS, so does fcgis://
 *     echo fcgis://:9443 CERT KEY CA     only for clients with a certificate of CA
 *     echo https://:8443 CERT KEY CA optional
 *
 * The query string asks for something else:
 *     ?status=404          answers with that status
 *     ?delay=250           answers after so many milliseconds
 *     ?stream=16&size=65536  answers with 16 pieces of 65536 bytes of text instead of JSON */
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

struct echo {
    EVP_MD_CTX *hash;
    uint64_t length;
    int state; /* how the body ended */
    unsigned long status, delay, stream, size;
    char *piece;
};

/* ---- A string that grows --------------------------------------------------------------------- */

struct text {
    char *ptr;
    size_t len, room;
    int failed;
};

static void add(struct text *t, const char *bytes, size_t len)
{
    if (t->len + len + 1 > t->room) {
        size_t room = 2 * (t->len + len + 1);
        char *ptr = realloc(t->ptr, room);
        if (!ptr) {
            t->failed = 1;
            return;
        }
        t->ptr = ptr;
        t->room = room;
    }
    memcpy(t->ptr + t->len, bytes, len);
    t->len += len;
}

static void add_text(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

/* A JSON string; bytes that are no ASCII are shown as the code points of the same number. */
static void add_string(struct text *t, weir_str s)
{
    char escape[8];

    add(t, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\')
            add(t, &s.ptr[i], 1);
        else
            add(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", ch));
    }
    add(t, "\"", 1);
}

static void add_member(struct text *t, const char *name, const char *value, int *first)
{
    add_text(t, *first ? "\n    " : ",\n    ");
    *first = 0;
    add_string(t, (weir_str){name, strlen(name)});
    add_text(t, ": ");
    if (value)
        add_string(t, (weir_str){value, strlen(value)});
    else
        add_text(t, "null");
}

/* ---- The answer ------------------------------------------------------------------------------ */

typedef bool pair_at(weir_exchange *x, size_t index, weir_str *name, weir_str *value);

static void add_pairs(struct text *t, weir_exchange *x, const char *title, pair_at *at)
{
    weir_str name, value;

    add_text(t, "  ");
    add_string(t, (weir_str){title, strlen(title)});
    add_text(t, ": {");
    for (size_t i = 0; at(x, i, &name, &value); i++) {
        add_text(t, i ? ",\n    " : "\n    ");
        add_string(t, name);
        add_text(t, ": ");
        add_string(t, value);
    }
    add_text(t, "\n  },\n");
}

static void add_request_line(struct text *t, weir_exchange *x)
{
    int first = 1;

    add_text(t, "  \"request\": {");
    add_member(t, "method", weir_method(x), &first);
    add_member(t, "target", weir_target(x), &first);
    add_member(t, "path", weir_path(x), &first);
    add_member(t, "query", weir_query(x), &first);
    add_member(t, "host", weir_host(x), &first);
    add_text(t, "\n  },\n");
}

static void add_body(struct text *t, struct echo *e)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char line[64];

    EVP_DigestFinal_ex(e->hash, digest, &size);
    snprintf(line, sizeof line, "  \"body\": {\"length\": %llu, \"sha256\": \"",
             (unsigned long long)e->length);
    add_text(t, line);
    for (unsigned int i = 0; i < size; i++) {
        snprintf(line, sizeof line, "%02x", digest[i]);
        add_text(t, line);
    }
    add_text(t, e->state == 1 ? "\", \"complete\": true}\n" : "\", \"complete\": false}\n");
}

static void let_go(struct echo *e)
{
    EVP_MD_CTX_free(e->hash);
    free(e->piece);
    free(e);
}

static void answer_json(weir_exchange *x, struct echo *e)
{
    struct text t = {0};

    add_text(&t, "{\n");
    add_pairs(&t, x, "params", weir_param_at);
    add_request_line(&t, x);
    add_pairs(&t, x, "headers", weir_header_at);
    add_body(&t, e);
    add_text(&t, "}\n");
    if (t.failed)
        weir_fail(x);
    else
        weir_respond_bytes(x, (int)e->status, "application/json", (weir_str){t.ptr, t.len});
    free(t.ptr);
    let_go(e);
}

static void stream_on(weir_exchange *x, void *arg)
{
    struct echo *e = arg;
    int rc = 0;

    while (e->stream > 0 && rc == 0) {
        rc = weir_write(x, e->piece, e->size);
        if (rc == 0)
            e->stream--;
    }
    if (rc == WEIR_ERROR_AGAIN) {
        weir_on_drain(x, stream_on, e);
        return;
    }
    weir_finish(x);
    let_go(e);
}

static void answer(weir_exchange *x, void *arg)
{
    struct echo *e = arg;

    if (e->stream == 0) {
        answer_json(x, e);
        return;
    }
    e->piece = malloc(e->size + 1);
    if (!e->piece || weir_set_status(x, (int)e->status) != 0 ||
        weir_add_header(x, "Content-Type", "text/plain") != 0) {
        weir_fail(x);
        let_go(e);
        return;
    }
    for (unsigned long i = 0; i < e->size; i++)
        e->piece[i] = (i + 1) % 64 ? (char)('a' + i % 26) : '\n';
    stream_on(x, e);
}

/* ---- The request ----------------------------------------------------------------------------- */

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct echo *e = arg;

    EVP_DigestUpdate(e->hash, data.ptr, data.len);
    e->length += data.len;
    if (state == 0)
        return;
    e->state = state;
    if (e->delay == 0 || weir_after(x, (uint32_t)e->delay, answer, e) != 0)
        answer(x, e);
}

/* A handler that waits is told when nobody waits for it any more. */
static void on_cancel(weir_exchange *x, void *arg)
{
    struct echo *e = arg;

    if (e->state == 0)
        return; /* on_body hears of it and answers */
    weir_finish(x);
    let_go(e);
}

/* The number behind NAME= in the query string. */
static unsigned long option(weir_exchange *x, const char *name, unsigned long fallback,
                            unsigned long max)
{
    const char *text = weir_query_get(x, name);
    unsigned long value = text ? strtoul(text, NULL, 10) : fallback;

    return value < max ? value : max;
}

static void echo(weir_exchange *x, void *arg)
{
    struct echo *e = calloc(1, sizeof *e);

    (void)arg;
    if (!e || !(e->hash = EVP_MD_CTX_new()) || !EVP_DigestInit_ex(e->hash, EVP_sha256(), NULL)) {
        if (e)
            let_go(e);
        weir_fail(x);
        return;
    }
    e->status = option(x, "status", 200, 599);
    e->delay = option(x, "delay", 0, 600000);
    e->stream = option(x, "stream", 0, 1000000);
    e->size = option(x, "size", 1024, 1 << 24);
    weir_on_cancel(x, on_cancel, e);
    weir_on_body(x, on_body, e);
}

/* ---- The server ------------------------------------------------------------------------------ */

static weir_server *server;

static void on_signal(int number)
{
    (void)number;
    weir_server_stop(server);
}

static int serve_tls(const char *url, char **files, int count)
{
    weir_server_options options = {
        .size = sizeof options,
        .tls_cert = files[0],
        .tls_key = count > 1 ? files[1] : NULL,
        .tls_client_ca = count > 2 ? files[2] : NULL,
        .tls_client_verify = count > 3   ? WEIR_TLS_VERIFY_OPTIONAL
                             : count > 2 ? WEIR_TLS_VERIFY_REQUIRED
                                         : WEIR_TLS_VERIFY_NONE,
    };
    int rc;

    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, url, echo, NULL) != 0) {
        fprintf(stderr, "echo: %s\n", server ? weir_server_error(server) : "out of memory");
        weir_server_free(server);
        return 1;
    }
    fprintf(stderr, "echo: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    rc = weir_server_run(server);
    weir_server_free(server);
    return rc != 0;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return serve_tls(argv[1], argv + 2, argc - 2);
    return weir_serve(argc > 1 ? argv[1] : NULL, echo, NULL) != 0;
}
