/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/request.c: from URL and options to FastCGI parameters: those of RFC 3875 4.1 and what
 * web servers send beyond. Later ones replace earlier ones of the same name, in this order: what
 * follows from the URL, headers, --param. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <weir/version.h>

#include "http/field.h"
#include "http/path.h"
#include "tools/fcurl/transfer.h"

/* ---- The list -------------------------------------------------------------------------------- */

static size_t find_param(const struct strings *list, const char *name, size_t len)
{
    size_t i = 0;

    while (i < list->count && (strncmp(list->at[i], name, len) != 0 || list->at[i][len] != '='))
        i++;
    return i;
}

static void set_n(struct transfer *t, const char *name, const char *value, size_t value_len)
{
    size_t i = find_param(&t->sent, name, strlen(name));
    struct text pair = {NULL, 0, 0};

    text_printf(&pair, "%s=", name);
    text_add(&pair, value, value_len);
    if (i == t->sent.count) {
        strings_take(&t->sent, text_take(&pair));
    } else {
        free(t->sent.at[i]);
        t->sent.at[i] = text_take(&pair);
    }
}

static void set(struct transfer *t, const char *name, const char *value)
{
    set_n(t, name, value, strlen(value));
}

static void remove_param(struct transfer *t, const char *name, size_t len)
{
    size_t i = find_param(&t->sent, name, len);

    if (i == t->sent.count)
        return;
    free(t->sent.at[i]);
    memmove(t->sent.at + i, t->sent.at + i + 1, (t->sent.count - i - 1) * sizeof *t->sent.at);
    t->sent.count--;
}

static const char *get(const struct transfer *t, const char *name)
{
    size_t i = find_param(&t->sent, name, strlen(name));

    return i < t->sent.count ? t->sent.at[i] + strlen(name) + 1 : NULL;
}

/* ---- Method and body ------------------------------------------------------------------------- */

/* --continue-at with --upload-file: how much of the file is there already. */
static uint64_t upload_offset(const struct config *c)
{
    return c->continue_at && strcmp(c->continue_at, "-") != 0 ? strtoull(c->continue_at, NULL, 10)
                                                              : 0;
}

static struct body *make_body(struct transfer *t)
{
    struct config *c = t->config;
    char *why = NULL;
    struct body *body;

    if (t->upload) {
        body = body_of_file(t->upload, upload_offset(c));
        if (!body)
            transfer_fail(t, EXIT_READ, "Can't open '%s'!", t->upload);
        return body;
    }
    if (c->form) {
        body = body_of_form(c->form, c->form_escape, &why);
        if (!body)
            transfer_fail(t, EXIT_READ, "%s", why);
        free(why);
        return body;
    }
    return body_of_bytes(c->data.ptr ? c->data.ptr : "", c->data.len);
}

/* "-T FILE http://h/folder/" means http://h/folder/FILE. */
static void name_upload(struct transfer *t)
{
    size_t len = strlen(t->url.path);
    const char *slash = strrchr(t->upload, '/');
    struct text path = {NULL, 0, 0};

    if (t->url.path[len - 1] != '/' || strcmp(t->upload, "-") == 0 || strcmp(t->upload, ".") == 0)
        return;
    slash = slash ? slash + 1 : t->upload;
    text_puts(&path, t->url.path);
    text_add_escaped(&path, slash, strlen(slash), "");
    free(t->url.path);
    t->url.path = text_take(&path);
}

/* --url-query: as --data-urlencode, or as it is behind a plus sign. */
static void add_url_query(struct transfer *t, const char *query)
{
    size_t name = strcspn(query, "=@");
    struct text part = {NULL, 0, 0};

    if (query[0] == '+') {
        text_puts(&part, query + 1);
    } else if (query[name] == '@') {
        struct text file = {NULL, 0, 0};
        if (!text_read_file(&file, query + name + 1))
            run_warn(t->run, "Couldn't read data from file \"%s\", this makes an empty query part.",
                     query + name + 1);
        if (name > 0)
            text_printf(&part, "%.*s=", (int)name, query);
        text_add_form_escaped(&part, file.ptr ? file.ptr : "", file.len);
        text_done(&file);
    } else {
        const char *content = query[name] == '=' ? query + name + 1 : query;
        if (content > query + 1)
            text_printf(&part, "%.*s=", (int)name, query);
        text_add_form_escaped(&part, content, strlen(content));
    }
    url_add_query(&t->url, part.ptr ? part.ptr : "");
    text_done(&part);
}

