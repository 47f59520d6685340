/* SPDX-License-Identifier: MIT
 *
 * The client of libweir, driven by words: for tests/integration/test_client.py.
 *
 *     client_driver URL VERB [NAME=VALUE ...]
 *
 * Verbs: get (blocking form), call (callbacks), values, ping. What happens is told on stdout, a
 * line each; bodies as length and SHA-256. */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <weir/weir.h>

static int word_count;
static char **words;

static const char *word(const char *name, const char *otherwise)
{
    size_t len = strlen(name);

    for (int i = 0; i < word_count; i++)
        if (strncmp(words[i], name, len) == 0 && words[i][len] == '=')
            return words[i] + len + 1;
    return otherwise;
}

static long long number(const char *name, long long otherwise)
{
    const char *text = word(name, NULL);
    return text ? atoll(text) : otherwise;
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

struct sum {
    EVP_MD_CTX *context;
    unsigned long long len;
};

static void sum_start(struct sum *s)
{
    s->context = EVP_MD_CTX_new();
    s->len = 0;
    EVP_DigestInit_ex(s->context, EVP_sha256(), NULL);
}

static void sum_add(struct sum *s, const void *data, size_t len)
{
    EVP_DigestUpdate(s->context, data, len);
    s->len += len;
}

static void sum_print(struct sum *s)
{
    unsigned char digest[32];

    EVP_DigestFinal_ex(s->context, digest, NULL);
    EVP_MD_CTX_free(s->context);
    printf("body %llu ", s->len);
    for (size_t i = 0; i < sizeof digest; i++)
        printf("%02x", digest[i]);
    printf("\n");
}

/* Byte n of a body is n modulo 251. */
static void fill(char *out, size_t len, unsigned long long at)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)((at + i) % 251);
}

static unsigned long long given, given_of;

static int source(weir_client_request *r, void *out, size_t room, void *arg)
{
    unsigned long long left = given_of - given;
    static int held;

    (void)arg;
    if (number("source_fails", 0) && given >= given_of / 2)
        return WEIR_ERROR_SYSTEM;
    if (number("source_waits", 0) && held++ % 2 == 0) {
        weir_client_continue(r);
        return WEIR_ERROR_AGAIN;
    }
    if (left < room)
        room = (size_t)left;
    fill(out, room, given);
    given += room;
    return (int)room;
}

/* ---- A request ------------------------------------------------------------------------------- */

static void add_words(weir_client_request *r)
{
    for (int i = 0; i < word_count; i++) {
        char *w = words[i], *colon;
        int rc = 0;
        if (strncmp(w, "header=", 7) == 0 && (colon = strchr(w + 7, ':')) != NULL) {
            *colon = '\0';
            rc = weir_client_header(r, (weir_str){w + 7, strlen(w + 7)},
                                    (weir_str){colon + 1, strlen(colon + 1)});
            *colon = ':';
        } else if (strncmp(w, "param=", 6) == 0 && (colon = strchr(w + 6, ':')) != NULL) {
            weir_str name = {w + 6, (size_t)(colon - w - 6)},
                     value = {colon + 1, strlen(colon + 1)};
            rc = weir_client_param(r, name, value);
        }
        if (rc != 0)
            printf("refused %s %s\n", weir_error_name(rc), weir_client_request_error(r));
    }
}

static void set_body(weir_client_request *r, char **ret_bytes)
{
    long long bytes = number("bytes", -1), from_source = number("source", -1),
              data = number("data", -1);

    if (bytes >= 0) {
        *ret_bytes = malloc((size_t)bytes + 1);
        fill(*ret_bytes, (size_t)bytes, 0);
        weir_client_body(r, (weir_str){*ret_bytes, (size_t)bytes});
    }
    if (from_source >= 0) {
        given = 0;
        given_of = (unsigned long long)from_source;
        weir_client_body_source(r, number("length", from_source), source, NULL);
    }
    if (number("written", -1) >= 0)
        weir_client_body_written(r, number("length", number("written", -1)));
    if (data >= 0) {
        given = 0;
        given_of = (unsigned long long)data;
        weir_client_data_source(r, data, 1234567890, source, NULL);
    }
}

