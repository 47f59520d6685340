/* SPDX-License-Identifier: MIT
 *
 * Answers as the path says, for tests/integration/test_files.py and test_response.py:
 *
 *     response URL FOLDER [THREADS [CERT KEY]]
 *
 *     /parts/NAME     "begin ", the file NAME, " middle ", its bytes from the second to the last
 *                     but one, " end", chunked
 *     /known/NAME     the file by weir_sendfile and weir_finish, nothing else
 *     /declared/NAME  the same with a Content-Length
 *     /short/NAME     declares a byte more than there is
 *     /long/NAME      declares a byte less
 *     /beyond/NAME    asks for more than the file has
 *     /copied/NAME    the file by reading and weir_write, with a Content-Length
 *     /unfinished/NAME the file, and weir_finish when it has left or the exchange is cancelled;
 *                     chunked, or ?declared
 *     /trailers       a chunked body and a trailer
 *     /hints          two 103 and a 102, then an answer
 *     /headers        headers that are replaced and removed, a reason of its own
 *     /injection      tries to say too much, everywhere */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/weir.h>

static const char *folder;
static int on_worker;

/* Opens the file that the path names behind its first segment; its length in *ret_size. */
static int open_named(weir_exchange *x, char name[static 4096], uint64_t *ret_size)
{
    const char *slash = strchr(weir_path(x) + 1, '/');
    struct stat st;

    snprintf(name, 4096, "%s%s", folder, slash ? slash : "/");
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        abort();
    *ret_size = (uint64_t)st.st_size;
    return fd;
}

static void declare(weir_exchange *x, uint64_t length)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)length);
    weir_add_header(x, "Content-Length", digits);
}

/* ---- Text and files in turn ------------------------------------------------------------------ */

struct parts {
    int step;
    int fd;
    uint64_t size;
};

static void send_parts(weir_exchange *x, void *arg)
{
    struct parts *p = arg;
    int rc = 0;

    for (; p->step < 5 && rc == 0; p->step += rc == 0)
        switch (p->step) {
        case 0:
            rc = weir_write(x, "begin ", 6);
            break;
        case 1:
            rc = weir_sendfile(x, dup(p->fd), 0, p->size);
            break;
        case 2:
            rc = weir_write(x, " middle ", 8);
            break;
        case 3:
            rc = weir_sendfile(x, dup(p->fd), 1, p->size - 2);
            break;
        default:
            rc = weir_write(x, " end", 4);
        }
    if (rc == WEIR_ERROR_AGAIN) {
        weir_on_drain(x, send_parts, p);
        return;
    }
    close(p->fd);
    weir_finish(x);
}

static void parts(weir_exchange *x)
{
    char name[4096];
    struct parts *p = weir_alloc(x, sizeof *p);

    if (!p)
        abort();
    p->step = 0;
    p->fd = open_named(x, name, &p->size);
    send_parts(x, p);
}

static void whole(weir_exchange *x, int64_t declared_more)
{
    char name[4096];
    uint64_t size;
    int fd = open_named(x, name, &size);

    if (declared_more != INT64_MAX)
        declare(x, size + (uint64_t)declared_more);
    int rc = weir_sendfile(x, fd, 0, size);
    if (fcntl(fd, F_GETFD) >= 0 && rc != 0)
        abort(); /* it was not taken over */
    if (rc != 0)
        weir_fail(x);
    else
        weir_finish(x);
}

static void beyond(weir_exchange *x)
{
    char name[4096], text[64];
    uint64_t size;
    int fd = open_named(x, name, &size);
    int one = weir_sendfile(x, dup(fd), 1, size);
    int two = weir_sendfile(x, dup(fd), UINT64_MAX, 1);
    int three = weir_sendfile(x, -1, 0, 0);
    int pipes[2];

    close(fd);
    if (pipe(pipes) != 0)
        abort();
    int four = weir_sendfile(x, pipes[0], 0, 1);
    close(pipes[1]);
    snprintf(text, sizeof text, "%s %s %s %s\n", weir_error_name(one), weir_error_name(two),
             weir_error_name(three), weir_error_name(four));
    weir_respond(x, 200, "text/plain", text);
}

