/* SPDX-License-Identifier: MIT
 *
 * What fcurl and curl are both pointed at: a small site with a route for everything their options
 * are about, on any URL given as argument.
 *
 *     /echo            what was received: method, target, headers by name, body
 *     /status/N        that status, with a body
 *     /redirect/N      Location to /redirect/N-1 with ?code=, at 0 to /echo
 *     /to?PATH         Location PATH (302)
 *     /size/N          N bytes; one range; ETag, Last-Modified; ?plain knows no conditions
 *     /coded/CODING    a text in gzip, deflate or br
 *     /set-cookie?TEXT Set-Cookie: TEXT
 *     /flaky/NAME?N    503 with Retry-After: 0, N times, then 200
 *     /slow?MS         answers after so many milliseconds
 *     /disposition     Content-Disposition with a name */
#include <brotli/encode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>
#include <zlib.h>

enum { BODY_MAX = 4 << 20, FLAKY_MAX = 64 };

static const char text[] =
    "The quick brown fox jumps over the lazy dog, again and again and again.\n";

/* ---- /echo ----------------------------------------------------------------------------------- */

struct echo {
    char *body;
    size_t len;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_headers(weir_exchange *x, FILE *out)
{
    char *lines[128];
    size_t count = 0;
    weir_str name, value;

    for (size_t i = 0; count < 128 && weir_header_at(x, i, &name, &value); i++) {
        size_t room = name.len + value.len + 4;
        lines[count] = malloc(room);
        snprintf(lines[count++], room, "%.*s: %.*s", (int)name.len, name.ptr, (int)value.len,
                 value.ptr);
    }
    qsort(lines, count, sizeof *lines, by_name);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
}

static void on_echo_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct echo *e = arg;
    char *answer = NULL;
    size_t len = 0;

    if (data.len && e->len + data.len <= BODY_MAX) {
        e->body = realloc(e->body, e->len + data.len);
        memcpy(e->body + e->len, data.ptr, data.len);
        e->len += data.len;
    }
    if (state == 0)
        return;
    FILE *out = open_memstream(&answer, &len);
    fprintf(out, "%s %s\n", weir_method(x), weir_target(x));
    put_headers(x, out);
    fprintf(out, "body: %zu\n", e->len);
    if (e->len)
        fwrite(e->body, e->len, 1, out);
    fclose(out);
    weir_respond_bytes(x, 200, "text/plain", (weir_str){answer, len});
    free(answer);
    free(e->body);
    free(e);
}

/* ---- The other routes ------------------------------------------------------------------------ */

static void redirect(weir_exchange *x)
{
    int left = atoi(weir_path(x) + strlen("/redirect/"));
    const char *query = weir_query(x);
    char location[128];

    if (left > 0)
        snprintf(location, sizeof location, "/redirect/%d%s%s", left - 1, query ? "?" : "",
                 query ? query : "");
    else
        snprintf(location, sizeof location, "/echo");
    (void)weir_add_header(x, "Location", location);
    weir_respond(x, query ? atoi(query + strlen("code=")) : 302, "text/plain", "elsewhere\n");
}

static void size(weir_exchange *x)
{
    unsigned long total = strtoul(weir_path(x) + strlen("/size/"), NULL, 10);
    const char *range = weir_header(x, "Range"), *match = weir_header(x, "If-None-Match");
    unsigned long first = 0, last = total ? total - 1 : 0;
    bool partial = range && sscanf(range, "bytes=%lu-%lu", &first, &last) >= 1;
    char field[96];

    (void)weir_add_header(x, "ETag", "\"v1\"");
    (void)weir_add_header(x, "Last-Modified", "Mon, 02 Mar 2026 10:00:00 GMT");
    bool plain = weir_query(x) && strcmp(weir_query(x), "plain") == 0;
    if (!plain && match && strcmp(match, "\"v1\"") == 0) {
        weir_respond(x, 304, NULL, "");
        return;
    }
    if (!plain && weir_header(x, "If-Modified-Since")) {
        weir_respond(x, 304, NULL, "");
        return;
    }
    if (partial && first >= total) {
        snprintf(field, sizeof field, "bytes */%lu", total);
        (void)weir_add_header(x, "Content-Range", field);
        weir_respond(x, 416, "text/plain", "no such range\n");
        return;
    }
    if (last >= total && total)
        last = total - 1;
    if (partial) {
        snprintf(field, sizeof field, "bytes %lu-%lu/%lu", first, last, total);
        (void)weir_add_header(x, "Content-Range", field);
    }
    size_t len = total ? last - first + 1 : 0;
    char *bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + (first + i) % 26);
    weir_respond_bytes(x, partial ? 206 : 200, "text/plain", (weir_str){bytes, len});
    free(bytes);
}

