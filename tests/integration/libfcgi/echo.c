/* SPDX-License-Identifier: MIT
 *
 * A program on libfcgi for the integration tests: libfcgi-echo SOCKET. It tells what it received,
 * as JSON; ?status=N, ?output=N (bytes), ?redirect=1 and ?stderr=1 ask for something else. */
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *param(FCGX_Request *request, const char *name)
{
    const char *value = FCGX_GetParam(name, request->envp);
    return value ? value : "";
}

/* Adds up the body's bytes: enough to see that none is missing or altered. */
static unsigned long read_body(FCGX_Request *request, unsigned long *ret_sum)
{
    static char buffer[65536];
    unsigned long length = 0, sum = 0;
    int n;

    while ((n = FCGX_GetStr(buffer, (int)sizeof buffer, request->in)) > 0) {
        for (int i = 0; i < n; i++)
            sum += (unsigned char)buffer[i];
        length += (unsigned long)n;
    }
    *ret_sum = sum;
    return length;
}

static long option(FCGX_Request *request, const char *name)
{
    const char *at = strstr(param(request, "QUERY_STRING"), name);
    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void answer(FCGX_Request *request)
{
    unsigned long sum, length = read_body(request, &sum);

    if (option(request, "stderr="))
        FCGX_FPrintF(request->err, "a complaint for the log\n");
    if (option(request, "redirect=")) {
        FCGX_FPrintF(request->out,
                     "Status: 302 Found\r\nLocation: http://localhost/elsewhere\r\n\r\n");
        return;
    }
    if (option(request, "output=")) {
        FCGX_FPrintF(request->out, "Content-Type: text/plain\r\n\r\n");
        for (long left = option(request, "output="); left > 0; left -= 16)
            FCGX_PutStr("0123456789abcde\n", 16, request->out);
        return;
    }
    if (option(request, "status="))
        FCGX_FPrintF(request->out, "Status: %d Chosen\r\n", (int)option(request, "status="));
    FCGX_FPrintF(request->out, "Content-Type: application/json\r\n\r\n");
    if (strcmp(param(request, "REQUEST_METHOD"), "HEAD") != 0)
        FCGX_FPrintF(
            request->out,
            "{\"method\": \"%s\", \"remote_addr\": \"%s\", \"length\": %lu, \"sum\": %lu}\n",
            param(request, "REQUEST_METHOD"), param(request, "REMOTE_ADDR"), length, sum);
}

int main(int argc, char **argv)
{
    FCGX_Request request;
    int fd;

    if (argc != 2 || FCGX_Init() != 0 || (fd = FCGX_OpenSocket(argv[1], 128)) < 0) {
        fprintf(stderr, "usage: libfcgi-echo SOCKET\n");
        return 1;
    }
    FCGX_InitRequest(&request, fd, 0);
    while (FCGX_Accept_r(&request) == 0)
        answer(&request);
    return 0;
}
