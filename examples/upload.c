/* SPDX-License-Identifier: MIT
 *
 * examples/upload.c: a form with files.
 *
 *     upload fcgi+unix:/run/app.sock            or any other address
 *     upload fcgi+unix:/run/app.sock THREADS    on worker threads
 *
 *     GET  /        a page with a form, and cookies that tell how often it was seen, and when
 *     POST /        tells the fields and files it got as JSON, with each file's SHA-256. The form
 * is streamed: nothing of a file is kept POST /whole   the same, from a form that was read as a
 * whole; on worker threads always so
 *
 *     curl -F title=Trip -F photos=@a.jpg -F photos=@b.jpg http://127.0.0.1:8080/ */
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/weir.h>

static const weir_form_options limits = {
    .size = sizeof limits,
    .body_size = 2ull << 30,
    .file_size = 1ull << 30,
};

/* ---- The page -------------------------------------------------------------------------------- */

static const char page[] = "<!doctype html>\n"
                           "<meta charset=utf-8>\n"
                           "<title>Upload</title>\n"
                           "<form method=post enctype=multipart/form-data>\n"
                           "<p><input name=title placeholder=Title>\n"
                           "<p><input name=photos type=file multiple>\n"
                           "<p><button>Send</button>\n"
                           "</form>\n";

static void show_page(weir_exchange *x)
{
    const char *seen = weir_cookie(x, "seen");
    unsigned long count = seen ? strtoul(seen, NULL, 10) : 0;
    weir_cookie_options options = {
        .size = sizeof options,
        .path = "/",
        .max_age = 30 * 24 * 3600,
        .same_site = WEIR_SAME_SITE_LAX,
        .http_only = true,
    };
    char number[24];

    snprintf(number, sizeof number, "%lu", count + 1);
    weir_set_cookie(x, "seen", number, &options);
    snprintf(number, sizeof number, "%lld", (long long)time(NULL));
    weir_set_cookie(x, "last", number, &options);
    weir_respond(x, 200, "text/html", page);
}

/* ---- The answer: JSON that is written while the form arrives --------------------------------- */

enum {
    TEXT_MAX = 1 << 20
}; /* of a streamed form; one that is read as a whole has a limit of its own */

struct answer {
    FILE *json;
    char *text;
    size_t len;
    EVP_MD_CTX *hash;
    int parts;
};

static struct answer *answer_free(struct answer *a)
{
    if (a->json)
        fclose(a->json);
    free(a->text);
    EVP_MD_CTX_free(a->hash);
    free(a);
    return NULL;
}

static struct answer *answer_new(void)
{
    struct answer *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->json = open_memstream(&a->text, &a->len);
    a->hash = EVP_MD_CTX_new();
    if (!a->json || !a->hash)
        return answer_free(a);
    fputs("[", a->json);
    return a;
}

/* The inside of a JSON string; bytes that are no ASCII as the code points of the same number. */
static void add_text(struct answer *a, weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            fputc(c, a->json);
        else
            fprintf(a->json, "\\u%04x", c);
    }
}

static void add_member(struct answer *a, const char *name, weir_str value)
{
    fprintf(a->json, "\"%s\": \"", name);
    add_text(a, value);
    fputs("\", ", a->json);
}

static void begin_part(struct answer *a, const weir_form_part *part)
{
    fputs(a->parts++ ? ",\n {" : "\n {", a->json);
    add_member(a, "name", weir_form_part_name(part));
    if (!weir_form_part_is_file(part)) {
        fputs("\"value\": \"", a->json);
        return;
    }
    char name[256];
    size_t len = weir_form_basename(weir_form_part_filename(part), name, sizeof name);
    add_member(a, "filename", weir_form_part_filename(part));
    add_member(a, "safe", (weir_str){name, len});
    add_member(a, "type", weir_form_part_type(part));
    EVP_DigestInit_ex(a->hash, EVP_sha256(), NULL);
}

static void add_data(struct answer *a, const weir_form_part *part, weir_str data)
{
    if (weir_form_part_is_file(part))
        EVP_DigestUpdate(a->hash, data.ptr, data.len);
    else
        add_text(a, data);
}

