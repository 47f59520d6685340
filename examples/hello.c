/* SPDX-License-Identifier: MIT
 *
 * examples/hello.c: the smallest backend.
 *
 *     hello fcgi://127.0.0.1:9000        behind nginx, Apache, Caddy, HAProxy, lighttpd, h2o, weir
 *     hello fcgi+unix:/run/hello.sock
 *     hello http://127.0.0.1:8080        in a browser */
#include <weir/weir.h>

static void hello(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, "text/plain", "Hello, world\n");
}

int main(int argc, char **argv)
{
    return weir_serve(argc > 1 ? argv[1] : NULL, hello, NULL) != 0;
}