bool request_prepare(struct transfer *t)
{
    struct config *c = t->config;
    if (t->upload && *t->upload == '\0') { /* as in curl: this URL has none */
        free(t->upload);
        t->upload = NULL;
    }
    bool sends = t->upload || c->form || (c->has_data && !c->get);

    if (c->form && (c->has_data || t->upload)) {
        transfer_fail(t, EXIT_USAGE,
                      "You can only select one HTTP request method: --form, and "
                      "--data or --upload-file");
        return false;
    }
    if (c->has_data && t->upload) {
        transfer_fail(t, EXIT_USAGE,
                      "You can only select one HTTP request method: --data or "
                      "--upload-file");
        return false;
    }
    if (c->head && sends) {
        transfer_fail(t, EXIT_USAGE,
                      "You can only select one HTTP request method: --head, or one that sends");
        return false;
    }
    for (size_t i = 0; i < c->url_query.count; i++)
        add_url_query(t, c->url_query.at[i]);
    if (c->get && c->has_data)
        url_add_query(&t->url, c->data.ptr ? c->data.ptr : "");
    if (t->url.query && strpbrk(t->url.query, " \t\r\n")) {
        transfer_fail(t, EXIT_URL,
                      "There is white space in the URL's query: --data-urlencode, not "
                      "--data, encodes it");
        return false;
    }
    if (t->upload)
        name_upload(t);
    if (sends) {
        t->body = make_body(t);
        if (!t->body)
            return false;
    }
    t->head = c->head;
    t->keeps_method = c->method != NULL;
    t->method = must_copy(c->method   ? c->method
                          : c->head   ? "HEAD"
                          : t->upload ? "PUT"
                          : sends     ? "POST"
                                      : "GET");
    return true;
}

/* ---- What follows from the URL --------------------------------------------------------------- */

/* Where the script ends in a decoded path: behind the first segment with one of the suffixes; all
 * of it if there is none. */
static size_t script_length(const struct config *c, const char *path)
{
    static char php[] = ".php";
    char *only[] = {php};
    char **suffixes = c->split.count ? c->split.at : only;
    size_t count = c->split.count ? c->split.count : 1;

    for (size_t end = 1; path[end - 1]; end++) {
        if (path[end] != '\0' && path[end] != '/')
            continue;
        for (size_t i = 0; i < count; i++) {
            size_t len = strlen(suffixes[i]);
            if (len > 0 && end >= len && memcmp(path + end - len, suffixes[i], len) == 0)
                return end;
        }
        if (path[end] == '\0')
            break;
    }
    return strlen(path);
}

static char *joined(const char *a, size_t a_len, const char *b)
{
    struct text text = {NULL, 0, 0};

    text_add(&text, a, a_len);
    text_puts(&text, b);
    return text_take(&text);
}