static void coded(weir_exchange *x)
{
    const char *coding = weir_path(x) + strlen("/coded/");
    unsigned char out[512];
    size_t len = sizeof out;

    if (strcmp(coding, "br") == 0) {
        BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, sizeof text - 1, (const uint8_t *)text, &len,
                              out);
    } else {
        z_stream z = {.next_in = (unsigned char *)(uintptr_t)text,
                      .avail_in = sizeof text - 1,
                      .next_out = out,
                      .avail_out = sizeof out};
        deflateInit2(&z, 6, Z_DEFLATED, strcmp(coding, "gzip") == 0 ? 31 : 15, 8, 0);
        deflate(&z, Z_FINISH);
        len = z.total_out;
        deflateEnd(&z);
    }
    (void)weir_add_header(x, "Content-Encoding", coding);
    weir_respond_bytes(x, 200, "text/plain", (weir_str){(char *)out, len});
}

static void flaky(weir_exchange *x)
{
    static struct {
        char name[64];
        int seen;
    } known[FLAKY_MAX];
    const char *name = weir_path(x) + strlen("/flaky/");
    int fails = weir_query(x) ? atoi(weir_query(x)) : 0;
    int i = 0;

    while (i < FLAKY_MAX - 1 && known[i].name[0] && strcmp(known[i].name, name) != 0)
        i++;
    snprintf(known[i].name, sizeof known[i].name, "%s", name);
    if (known[i].seen++ < fails) {
        (void)weir_add_header(x, "Retry-After", "1");
        weir_respond(x, 503, "text/plain", "not yet\n");
    } else {
        weir_respond(x, 200, "text/plain", "at last\n");
    }
}

static void on_time(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, "text/plain", "late\n");
}

static void handle(weir_exchange *x, void *arg)
{
    const char *path = weir_path(x), *query = weir_query(x);

    (void)arg;
    if (strncmp(path, "/status/", 8) == 0) {
        weir_respond(x, atoi(path + 8), "text/plain", "a body\n");
    } else if (strncmp(path, "/redirect/", 10) == 0) {
        redirect(x);
    } else if (strcmp(path, "/to") == 0) {
        (void)weir_add_header(x, "Location", query ? query : "/");
        weir_respond(x, 302, "text/plain", "elsewhere\n");
    } else if (strncmp(path, "/size/", 6) == 0) {
        size(x);
    } else if (strncmp(path, "/coded/", 7) == 0) {
        coded(x);
    } else if (strcmp(path, "/set-cookie") == 0) {
        (void)weir_add_header(x, "Set-Cookie", query ? query : "");
        weir_respond(x, 200, "text/plain", "a cookie\n");
    } else if (strncmp(path, "/flaky/", 7) == 0) {
        flaky(x);
    } else if (strcmp(path, "/slow") == 0) {
        (void)weir_after(x, (uint32_t)atoi(query ? query : "0"), on_time, NULL);
    } else if (strcmp(path, "/disposition") == 0) {
        (void)weir_add_header(x, "Content-Disposition", "attachment; filename=\"../named.txt\"");
        weir_respond(x, 200, "text/plain", "a file\n");
    } else {
        struct echo *e = calloc(1, sizeof *e);
        weir_on_body(x, on_echo_body, e);
    }
}

int main(int argc, char **argv)
{
    return weir_serve(argc > 1 ? argv[1] : NULL, handle, NULL) != 0;
}