static void end_part(struct answer *a, const weir_form_part *part)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!weir_form_part_is_file(part)) {
        fputs("\"}", a->json);
        return;
    }
    EVP_DigestFinal_ex(a->hash, digest, &size);
    fprintf(a->json, "\"size\": %llu, \"sha256\": \"",
            (unsigned long long)weir_form_part_size(part));
    for (unsigned int i = 0; i < size; i++)
        fprintf(a->json, "%02x", digest[i]);
    fputs("\"}", a->json);
}

/* Sends it; a is gone then. */
static void answer_send(weir_exchange *x, struct answer *a)
{
    fputs("\n]\n", a->json);
    if (fflush(a->json) != 0)
        weir_fail(x);
    else
        weir_respond_bytes(x, 200, "application/json", (weir_str){a->text, a->len});
    answer_free(a);
}

/* ---- Streamed -------------------------------------------------------------------------------- */

static void on_part(weir_exchange *x, const weir_form_part *part, void *arg)
{
    (void)x;
    begin_part(arg, part);
}

static void on_data(weir_exchange *x, const weir_form_part *part, weir_str data, void *arg)
{
    struct answer *a = arg;

    add_data(a, part, data);
    if (ftell(a->json) > TEXT_MAX) { /* ends the exchange, so there is no on_end */
        answer_free(a);
        weir_respond(x, 413, "text/plain", "too much text\n");
    }
}

static void on_part_end(weir_exchange *x, const weir_form_part *part, void *arg)
{
    (void)x;
    end_part(arg, part);
}

static void on_end(weir_exchange *x, int state, void *arg)
{
    if (state == 1) {
        answer_send(x, arg);
    } else {
        answer_free(arg);
        weir_form_refuse(x, state);
    }
}

static void stream_form(weir_exchange *x)
{
    static const weir_form_callbacks callbacks = {
        .size = sizeof callbacks,
        .part = on_part,
        .data = on_data,
        .part_end = on_part_end,
        .end = on_end,
    };
    struct answer *a = answer_new();

    if (!a) {
        weir_fail(x);
        return;
    }
    int rc = weir_on_form(x, &limits, &callbacks, a);
    if (rc != 0) {
        answer_free(a);
        weir_form_refuse(x, rc);
    }
}

/* ---- Read as a whole ------------------------------------------------------------------------- */

static void answer_form(weir_exchange *x, weir_form *form)
{
    static const size_t room = 64 * 1024;
    struct answer *a = answer_new();
    char *piece = malloc(room);
    weir_form_part *part;

    if (!a || !piece) {
        if (a)
            answer_free(a);
        free(piece);
        weir_fail(x);
        return;
    }
    for (size_t i = 0; (part = weir_form_at(form, i)); i++) {
        uint64_t offset = 0;
        int n;
        begin_part(a, part);
        while ((n = weir_form_part_read(part, offset, piece, room)) > 0) {
            add_data(a, part, (weir_str){piece, (size_t)n});
            offset += (unsigned)n;
        }
        end_part(a, part);
    }
    free(piece);
    answer_send(x, a);
}

static void on_form(weir_exchange *x, weir_form *form, int state, void *arg)
{
    (void)arg;
    if (form)
        answer_form(x, form);
    else
        weir_form_refuse(x, state);
}

static void gather_form(weir_exchange *x)
{
    int rc = weir_gather_form(x, &limits, on_form, NULL);

    if (rc != 0)
        weir_form_refuse(x, rc);
}

static void read_form(weir_exchange *x)
{
    weir_form *form;
    int rc = weir_read_form(x, &limits, &form);

    if (rc == 0)
        answer_form(x, form);
    else
        weir_form_refuse(x, rc);
}

/* ---- The program ----------------------------------------------------------------------------- */

static unsigned threads;

static void handle(weir_exchange *x, void *arg)
{
    const char *method = weir_method(x);

    (void)arg;
    if (!method || strcmp(method, "POST") != 0)
        show_page(x);
    else if (threads > 0)
        read_form(x);
    else if (strcmp(weir_path(x), "/whole") == 0)
        gather_form(x);
    else
        stream_form(x);
}

static weir_server *server;

static void on_signal(int number)
{
    (void)number;
    weir_server_stop(server);
}

int main(int argc, char **argv)
{
    threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    weir_server_options options = {.size = sizeof options, .workers = threads};

    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, NULL) != 0) {
        fprintf(stderr, "upload: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "upload: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