/* ---- Reading and writing, to compare with ---------------------------------------------------- */

enum { PIECE = 64 * 1024 };

struct copying {
    int fd;
    uint64_t at, size;
    char bytes[PIECE];
};

static void copy_on(weir_exchange *x, void *arg)
{
    struct copying *c = arg;

    while (c->at < c->size) {
        ssize_t n = pread(c->fd, c->bytes, PIECE, (off_t)c->at);
        int rc = n > 0 ? weir_write(x, c->bytes, (size_t)n) : WEIR_ERROR_SYSTEM;
        if (rc == WEIR_ERROR_AGAIN) {
            weir_on_drain(x, copy_on, c);
            return;
        }
        if (rc != 0)
            break;
        c->at += (uint64_t)n;
    }
    close(c->fd);
    free(c);
    weir_finish(x);
}

static void copied(weir_exchange *x)
{
    char name[4096];
    struct copying *c = malloc(sizeof *c);

    if (!c)
        abort();
    c->at = 0;
    c->fd = open_named(x, name, &c->size);
    declare(x, c->size);
    copy_on(x, c);
}

/* ---- A handler that has not finished --------------------------------------------------------- */

static void finish(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_finish(x);
}

/* ?declared: with a Content-Length. */
static void unfinished(weir_exchange *x)
{
    char name[4096];
    uint64_t size;
    int fd = open_named(x, name, &size);

    if (weir_query(x))
        declare(x, size);
    weir_on_cancel(x, finish, NULL);
    if (weir_sendfile(x, fd, 0, size) == 0 && !on_worker)
        weir_on_drain(x, finish, NULL);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static void trailers(weir_exchange *x)
{
    char text[64];

    weir_add_header(x, "Content-Type", "text/plain");
    int early = weir_add_trailer(x, "X-Early", "known with the head");
    weir_write(x, "body ", 5);
    weir_flush(x);
    int late = weir_add_trailer(x, "X-Late", "known after the body");
    snprintf(text, sizeof text, "%s %s %s %s %s\n", weir_error_name(early), weir_error_name(late),
             weir_error_name(weir_add_trailer(x, "Content-Length", "1")),
             weir_error_name(weir_add_trailer(x, "set-cookie", "a=b")),
             weir_error_name(weir_add_trailer(x, "X-Evil", "a\r\nb")));
    weir_write(x, text, strlen(text));
    weir_finish(x);
}

static void hints(weir_exchange *x)
{
    static const weir_pair two[] = {
        {{"Link", 4}, {"</a.css>; rel=preload", 21}},
        {{"Link", 4}, {"</b.js>; rel=preload", 20}},
    };
    static const weir_pair evil[] = {{{"Link", 4}, {"a\r\nb: c", 7}}};
    static const weir_pair framing[] = {{{"Content-Length", 14}, {"1", 1}}};
    char text[128];
    int first = weir_early_hints(x, "</style.css>; rel=preload; as=style");
    int second = weir_informational(x, 103, two, 2);
    int third = weir_informational(x, 102, NULL, 0);

    snprintf(text, sizeof text, "%s %s %s %s %s %s %s\n", weir_error_name(first),
             weir_error_name(second), weir_error_name(third),
             weir_error_name(weir_informational(x, 100, NULL, 0)),
             weir_error_name(weir_informational(x, 101, NULL, 0)),
             weir_error_name(weir_informational(x, 103, evil, 1)),
             weir_error_name(weir_informational(x, 103, framing, 1)));
    weir_write(x, text, strlen(text));
    weir_flush(x);
    if (weir_early_hints(x, "</late>") != WEIR_ERROR_STATE)
        abort();
    weir_finish(x);
}

static void headers(weir_exchange *x)
{
    weir_set_status(x, 299);
    weir_set_reason(x, "Quite Fine");
    weir_add_header(x, "X-One", "1");
    weir_add_header(x, "x-one", "2");
    weir_add_header(x, "X-Two", "1");
    weir_add_header(x, "X-Three", "1");
    weir_set_header(x, "X-ONE", "3");
    weir_set_header(x, "X-Three", NULL);
    weir_add_header(x, "Content-Length", "99");
    weir_set_header(x, "Content-Length", "5");
    weir_set_header(x, "Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    weir_add_header(x, "Content-Type", "text/html");
    weir_respond(x, 299, "text/plain", "fine\n");
}

static void injection(weir_exchange *x)
{
    static const char *const values[] = {"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\x7f", "\x01"};
    static const char *const names[] = {"", "X Evil", "X-Evil:", "X-Evil\r\n", "X-\xc3\xa4"};
    static const char *const carriers[] = {"Connection", "Transfer-Encoding", "Trailer",
                                           "Keep-Alive", "Upgrade",           "Status"};
    int refused = 0;

    for (size_t i = 0; i < 5; i++) {
        refused += weir_add_header(x, "X-Fine", values[i]) == WEIR_ERROR_HEADER;
        refused += weir_set_header(x, "X-Fine", values[i]) == WEIR_ERROR_HEADER;
        refused += weir_set_reason(x, values[i]) == WEIR_ERROR_HEADER;
        refused += weir_set_variable(x, "FINE", values[i]) == WEIR_ERROR_HEADER;
        refused += weir_add_trailer(x, "X-Fine", values[i]) == WEIR_ERROR_HEADER;
        refused += weir_early_hints(x, values[i]) == WEIR_ERROR_HEADER;
        refused += weir_add_header(x, names[i], "a") == WEIR_ERROR_HEADER;
        refused += weir_set_header(x, names[i], "a") == WEIR_ERROR_HEADER;
        refused += weir_set_variable(x, names[i], "a") == WEIR_ERROR_HEADER;
        refused += weir_add_trailer(x, names[i], "a") == WEIR_ERROR_HEADER;
    }
    for (size_t i = 0; i < 6; i++) {
        refused += weir_add_header(x, carriers[i], "a") == WEIR_ERROR_HEADER;
        refused += weir_set_header(x, carriers[i], "a") == WEIR_ERROR_HEADER;
    }
    if (refused != 5 * 10 + 6 * 2)
        abort();
    if (weir_respond(x, 200, "text/plain\r\nX-Evil: 1", "evil\n") != WEIR_ERROR_HEADER)
        abort(); /* and the client gets a 500 */
}

static void handle(weir_exchange *x, void *arg)
{
    const char *path = weir_path(x);

    (void)arg;
#define IS(prefix) (strncmp(path, prefix, sizeof prefix - 1) == 0)
    if (IS("/parts/"))
        parts(x);
    else if (IS("/known/"))
        whole(x, INT64_MAX);
    else if (IS("/declared/"))
        whole(x, 0);
    else if (IS("/short/"))
        whole(x, 1);
    else if (IS("/long/"))
        whole(x, -1);
    else if (IS("/beyond/"))
        beyond(x);
    else if (IS("/copied/"))
        copied(x);
    else if (IS("/unfinished/"))
        unfinished(x);
    else if (IS("/trailers"))
        trailers(x);
    else if (IS("/hints"))
        hints(x);
    else if (IS("/headers"))
        headers(x);
    else if (IS("/injection"))
        injection(x);
    else
        weir_respond(x, 404, "text/plain", "no such test\n");
}

static weir_server *server;

static void on_signal(int number)
{
    (void)number;
    weir_server_stop(server);
}

int main(int argc, char **argv)
{
    weir_server_options options = {
        .size = sizeof options,
        .workers = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0,
        .tls_cert = argc > 5 ? argv[4] : NULL,
        .tls_key = argc > 5 ? argv[5] : NULL,
    };

    if (argc < 3)
        return 2;
    folder = argv[2];
    on_worker = options.workers > 0;
    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argv[1], handle, NULL) != 0) {
        fprintf(stderr, "response: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "response: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