static weir_client_request *make(weir_client *client, char **ret_bytes)
{
    weir_client_http http = {
        .size = sizeof http,
        .root = word("root", NULL),
        .script_name = word("script_name", NULL),
        .script_filename = word("script_filename", NULL),
    };
    weir_client_request *r =
        weir_client_request_new(client, (weir_role)number("role", WEIR_RESPONDER));
    if (!number("bare", 0)) {
        int rc = weir_client_request_http(r, word("method", "GET"), word("url", "/"), &http);
        if (rc != 0)
            printf("refused %s %s\n", weir_error_name(rc), weir_client_request_error(r));
    }
    add_words(r);
    set_body(r, ret_bytes);
    weir_client_keep_conn(r, (int)number("keep", -1));
    if (number("raw", 0))
        weir_client_raw_output(r);
    if (number("fresh", 0))
        weir_client_fresh(r);
    return r;
}

static void print_head(weir_client_request *r, const char *what)
{
    weir_str name, value;

    printf("%s %d%s%s%s\n", what, weir_client_status(r), weir_client_reason(r)[0] ? " " : "",
           weir_client_reason(r), weir_client_is_local_redirect(r) ? " (local)" : "");
    for (size_t i = 0; weir_client_field_at(r, i, &name, &value); i++)
        printf("field %s: %s\n", name.ptr, value.ptr);
}

static void print_end(weir_client_request *r)
{
    weir_client_stats s;
    int rc = weir_client_result(r);

    weir_client_stats_get(r, &s, sizeof s);
    if (weir_client_errors(r).len > 0)
        printf("errors %zu %.40s\n", weir_client_errors(r).len, weir_client_errors(r).ptr);
    printf("done %s %s\n", weir_error_name(rc), weir_client_request_error(r));
    printf("end app=%u protocol=%d reused=%d retried=%d id=%u ordered=%d\n",
           weir_client_app_status(r), weir_client_protocol_status(r), s.reused, s.retried,
           s.request_id,
           s.connect_start_ns <= s.connect_end_ns && s.connect_end_ns <= s.sent_ns &&
               s.sent_ns <= s.end_ns && s.connect_end_ns <= s.first_byte_ns);
    printf("stats stdin=%llu data=%llu stdout=%llu stderr=%llu body=%llu params=%llu\n",
           (unsigned long long)s.stdin_bytes, (unsigned long long)s.data_bytes,
           (unsigned long long)s.stdout_bytes, (unsigned long long)s.stderr_bytes,
           (unsigned long long)s.body_bytes, (unsigned long long)s.params);
    printf("wire sent=%llu received=%llu params=%llu stdin=%llu stdout=%llu end=%llu\n",
           (unsigned long long)s.bytes_sent, (unsigned long long)s.bytes_received,
           (unsigned long long)s.records_sent[WEIR_PARAMS],
           (unsigned long long)s.records_sent[WEIR_STDIN],
           (unsigned long long)s.records_received[WEIR_STDOUT],
           (unsigned long long)s.records_received[WEIR_END_REQUEST]);
}

/* ---- The blocking form ----------------------------------------------------------------------- */

static void write_body(weir_client_request *r, struct sum *sum)
{
    unsigned long long len = (unsigned long long)number("written", 0), at = 0;
    static char piece[50000], answer[50000];

    while (at < len) {
        size_t n = len - at < sizeof piece ? (size_t)(len - at) : sizeof piece;
        fill(piece, n, at);
        int rc = weir_client_write(r, piece, n);
        if (rc == WEIR_ERROR_AGAIN) { /* the answer has to be read first */
            rc = weir_client_read(r, answer, sizeof answer);
            if (rc <= 0)
                break;
            sum_add(sum, answer, (size_t)rc);
            continue;
        }
        if (rc < 0) {
            printf("write %s %s\n", weir_error_name(rc), weir_client_request_error(r));
            return;
        }
        at += (unsigned long long)rc;
    }
    int rc = weir_client_write_end(r);
    if (rc != 0)
        printf("write_end %s\n", weir_error_name(rc));
}