/* SCRIPT_NAME, PATH_INFO, SCRIPT_FILENAME, DOCUMENT_ROOT, PATH_TRANSLATED. */
static void set_script(struct transfer *t, const char *path)
{
    const struct config *c = t->config;
    const char *root = c->root ? c->root : "";
    size_t root_len = strlen(root);
    const char *index = c->index ? c->index : "index.php";
    bool folder = path[strlen(path) - 1] == '/';
    char *full =
        c->root && folder && !c->script ? joined(path, strlen(path), index) : must_copy(path);
    size_t script = c->root || c->split.count ? script_length(c, full) : strlen(full);

    while (root_len > 0 && root[root_len - 1] == '/')
        root_len--;
    if (c->root)
        set(t, "DOCUMENT_ROOT", c->root);
    if (c->script) {
        bool below = c->script[0] != '/';
        bool inside = c->root && !below && strncmp(c->script, root, root_len) == 0 &&
                      c->script[root_len] == '/';
        char *name = joined(below ? "/" : "", below, inside ? c->script + root_len : c->script);
        char *file = below ? joined(root, root_len, name) : must_copy(c->script);
        set(t, "SCRIPT_NAME", name);
        set(t, "SCRIPT_FILENAME", file);
        free(name);
        free(file);
    } else {
        char *name = must_copy_n(full, script);
        char *file = joined(root, root_len, name);
        set(t, "SCRIPT_NAME", name);
        set(t, "SCRIPT_FILENAME", file);
        if (full[script]) {
            set(t, "PATH_INFO", full + script);
            if (c->root) {
                char *translated = joined(root, root_len, full + script);
                set(t, "PATH_TRANSLATED", translated);
                free(translated);
            }
        }
        free(name);
        free(file);
    }
    free(full);
}

static void set_path(struct transfer *t)
{
    size_t len = strlen(t->url.path);
    char *path = must_alloc(len + 1);
    size_t path_len;
    enum http_path_result result =
        http_path_normalise((weir_str){t->url.path, len}, path, &path_len);

    if (result != HTTP_PATH_OK) {
        /* Shown to the application as it is: that is what it will be tested with. */
        char *raw = url_decode(t->url.path, len, NULL);
        memcpy(path, raw, strlen(raw) + 1);
        free(raw);
    } else {
        path[path_len] = '\0';
    }
    set(t, "DOCUMENT_URI", path);
    set_script(t, path);
    free(path);
}

static void set_url(struct transfer *t)
{
    const struct url *url = &t->url;
    struct text uri = {NULL, 0, 0}, port = {NULL, 0, 0};
    bool tls = strcmp(url->scheme, "https") == 0 || strcmp(url->scheme, "wss") == 0 ||
               strcmp(url->scheme, "fcgis") == 0;
    bool fcgi = strncmp(url->scheme, "fcgi", 4) == 0; /* the port is the server's, not the site's */
    char *authority = fcgi ? must_copy(url->host) : url_authority(url);

    if (t->config->request_target) {
        text_puts(&uri, t->config->request_target);
    } else {
        text_puts(&uri, url->path);
        if (url->query)
            text_printf(&uri, "?%s", url->query);
    }
    text_printf(&port, "%u", fcgi ? (tls ? 443u : 80u) : url->port);
    set(t, "GATEWAY_INTERFACE", "CGI/1.1");
    set(t, "SERVER_SOFTWARE", "fcurl/" WEIR_VERSION);
    set(t, "SERVER_PROTOCOL", "HTTP/1.1");
    set(t, "SERVER_NAME", url->host);
    set(t, "SERVER_PORT", port.ptr);
    set(t, "REQUEST_METHOD", t->method);
    set(t, "REQUEST_SCHEME", tls ? "https" : "http");
    if (tls)
        set(t, "HTTPS", "on");
    set(t, "REQUEST_URI", uri.ptr);
    set(t, "QUERY_STRING", url->query ? url->query : "");
    set_path(t);
    set(t, "REMOTE_ADDR", "127.0.0.1");
    set(t, "REDIRECT_STATUS", "200");
    set(t, "HTTP_HOST", authority);
    text_done(&uri);
    text_done(&port);
    free(authority);
}

/* ---- Headers --------------------------------------------------------------------------------- */

/* HTTP_NAME for a header's name; NULL for those that are of one connection, or must never become a
 * parameter. To be freed. */
