/* SPDX-License-Identifier: MIT
 *
 * examples/health.c: a health check for any FastCGI application.
 *
 *     health fcgi+unix:/run/php/fpm.sock /ping
 *
 * Ends with 0 if the answer is complete and its status 2xx, with 1 if not, and says why. */
#include <stdio.h>
#include <weir/weir.h>

static int check(weir_client *client, const char *path)
{
    weir_client_http http = {.size = sizeof http, .script_filename = path};
    weir_client_request *r = weir_client_request_new(client, WEIR_RESPONDER);
    int healthy = 0;

    if (!r)
        return 0;
    if (weir_client_request_http(r, "GET", path, &http) == 0 &&
        weir_client_start(r, NULL, NULL) == 0 && weir_client_finish(r) == 0) {
        healthy = weir_client_status(r) / 100 == 2;
        printf("%s: status %d\n", weir_client_url(client), weir_client_status(r));
    } else {
        printf("%s\n", weir_client_request_error(r));
    }
    weir_client_request_free(r);
    return healthy;
}

int main(int argc, char **argv)
{
    weir_client_options options = {.size = sizeof options, .total_timeout = 2000};

    if (argc != 3) {
        fprintf(stderr, "usage: health URL PATH\n");
        return 2;
    }
    weir_client *client = weir_client_new(argv[1], &options);
    int healthy = client && check(client, argv[2]);
    weir_client_free(client);
    return healthy ? 0 : 1;
}