static void get(weir_client *client)
{
    char *bytes = NULL;
    weir_client_request *r = make(client, &bytes);
    struct sum sum;
    static char piece[100000];
    int rc = weir_client_start(r, NULL, NULL);

    if (rc != 0) {
        printf("start %s %s\n", weir_error_name(rc), weir_client_request_error(r));
        goto out;
    }
    sum_start(&sum);
    if (number("written", -1) >= 0)
        write_body(r, &sum);
    if (number("send_raw", 0)) {
        weir_client_wait_head(r);
        weir_client_send_raw(r, (weir_str){"\1\13\0\0\0\0\0\0", 8});
    }
    if (number("abandon", 0)) {
        rc = weir_client_wait_head(r);
        printf("head %s\n", weir_error_name(rc));
        weir_client_abort(r);
        rc = weir_client_run(client, 3000);
        printf("drained %s\n", weir_error_name(rc));
    } else if (number("finish", 0)) {
        weir_client_finish(r);
    } else {
        rc = weir_client_wait_head(r);
        if (rc == 0 && !number("raw", 0))
            print_head(r, "head");
        if (number("nap", 0))
            usleep((useconds_t)number("nap", 0) * 1000);
        while ((rc = weir_client_read(r, piece, (size_t)number("piece", sizeof piece))) > 0)
            sum_add(&sum, piece, (size_t)rc);
        printf("read %s\n", weir_error_name(rc));
    }
    sum_print(&sum);
    print_end(r);
out:
    weir_client_request_free(r);
    free(bytes);
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

struct calling {
    weir_client *client;
    struct sum sum;
    unsigned long long written;
    long long number; /* of this request */
    bool over;
};

static void on_interim(weir_client_request *r, void *arg)
{
    (void)arg;
    print_head(r, "interim");
}

static void on_head(weir_client_request *r, void *arg)
{
    (void)arg;
    print_head(r, "head");
}

static void on_body(weir_client_request *r, weir_str data, void *arg)
{
    struct calling *c = arg;

    sum_add(&c->sum, data.ptr, data.len);
    if (number("pause", 0)) {
        weir_client_pause(r);
        weir_client_resume(r);
    }
    if (number("free_in_body", 0) || (number("free_first", 0) && c->number == 0)) {
        weir_client_request_free(r);
        printf("freed\n");
        c->over = true;
        sum_print(&c->sum);
    }
}

static void on_error_output(weir_client_request *r, weir_str data, void *arg)
{
    (void)r;
    (void)arg;
    printf("stderr %zu\n", data.len);
}

static void go_on_writing(weir_client_request *r, void *arg)
{
    struct calling *c = arg;
    unsigned long long len = (unsigned long long)number("written", 0);
    static char piece[50000];

    while (c->written < len) {
        size_t n = len - c->written < sizeof piece ? (size_t)(len - c->written) : sizeof piece;
        fill(piece, n, c->written);
        int rc = weir_client_write(r, piece, n);
        if (rc < 0) {
            if (rc != WEIR_ERROR_AGAIN)
                printf("write %s\n", weir_error_name(rc));
            return;
        }
        c->written += (unsigned long long)rc;
    }
    weir_client_write_end(r);
}

static void on_done(weir_client_request *r, int error, void *arg)
{
    struct calling *c = arg;

    (void)error;
    c->over = true;
    sum_print(&c->sum);
    print_end(r);
    weir_client_request_free(r);
    if (weir_client_run(c->client, 0) != WEIR_ERROR_STATE)
        printf("ran inside a callback\n");
}

static void call(weir_client *client, uv_loop_t *uv, long long count)
{
    static const weir_client_callbacks callbacks = {
        sizeof callbacks, on_interim, on_head, on_body, on_error_output, go_on_writing, on_done};
    struct calling c = {.client = client, .number = count};
    char *bytes = NULL;
    weir_client_request *r = make(client, &bytes);
    weir_client_callbacks own = callbacks;

    if (number("keep_errors", 0))
        own.error_output = NULL;
    sum_start(&c.sum);
    int rc = weir_client_start(r, &own, &c);
    if (rc != 0) {
        printf("start %s %s\n", weir_error_name(rc), weir_client_request_error(r));
        weir_client_request_free(r);
        sum_print(&c.sum);
        free(bytes);
        return;
    }
    if (number("written", -1) >= 0)
        go_on_writing(r, &c);
    if (uv)
        while (!c.over)
            uv_run(uv, UV_RUN_ONCE);
    else if ((rc = weir_client_run(client, (uint32_t)number("run", 20000))) != 0)
        printf("run %s\n", weir_error_name(rc));
    free(bytes);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static void on_value(weir_str name, weir_str value, void *arg)
{
    (void)arg;
    printf("value %.*s=%.*s\n", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

static void ask(weir_client *client)
{
    const char *names[2] = {word("name", NULL), word("name2", NULL)};
    int rc = weir_client_get_values(client, names[0] ? names : NULL,
                                    names[1]   ? 2
                                    : names[0] ? 1
                                               : 0,
                                    (uint32_t)number("timeout", 1000), on_value, NULL);

    printf("values %s %s\n", weir_error_name(rc), weir_client_error(client));
}

static void ping(weir_client *client)
{
    static const char *const results[] = {"ANSWERED", "BUSY",   "REFUSED",
                                          "CLOSED",   "BROKEN", "FAILED"};
    weir_ping p;

    weir_client_ping(client, (uint32_t)number("timeout", 1000), &p, sizeof p);
    printf("ping %s %s %s\n", results[p.result], weir_error_name(p.error),
           weir_client_error(client));
    printf("times %d %d\n", p.connect_ns > 0, p.answer_ns >= p.connect_ns);
}

static void observe(const weir_client_record *record, void *arg)
{
    (void)arg;
    printf("record %s conn=%llu type=%u id=%u length=%u padding=%u content=%zu\n",
           record->is_sent ? "sent" : "received", (unsigned long long)record->connection,
           record->header.type, record->header.id, record->header.content_length,
           record->header.padding_length, record->content.len);
}

static void print_memory(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");

    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("peak %lld\n", atoll(line + 6));
    if (status)
        fclose(status);
}

static void run(weir_client *client, const char *verb, uv_loop_t *uv)
{
    for (long long i = 0; i < number("times", 1); i++) {
        if (i > 0 && number("between", 0))
            usleep((useconds_t)number("between", 0) * 1000);
        if (strcmp(verb, "get") == 0)
            get(client);
        else if (strcmp(verb, "call") == 0)
            call(client, uv, i);
        else if (strcmp(verb, "values") == 0)
            ask(client);
        else
            ping(client);
    }
}

int main(int argc, char **argv)
{
    uv_loop_t uv;
    bool on_uv = false;

    if (argc < 3)
        return 2;
    word_count = argc - 3;
    words = argv + 3;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    weir_client_options o = {
        .size = sizeof o,
        .keepalive = (int32_t)number("keepalive", 0),
        .connect_timeout = (uint32_t)number("connect_timeout", 0),
        .first_byte_timeout = (uint32_t)number("first_byte_timeout", 0),
        .idle_timeout = (uint32_t)number("idle_timeout", 0),
        .send_timeout = (uint32_t)number("send_timeout", 0),
        .total_timeout = (uint32_t)number("total_timeout", 0),
        .abort_timeout = (uint32_t)number("abort_timeout", 0),
        .observe = number("observe", 0) ? observe : NULL,
        .count_records = number("count", 0),
        .record_max = (uint32_t)number("record_max", 0),
        .params_cut = (uint32_t)number("params_cut", 0),
        .padding = (int32_t)number("padding", 0),
        .tls_ca = word("tls_ca", NULL),
        .tls_cert = word("tls_cert", NULL),
        .tls_key = word("tls_key", NULL),
        .request_id = (uint16_t)number("request_id", 0),
    };
    if (number("uv", 0)) {
        on_uv = true;
        uv_loop_init(&uv);
        o.uv = &uv;
    }
    weir_client *client = weir_client_new(argv[1], &o);
    if (weir_client_error(client)[0])
        printf("client %s\n", weir_client_error(client));
    run(client, argv[2], on_uv ? &uv : NULL);
    weir_client_free(client);
    if (on_uv) {
        uv_run(&uv, UV_RUN_DEFAULT);
        printf("closed %d\n", uv_loop_close(&uv));
    }
    print_memory();
    return 0;
}
