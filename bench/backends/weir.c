/* SPDX-License-Identifier: MIT
 *
 * The backend of bench/library.py on libweir: "/" is 13 bytes, "/N" N bytes; a POST's body is read
 * to its end first. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

enum { PIECE = 64 * 1024 };

static char bytes[1 << 20];

static void stream_on(weir_exchange *x, void *arg)
{
    size_t left = (size_t)(uintptr_t)arg;
    int rc = 0;

    while (left > 0 && rc == 0) {
        size_t n = left < PIECE ? left : PIECE;
        rc = weir_write(x, bytes, n);
        if (rc == 0)
            left -= n;
    }
    if (rc == WEIR_ERROR_AGAIN)
        weir_on_drain(x, stream_on, (void *)(uintptr_t)left);
    else
        weir_finish(x);
}

/* What is large leaves piece by piece, as there is room for it. */
static void stream(weir_exchange *x, size_t size)
{
    char length[24];

    snprintf(length, sizeof length, "%zu", size);
    weir_add_header(x, "Content-Type", "text/plain");
    weir_add_header(x, "Content-Length", length);
    stream_on(x, (void *)(uintptr_t)size);
}

static void answer(weir_exchange *x)
{
    const char *path = weir_path(x);
    unsigned long size = path && path[1] ? strtoul(path + 1, NULL, 10) : 0;

    if (size == 0 || size > sizeof bytes)
        weir_respond(x, 200, "text/plain", "Hello, world\n");
    else if (size > PIECE)
        stream(x, size);
    else
        weir_respond_bytes(x, 200, "text/plain", (weir_str){bytes, size});
}

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    (void)data;
    (void)arg;
    if (state == 1)
        answer(x);
    else if (state < 0)
        weir_fail(x);
}

static void handle(weir_exchange *x, void *arg)
{
    const char *method = weir_method(x);

    (void)arg;
    if (method && strcmp(method, "POST") == 0)
        weir_on_body(x, on_body, NULL);
    else
        answer(x);
}

int main(int argc, char **argv)
{
    memset(bytes, 'x', sizeof bytes);
    return weir_serve(argc > 1 ? argv[1] : NULL, handle, NULL) != 0;
}
