/* SPDX-License-Identifier: MIT
 *
 * A program of somebody else: it knows weir by its headers and pkg-config alone, and has functions
 * whose names the library uses inside. */
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

int buf_init(void);
int arena_alloc(void);

int buf_init(void)
{
    return 1;
}

int arena_alloc(void)
{
    return 2;
}

static void answer(weir_exchange *x, void *arg)
{
    static const weir_str text = {"from C\n", 7};

    (void)arg;
    if (buf_init() + arena_alloc() != 3 || strcmp(weir_version(), WEIR_VERSION) != 0)
        weir_fail(x);
    else
        weir_respond_bytes(x, 200, "text/plain", text);
}

int main(int argc, char **argv)
{
    return weir_serve(argc > 1 ? argv[1] : NULL, answer, NULL) != 0;
}
