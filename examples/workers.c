/* SPDX-License-Identifier: MIT
 *
 * examples/workers.c: a handler that blocks, on worker threads.
 *
 *     workers fcgi+unix:/run/app.sock [THREADS]
 *
 * POST: reads the body piece by piece and answers with its length and a checksum.
 * GET:  counts to ten, with as many milliseconds in between as ?pause= says; each line leaves at
 *       once. Nobody else waits meanwhile, not even on the same connection. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/weir.h>

static void receive(weir_exchange *x)
{
    static const size_t room = 64 * 1024;
    unsigned char *piece = malloc(room);
    unsigned long long length = 0;
    unsigned sum = 1, more = 0; /* Adler-32 */
    int n;

    if (!piece) {
        weir_fail(x);
        return;
    }
    while ((n = weir_read(x, piece, room)) > 0) {
        for (int i = 0; i < n; i++) {
            sum = (sum + piece[i]) % 65521;
            more = (more + sum) % 65521;
        }
        length += (unsigned)n;
    }
    free(piece);
    if (n < 0) { /* the client went away or sent less than it said */
        weir_fail(x);
        return;
    }
    weir_add_header(x, "Content-Type", "text/plain");
    weir_printf(x, "%llu bytes, adler32 %08x\n", length, more << 16 | sum);
}

static void count(weir_exchange *x)
{
    const char *pause = weir_query_get(x, "pause");
    long ms = pause ? strtol(pause, NULL, 10) : 0;
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};

    weir_add_header(x, "Content-Type", "text/plain");
    for (int i = 1; i <= 10; i++) {
        if (weir_printf(x, "%d\n", i) != 0 || weir_flush(x) != 0)
            return; /* nobody listens any more */
        if (ms > 0)
            nanosleep(&wait, NULL);
    }
}

static void handle(weir_exchange *x, void *arg)
{
    const char *method = weir_method(x);

    (void)arg;
    if (method && strcmp(method, "POST") == 0)
        receive(x);
    else
        count(x);
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
        .workers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 8,
    };

    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, NULL) != 0) {
        fprintf(stderr, "workers: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "workers: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
