/* SPDX-License-Identifier: MIT
 *
 * The backend of bench/library.py on libweir: "/" is 13 bytes, "/N" N bytes; a POST's body is read
 * to its end first. */
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

static char bytes[1 << 20];

static void answer(weir_exchange *x)
{
    const char *path = weir_path(x);
    unsigned long size = path && path[1] ? strtoul(path + 1, NULL, 10) : 0;

    if (size == 0 || size > sizeof bytes)
        weir_respond(x, 200, "text/plain", "Hello, world\n");
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