static char *param_of_header(struct transfer *t, const char *name, size_t len)
{
    enum http_field_id id = http_field_lookup(name, len);
    struct text param = {NULL, 0, 0};
    bool odd = false;

    if (id == HTTP_FIELD_CONTENT_TYPE)
        return must_copy("CONTENT_TYPE");
    if (id == HTTP_FIELD_CONTENT_LENGTH)
        return must_copy("CONTENT_LENGTH");
    if (http_field_is_hop_by_hop(id) || id == HTTP_FIELD_EXPECT)
        return NULL;
    if (id == HTTP_FIELD_PROXY || id == HTTP_FIELD_REDIRECT_STATUS) {
        run_warn(t->run, "The header %.*s is not sent, as careful web servers do not; use --param.",
                 (int)len, name);
        return NULL;
    }
    text_puts(&param, "HTTP_");
    for (size_t i = 0; i < len; i++) {
        char ch = name[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        bool plain = letter || (ch >= '0' && ch <= '9') || ch == '-';
        odd = odd || !plain;
        text_putc(&param, ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A')
                          : plain && ch != '-'   ? ch
                                                 : '_');
    }
    if (odd)
        run_warn(t->run, "The header %.*s is sent as %s; many web servers would drop it.", (int)len,
                 name, param.ptr);
    return text_take(&param);
}

/* Repeated headers become one parameter (RFC 9110 5.3; Cookie: RFC 9113 8.2.3). */
static void join_param(struct transfer *t, const char *name, const char *value, bool is_repeated)
{
    const char *before = is_repeated ? get(t, name) : NULL;
    struct text both = {NULL, 0, 0};

    if (!before) {
        set(t, name, value);
        return;
    }
    text_printf(&both, "%s%s%s", before, strcmp(name, "HTTP_COOKIE") == 0 ? "; " : ", ", value);
    set(t, name, both.ptr);
    text_done(&both);
}

static bool is_credential(const char *param)
{
    return strcmp(param, "HTTP_AUTHORIZATION") == 0 || strcmp(param, "HTTP_COOKIE") == 0;
}

/* -H "Name: value", "Name:" (remove), "Name;" (empty). */
static bool set_header(struct transfer *t, const char *header, struct strings *seen)
{
    size_t name = strcspn(header, ":;");
    const char *value = header + name + (header[name] != '\0');
    bool remove, empty;

    while (*value == ' ' || *value == '\t')
        value++;
    size_t len = strlen(value);
    while (len > 0 && strchr(" \t\r\n", value[len - 1]))
        len--;
    remove = header[name] == ':' && len == 0;
    empty = header[name] == ';' && len == 0;
    if (name == 0 || (header[name] != ':' && !empty))
        return true; /* as curl: no header, no complaint */
    if (strpbrk(value, "\r\n") && strpbrk(value, "\r\n") < value + len) {
        transfer_fail(t, EXIT_USAGE, "The header %.*s has a line break in it", (int)name, header);
        return false;
    }
    char *param = param_of_header(t, header, name);
    if (!param)
        return true;
    char *text = must_copy_n(value, len);
    if (remove) {
        remove_param(t, param, strlen(param));
    } else if (t->is_first_site || t->config->location_trusted || !is_credential(param)) {
        join_param(t, param, text, find_param(seen, param, strlen(param)) < seen->count);
        strings_take(seen, joined(param, strlen(param), "="));
    }
    free(text);
    free(param);
    return true;
}

static char *base64(const char *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct text out = {NULL, 0, 0};
    size_t len = strlen(bytes);

    for (size_t i = 0; i < len; i += 3) {
        unsigned left = len - i < 3 ? (unsigned)(len - i) : 3;
        unsigned bits = (unsigned)(unsigned char)bytes[i] << 16 |
                        (left > 1 ? (unsigned)(unsigned char)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? (unsigned char)bytes[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++)
            text_putc(&out, k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
    return text_take(&out);
}

/* -u NAME without a password: asks for it on the terminal, once. */
static void ask_password(struct config *c)
{
    struct text full = {NULL, 0, 0};
    struct termios before, quiet;
    FILE *tty;

    if (strchr(c->user, ':'))
        return;
    text_printf(&full, "%s:", c->user);
    tty = fopen("/dev/tty", "r+e");
    if (tty) {
        char line[512] = "";
        bool terminal = tcgetattr(fileno(tty), &before) == 0;
        fprintf(tty, "Enter host password for user '%s':", c->user);
        fflush(tty);
        if (terminal) {
            quiet = before;
            quiet.c_lflag &= ~(tcflag_t)ECHO;
            (void)tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
        }
        if (fgets(line, sizeof line, tty))
            line[strcspn(line, "\r\n")] = '\0';
        if (terminal)
            (void)tcsetattr(fileno(tty), TCSAFLUSH, &before);
        fputc('\n', tty);
        fclose(tty);
        text_puts(&full, line);
    }
    free(c->user);
    c->user = text_take(&full);
}

static void set_authorization(struct transfer *t)
{
    struct text pair = {NULL, 0, 0}, field = {NULL, 0, 0};

    if (!t->is_first_site && !t->config->location_trusted)
        return;
    if (t->config->user) {
        ask_password(t->config);
        text_puts(&pair, t->config->user);
    } else if (t->url.user) {
        text_printf(&pair, "%s:%s", t->url.user, t->url.password ? t->url.password : "");
    } else {
        return;
    }
    char *encoded = base64(pair.ptr);
    text_printf(&field, "Basic %s", encoded);
    set(t, "HTTP_AUTHORIZATION", field.ptr);
    free(encoded);
    text_done(&pair);
    text_done(&field);
}

static void set_cookies(struct transfer *t)
{
    struct text header = {NULL, 0, 0};
    char *from_jar = cookies_header(&t->run->cookies, &t->url);

    if (from_jar)
        text_puts(&header, from_jar);
    for (size_t i = 0; i < t->config->cookies.count; i++) {
        const char *cookie = t->config->cookies.at[i];
        if (strchr(cookie, '=') && (t->is_first_site || t->config->location_trusted))
            text_printf(&header, "%s%s", header.len ? "; " : "", cookie);
    }
    if (header.len)
        set(t, "HTTP_COOKIE", header.ptr);
    text_done(&header);
    free(from_jar);
}

/* --time-cond: a date, or a file whose time is meant. */
static void set_time_condition(struct transfer *t)
{
    const char *text = t->config->time_condition;
    bool unmodified = text && *text == '-';
    time_t when;
    char date[64];
    struct stat st;
    struct tm tm;

    if (!text)
        return;
    text += unmodified || *text == '+' || *text == '=';
    when = (time_t)cookies_parse_date(text);
    if (when == -1 && stat(text, &st) == 0)
        when = st.st_mtime;
    if (when == -1) {
        run_warn(t->run, "Illegal date format for -z, --time-cond (and not a file name). Disabling "
                         "time condition.");
        return;
    }
    t->condition_time = when;
    gmtime_r(&when, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    set(t, unmodified ? "HTTP_IF_UNMODIFIED_SINCE" : "HTTP_IF_MODIFIED_SINCE", date);
}

static void set_etag(struct transfer *t)
{
    struct text file = {NULL, 0, 0};

    if (!t->config->etag_compare)
        return;
    (void)text_read_file(&file, t->config->etag_compare);
    while (file.len > 0 && strchr("\r\n ", file.ptr[file.len - 1]))
        file.ptr[--file.len] = '\0';
    set(t, "HTTP_IF_NONE_MATCH", file.len ? file.ptr : "\"\"");
    text_done(&file);
}

static void set_range(struct transfer *t)
{
    struct text range = {NULL, 0, 0};

    bool sends_file = t->upload && t->body;
    uint64_t from = sends_file ? upload_offset(t->config) : t->output.resume_from;
    int64_t length = sends_file ? body_length(t->body) : -1;

    if (sends_file && t->config->continue_at && length > 0)
        text_printf(&range, "bytes %llu-%llu/%llu", (unsigned long long)from,
                    (unsigned long long)from + (uint64_t)length - 1,
                    (unsigned long long)from + (uint64_t)length);
    else if (sends_file && t->config->range && length >= 0)
        text_printf(&range, "bytes %s/%lld", t->config->range, (long long)length);
    else if (!sends_file && from > 0)
        text_printf(&range, "bytes=%llu-", (unsigned long long)from);
    else if (!sends_file && t->config->range)
        text_printf(&range, "bytes=%s", t->config->range);
    if (range.len)
        set(t, sends_file ? "HTTP_CONTENT_RANGE" : "HTTP_RANGE", range.ptr);
    text_done(&range);
}

static void set_content(struct transfer *t)
{
    const struct config *c = t->config;
    const char *type = body_content_type(t->body);

    if (type)
        set(t, "CONTENT_TYPE", type);
    else if (c->json)
        set(t, "CONTENT_TYPE", "application/json");
    else if (!t->upload)
        set(t, "CONTENT_TYPE", "application/x-www-form-urlencoded");
    if (body_length(t->body) >= 0) {
        struct text length = {NULL, 0, 0};
        text_printf(&length, "%lld", (long long)body_length(t->body));
        set(t, "CONTENT_LENGTH", length.ptr);
        text_done(&length);
    }
}

static bool set_headers(struct transfer *t)
{
    const struct config *c = t->config;
    const char *referer = t->referer ? t->referer : c->referer;
    struct strings seen = {NULL, 0, 0};
    bool good = true;

    set(t, "HTTP_USER_AGENT", c->user_agent ? c->user_agent : "fcurl/" WEIR_VERSION);
    if (c->user_agent && !*c->user_agent)
        remove_param(t, "HTTP_USER_AGENT", strlen("HTTP_USER_AGENT"));
    set(t, "HTTP_ACCEPT", c->json ? "application/json" : "*/*");
    if (c->compressed)
        set(t, "HTTP_ACCEPT_ENCODING", decoder_codings);
    if (referer)
        set(t, "HTTP_REFERER", referer);
    set_authorization(t);
    set_cookies(t);
    set_range(t);
    set_time_condition(t);
    set_etag(t);
    if (t->body)
        set_content(t);
    else if (c->json)
        set(t, "CONTENT_TYPE", "application/json");
    for (size_t i = 0; i < c->headers.count && good; i++)
        good = set_header(t, c->headers.at[i], &seen);
    strings_done(&seen);
    return good;
}

/* ---- All ------------------------------------------------------------------------------------- */

static void apply_overrides(struct transfer *t)
{
    static const char *const not_for_authorizers[] = {"CONTENT_LENGTH", "PATH_INFO",
                                                      "PATH_TRANSLATED", "SCRIPT_NAME"};

    if (t->config->role == ROLE_AUTHORIZER)
        for (size_t i = 0; i < 4; i++)
            remove_param(t, not_for_authorizers[i], strlen(not_for_authorizers[i]));
    for (size_t i = 0; i < t->config->params.count; i++) {
        const char *pair = t->config->params.at[i];
        size_t name = strcspn(pair, "=");
        if (pair[name + 1] == '\0') {
            remove_param(t, pair, name);
        } else {
            char *copy = must_copy_n(pair, name);
            set(t, copy, pair + name + 1);
            free(copy);
        }
    }
}

bool request_params(struct transfer *t)
{
    strings_done(&t->sent);
    set_url(t);
    if (!set_headers(t))
        return false;
    apply_overrides(t);
    t->sent_size = 0;
    for (size_t i = 0; i < t->sent.count; i++) {
        const char *pair = t->sent.at[i];
        size_t name = strcspn(pair, "="), value = strlen(pair + name + 1);
        t->sent_size += weir_pair_size(name, value);
        if (!t->request)
            continue;
        int rc = weir_client_param(t->request, (weir_str){pair, name},
                                   (weir_str){pair + name + 1, value});
        if (rc != 0) {
            transfer_fail(t, EXIT_USAGE, "%s", weir_client_request_error(t->request));
            return false;
        }
    }
    return true;
}
