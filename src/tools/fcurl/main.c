/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/main.c: fcurl, curl for FastCGI. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/fcurl/exit.h"
#include "tools/fcurl/option.h"
#include "tools/fcurl/transfer.h"

/* What is opened must not become stdin, stdout or stderr because those were closed: a response
 * would go where a message should. */
static bool reserve_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_CLOEXEC) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct global global;
    char *error = NULL;

    if (!reserve_standard_descriptors())
        return EXIT_USAGE;
    global_init(&global);
    if (!args_parse(&global, argc, argv, &error)) {
        fprintf(stderr,
                "fcurl: %s\n"
                "fcurl: try 'fcurl --help' or 'fcurl --manual' for more information\n",
                error);
        free(error);
        int code = global.cannot_read ? EXIT_READ : EXIT_USAGE;
        global_done(&global);
        return code;
    }
    int code = run_all(&global);
    global_done(&global);
    return code;
}
