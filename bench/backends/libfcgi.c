/* SPDX-License-Identifier: MIT
 *
 * The backend of bench/library.py on libfcgi: libfcgi SOCKET THREADS. It serves one connection a
 * thread, so it needs as many threads as there are connections. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char bytes[1 << 20];
static int listener;

static void answer(FCGX_Request *r)
{
    const char *method = FCGX_GetParam("REQUEST_METHOD", r->envp);
    const char *uri = FCGX_GetParam("REQUEST_URI", r->envp);
    unsigned long size = uri && uri[1] ? strtoul(uri + 1, NULL, 10) : 0;
    char body[8192];

    if (method && strcmp(method, "POST") == 0)
        while (FCGX_GetStr(body, sizeof body, r->in) > 0)
            ;
    if (size == 0 || size > sizeof bytes) {
        FCGX_PutS("Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n", r->out);
    } else {
        FCGX_FPrintF(r->out, "Content-Type: text/plain\r\nContent-Length: %lu\r\n\r\n", size);
        FCGX_PutStr(bytes, (int)size, r->out);
    }
}

static void *serve(void *arg)
{
    FCGX_Request request;

    (void)arg;
    if (FCGX_InitRequest(&request, listener, 0) != 0)
        return NULL;
    while (FCGX_Accept_r(&request) == 0) {
        answer(&request);
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    pthread_t thread;

    memset(bytes, 'x', sizeof bytes);
    if (argc < 2 || FCGX_Init() != 0 || (listener = FCGX_OpenSocket(argv[1], 1024)) < 0)
        return 1;
    for (int i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            return 1;
    serve(NULL);
    return 0;
}
