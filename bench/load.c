/* SPDX-License-Identifier: MIT
 *
 * load.c: asks a server on a UNIX socket the same thing again and again.
 *
 *     bench-load fcgi|http SOCKET REQUEST-FILE CONNECTIONS SECONDS
 *
 * Each connection sends the bytes of the file, reads one response, and begins anew. A response ends
 * with END_REQUEST (FastCGI) or after Content-Length bytes (HTTP/1.1); one with another status than
 * 200, an END_REQUEST that is not COMPLETE, and a connection that ends count as failures. Printed
 * is one line: requests, failures, seconds, bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, BUFFER = 256 * 1024, END_REQUEST = 3 };

struct connection {
    int fd;
    size_t sent;         /* of the request */
    char head[HEAD_MAX]; /* HTTP: of the response; FastCGI: a record's header, or END_REQUEST */
    size_t head_len;
    uint64_t left; /* bytes to skip: of the body, or of a record with its padding */
    bool in_body;  /* HTTP: the head is complete */
    bool in_end;   /* FastCGI: END_REQUEST's content is gathered */
    bool writing;  /* epoll waits for room */
};

static const char *request;
static size_t request_len;
static char buffer[BUFFER];
static int epoll;
static uint64_t requests, failures, bytes;
static unsigned open_connections;

static void fail(const char *what)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(struct connection *c, int operation, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = c};

    if (epoll_ctl(epoll, operation, c->fd, &event) != 0)
        fail("epoll_ctl");
    c->writing = writing;
}

static void lose(struct connection *c)
{
    failures++;
    open_connections--;
    close(c->fd);
    c->fd = -1;
}

static void send_on(struct connection *c)
{
    while (c->fd >= 0 && c->sent < request_len) {
        ssize_t n = send(c->fd, request + c->sent, request_len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            if (!c->writing)
                watch(c, EPOLL_CTL_MOD, true);
            return;
        }
        if (n < 0)
            lose(c);
        else
            c->sent += (size_t)n;
    }
    if (c->fd >= 0 && c->writing)
        watch(c, EPOLL_CTL_MOD, false);
}

static void response_ended(struct connection *c, bool good)
{
    requests++;
    failures += !good;
    c->sent = c->head_len = 0;
    c->in_body = c->in_end = false;
    send_on(c);
}

/* Takes bytes into head until it has want of them; returns how many it took. */
static size_t gather(struct connection *c, const char *p, size_t n, size_t want)
{
    size_t take = want - c->head_len < n ? want - c->head_len : n;

    memcpy(c->head + c->head_len, p, take);
    c->head_len += take;
    return take;
}

static size_t skip(struct connection *c, size_t n)
{
    size_t take = c->left < n ? (size_t)c->left : n;

    c->left -= take;
    return take;
}

static size_t take_record(struct connection *c, const char *p, size_t n)
{
    const unsigned char *h = (const unsigned char *)c->head;

    if (c->left > 0)
        return skip(c, n);
    size_t taken = gather(c, p, n, c->in_end ? 16 : 8);
    if (c->head_len < (c->in_end ? 16u : 8u))
        return taken;
    if (c->in_end) {
        response_ended(c, h[12] == 0 && h[6] == 0);
    } else if (h[1] == END_REQUEST) {
        c->in_end = true;
    } else {
        c->left = (uint64_t)(h[4] << 8 | h[5]) + h[6];
        c->head_len = 0;
    }
    return taken;
}

static size_t take_http(struct connection *c, const char *p, size_t n)
{
    size_t before = c->head_len;

    if (c->in_body) {
        size_t taken = skip(c, n);
        if (c->left == 0)
            response_ended(c, true);
        return taken;
    }
    size_t taken = gather(c, p, n, HEAD_MAX - 1);
    c->head[c->head_len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->head_len == HEAD_MAX - 1)
            lose(c);
        return taken;
    }
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length || length > end) {
        lose(c);
        return taken;
    }
    c->left = strtoull(length + 17, NULL, 10);
    c->in_body = true;
    taken = (size_t)(end + 4 - c->head) - before;
    if (c->left == 0)
        response_ended(c, true);
    return taken;
}

static void read_in(struct connection *c, bool is_fcgi)
{
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            lose(c);
        return;
    }
    bytes += (uint64_t)n;
    for (size_t at = 0; at < (size_t)n && c->fd >= 0;)
        at += (is_fcgi ? take_record : take_http)(c, buffer + at, (size_t)n - at);
}

static void open_connection(struct connection *c, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail(path);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        fail("fcntl");
    watch(c, EPOLL_CTL_ADD, false);
    open_connections++;
}

static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char content[1 << 20];

    if (!file)
        fail(path);
    request_len = fread(content, 1, sizeof content, file);
    request = content;
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench-load fcgi|http SOCKET REQUEST-FILE CONNECTIONS SECONDS\n");
        return 2;
    }
    bool is_fcgi = strcmp(argv[1], "fcgi") == 0;
    unsigned count = (unsigned)strtoul(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    struct connection *all = calloc(count, sizeof *all);
    struct epoll_event events[256];

    epoll = epoll_create1(0);
    if (!all || epoll < 0)
        fail("out of memory or descriptors");
    read_request(argv[3]);
    for (unsigned i = 0; i < count; i++)
        open_connection(&all[i], argv[2]);
    double started = now();
    for (unsigned i = 0; i < count; i++)
        send_on(&all[i]);
    while (open_connections > 0 && now() - started < seconds) {
        int n = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd >= 0 && (events[i].events & EPOLLOUT))
                send_on(c);
            if (c->fd >= 0 && (events[i].events & ~(unsigned)EPOLLOUT))
                read_in(c, is_fcgi);
        }
    }
    printf("%llu %llu %.6f %llu\n", (unsigned long long)requests, (unsigned long long)failures,
           now() - started, (unsigned long long)bytes);
    return 0;
}
