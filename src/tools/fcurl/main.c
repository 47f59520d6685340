/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/main.c: fcurl, curl for FastCGI. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/fcurl/exit.h"
#include "tools/fcurl/option.h"
#include "tools/fcurl/transfer.h"

int main(int argc, char **argv)
{
    struct global global;
    char *error = NULL;

    global_init(&global);
    if (!args_parse(&global, argc, argv, &error)) {
        fprintf(stderr,
                "fcurl: %s\n"
                "fcurl: try 'fcurl --help' or 'fcurl --manual' for more information\n",
                error);
        free(error);
        global_done(&global);
        return EXIT_USAGE;
    }
    int code = run_all(&global);
    global_done(&global);
    return code;
}
