/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/config.c: see config.h. */
#include "tools/fcurl/config.h"

#include <stdlib.h>

struct config *config_add(struct global *global)
{
    struct config *config = must_alloc(sizeof *config);
    struct config **last = &global->configs;

    while (*last)
        last = &(*last)->next;
    *last = config;
    config->global = global;
    config->role = ROLE_RESPONDER;
    config->max_redirs = 50;
    config->abort_after_seconds = -1;
    global->current = config;
    return config;
}

static struct target *target_add(struct target **last)
{
    while (*last)
        last = &(*last)->next;
    *last = must_alloc(sizeof **last);
    return *last;
}

struct target *config_target_without_url(struct config *config)
{
    for (struct target *t = config->targets; t; t = t->next)
        if (!t->has_url)
            return t;
    return target_add(&config->targets);
}

struct target *config_target_without_output(struct config *config)
{
    for (struct target *t = config->targets; t; t = t->next)
        if (!t->has_output)
            return t;
    return target_add(&config->targets);
}

struct target *config_target_without_upload(struct config *config)
{
    for (struct target *t = config->targets; t; t = t->next)
        if (!t->has_upload)
            return t;
    return target_add(&config->targets);
}

static void config_free(struct config *config)
{
    char *strings[] = {
        config->to,
        config->unix_socket,
        config->abstract_socket,
        config->root,
        config->script,
        config->index,
        config->data_stream,
        config->fcgi_stderr,
        config->pcap,
        config->method,
        config->user_agent,
        config->referer,
        config->user,
        config->range,
        config->request_target,
        config->time_condition,
        config->cookie_jar,
        config->continue_at,
        config->dump_header,
        config->output_dir,
        config->write_out,
        config->cacert,
        config->cert,
        config->key,
        config->etag_save,
        config->etag_compare,
    };
    struct strings *lists[] = {
        &config->split,   &config->params,  &config->fail_if,    &config->headers,
        &config->cookies, &config->resolve, &config->connect_to, &config->url_query,
    };

    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        strings_done(lists[i]);
    text_done(&config->data);
    while (config->targets) {
        struct target *t = config->targets;
        config->targets = t->next;
        free(t->url);
        free(t->output);
        free(t->upload);
        free(t);
    }
    while (config->form) {
        struct form_part *part = config->form;
        config->form = part->next;
        free(part->spec);
        free(part);
    }
    free(config);
}

void global_init(struct global *global)
{
    *global = (struct global){.parallel_max = 50, .styled_output = true};
    (void)config_add(global);
}

void global_done(struct global *global)
{
    while (global->configs) {
        struct config *config = global->configs;
        global->configs = config->next;
        config_free(config);
    }
    free(global->trace);
    free(global->trace_ascii);
    free(global->stderr_file);
}
