/* SPDX-License-Identifier: MIT
 *
 * examples/sendfile.c: serves the files of a folder.
 *
 *     sendfile http://127.0.0.1:8080 /srv/www [THREADS]
 *
 * With THREADS it runs on that many worker threads, which is the way for slow disks: reading a file
 * that is not in memory waits for its disk, and on the loop everybody would wait with it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

/* weir_path is decoded and holds no "..": behind the folder it stays within it. What it may still
 * name is a hidden file, ".git" for one. */
static int is_hidden(const char *path)
{
    return strstr(path, "/.") != NULL;
}

static void serve(weir_exchange *x, void *arg)
{
    const char *folder = arg, *path = weir_path(x);
    char name[4096];

    if (path[0] != '/' || is_hidden(path)) {
        weir_respond(x, 404, "text/plain", "404 Not Found\n");
        return;
    }
    const char *index = path[strlen(path) - 1] == '/' ? "index.html" : "";
    int n = snprintf(name, sizeof name, "%s%s%s", folder, path, index);
    if (n < 0 || (size_t)n >= sizeof name) {
        weir_respond(x, 404, "text/plain", "404 Not Found\n");
        return;
    }
    weir_add_header(x, "Cache-Control", "no-cache"); /* keep it, but ask whether it has changed */
    weir_add_header(x, "X-Content-Type-Options", "nosniff");
    weir_serve_file(x, name, NULL);
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
    };
    char here[] = ".", *folder = argc > 2 ? argv[2] : here;
    const char *url = argc > 1 ? argv[1] : NULL;

    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, url, serve, folder) != 0) {
        fprintf(stderr, "sendfile: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "sendfile: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
