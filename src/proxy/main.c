/* SPDX-License-Identifier: MIT
 *
 * proxy/main.c: the program weir. */
#include <stdio.h>

#include "proxy/options.h"

int main(int argc, char **argv)
{
    struct proxy_options options;
    struct proxy proxy;

    switch (options_parse(argc, argv, &options)) {
    case OPTIONS_EXIT:
        return 0;
    case OPTIONS_ERROR:
        return 2;
    case OPTIONS_RUN:
        break;
    }

    int rc = proxy_init(&proxy, &options);
    if (rc == 0) {
        rc = proxy_run(&proxy);
        if (rc != 0)
            fprintf(stderr, "weir: %s\n", weir_error_text(rc));
    }
    proxy_done(&proxy);
    return rc ? 1 : 0;
}
