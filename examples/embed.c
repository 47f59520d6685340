/* SPDX-License-Identifier: MIT
 *
 * examples/embed.c: an application that has a libuv loop of its own, and a weir server on it.
 *
 *     embed http://127.0.0.1:8080 [SECONDS]
 *
 * The application counts tenths of a second; the handler tells the count. It needs no lock for
 * that: both run on the same thread. After SECONDS, or on SIGTERM, the application stops the
 * server and goes on for a moment without it, then its loop has nothing left to do. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <weir/weir.h>

struct app {
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t terminate;
    weir_server *server;
    unsigned ticks, stop_at; /* stop_at 0: never by itself */
    unsigned left;           /* ticks after the server has gone */
};

static void handle(weir_exchange *x, void *arg)
{
    const struct app *app = arg;

    weir_add_header(x, "Content-Type", "text/plain");
    weir_printf(x, "%u\n", app->ticks);
    weir_finish(x);
}

/* The server has left the loop; the application runs on. */
static void on_stopped(weir_server *server, void *arg)
{
    struct app *app = arg;

    app->server = weir_server_free(server);
    fprintf(stderr, "embed: the server has ended after %u ticks\n", app->ticks);
}

static void on_tick(uv_timer_t *timer)
{
    struct app *app = timer->data;

    app->ticks++;
    if (app->ticks == app->stop_at && app->server)
        weir_server_stop(app->server);
    if (!app->server && --app->left == 0) {
        fprintf(stderr, "embed: the application ends after %u ticks\n", app->ticks);
        uv_close((uv_handle_t *)&app->tick, NULL);
        uv_close((uv_handle_t *)&app->terminate, NULL);
    }
}

static void on_terminate(uv_signal_t *signal, int number)
{
    struct app *app = signal->data;

    (void)number;
    if (app->server)
        weir_server_stop(app->server);
}

static int start(struct app *app, const char *url)
{
    app->server = weir_server_new(NULL);
    if (!app->server)
        return WEIR_ERROR_NOMEM;
    int rc = weir_server_listen(app->server, url, handle, app);
    if (rc == 0)
        rc = weir_server_attach(app->server, &app->loop, on_stopped, app);
    if (rc != 0) {
        fprintf(stderr, "embed: %s\n", weir_server_error(app->server));
        app->server = weir_server_free(app->server);
        return rc;
    }
    const char *one;
    for (size_t i = 0; (one = weir_server_url(app->server, i)) != NULL; i++)
        fprintf(stderr, "embed: listening on %s\n", one);
    return 0;
}

int main(int argc, char **argv)
{
    struct app app = {
        .stop_at = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) * 10 : 0,
        .left = 3,
    };

    uv_loop_init(&app.loop);
    int rc = start(&app, argc > 1 ? argv[1] : NULL);
    if (rc == 0) {
        uv_timer_init(&app.loop, &app.tick);
        uv_signal_init(&app.loop, &app.terminate);
        app.tick.data = app.terminate.data = &app;
        uv_timer_start(&app.tick, on_tick, 100, 100);
        uv_signal_start(&app.terminate, on_terminate, SIGTERM);
    }
    uv_run(&app.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&app.loop) != 0 || rc != 0;
}
