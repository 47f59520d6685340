/* SPDX-License-Identifier: MIT
 *
 * examples/authorizer.c: an Authorizer (FastCGI 6.3): lets requests with the right key pass.
 *
 *     authorizer fcgi://127.0.0.1:9001 KEY
 *
 * The web server asks it before it asks the application. With "Authorization: Bearer KEY" the
 * answer is 200 and the application gets the parameter API_CLIENT; without it the client gets the
 * 401. */
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

/* Takes the same time whatever the first difference is. */
static int same(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char difference = len != strlen(b);

    for (size_t i = 0; i < len && i < strlen(b); i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

static void authorize(weir_exchange *x, void *arg)
{
    const char *key = arg;
    const char *header = weir_header(x, "Authorization");

    if (weir_exchange_role(x) != WEIR_AUTHORIZER) {
        weir_respond(x, 500, "text/plain", "This is an Authorizer; ask it as one.\n");
    } else if (header && strncmp(header, "Bearer ", 7) == 0 && same(header + 7, key)) {
        weir_set_variable(x, "API_CLIENT", "key-holder");
        weir_allow(x);
    } else {
        weir_add_header(x, "WWW-Authenticate", "Bearer");
        weir_deny(x, 401, "text/plain", "A valid key is needed.\n");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: authorizer URL KEY\n");
        return 2;
    }
    return weir_serve(argv[1], authorize, argv[2]) != 0;
}
