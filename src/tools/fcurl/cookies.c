/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/cookies.c: see cookies.h. */
#include "tools/fcurl/cookies.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum {
    COOKIE_MAX = 8190,  /* bytes of one, name and value */
    HEADER_MAX = 8190,  /* bytes of a Cookie field */
    COOKIES_MAX = 5000, /* in the jar: a server cannot make it grow without end */
};

struct cookie {
    struct cookie *next;
    char *name, *value, *domain, *path; /* domain without a leading dot */
    int64_t expires;                    /* 0: when the session ends */
    bool tail;                          /* of subdomains, too */
    bool secure, http_only;
};

static void cookie_free(struct cookie *c)
{
    free(c->name);
    free(c->value);
    free(c->domain);
    free(c->path);
    free(c);
}

void cookies_done(struct cookies *jar)
{
    while (jar->first) {
        struct cookie *c = jar->first;
        jar->first = c->next;
        cookie_free(c);
    }
}

/* ---- Matching -------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
    return host[0] == '[' || strspn(host, "0123456789.") == strlen(host);
}

/* RFC 6265 5.1.3 */
static bool domain_matches(const char *host, const char *domain, bool tail)
{
    size_t host_len = strlen(host), len = strlen(domain);

    if (strcasecmp(host, domain) == 0)
        return true;
    return tail && !is_address(host) && host_len > len && host[host_len - len - 1] == '.' &&
           strcasecmp(host + host_len - len, domain) == 0;
}

/* RFC 6265 5.1.4 */
static bool path_matches(const char *path, const char *cookie_path)
{
    size_t len = strlen(cookie_path);

    return strncmp(path, cookie_path, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' || (len > 0 && cookie_path[len - 1] == '/'));
}

static char *default_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash > path ? must_copy_n(path, (size_t)(slash - path)) : must_copy("/");
}

static bool is_secure(const struct url *url)
{
    return strcmp(url->scheme, "https") == 0 || strcmp(url->scheme, "wss") == 0 ||
           strcmp(url->scheme, "fcgis") == 0;
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static int month_number(const char *word)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; i < 12; i++)
        if (strncasecmp(word, months + 3 * i, 3) == 0)
            return i + 1;
    return 0;
}

int64_t cookies_parse_date(const char *text)
{
    int hour = -1, minute = 0, second = 0, day = 0, month = 0, year = -1;

    while (*text) {
        size_t len = 0;
        while (*text && !isalnum((unsigned char)*text) && *text != ':')
            text++;
        while (isalnum((unsigned char)text[len]) || text[len] == ':')
            len++;
        int a, b, c, digits = (int)strspn(text, "0123456789");
        if (hour < 0 && sscanf(text, "%2d:%2d:%2d", &a, &b, &c) == 3 && memchr(text, ':', len)) {
            hour = a;
            minute = b;
            second = c;
        } else if (day == 0 && (digits == 1 || digits == 2)) {
            day = atoi(text);
        } else if (month == 0 && len >= 3 && month_number(text)) {
            month = month_number(text);
        } else if (year < 0 && digits >= 2 && digits <= 4) {
            year = atoi(text);
        }
        text += len;
    }
    if (year >= 70 && year <= 99)
        year += 1900;
    else if (year >= 0 && year < 70)
        year += 2000;
    if (day < 1 || day > 31 || month == 0 || year < 1601 || hour > 23 || minute > 59 || second > 60)
        return -1;
    struct tm tm = {.tm_sec = second,
                    .tm_min = minute,
                    .tm_hour = hour < 0 ? 0 : hour,
                    .tm_mday = day,
                    .tm_mon = month - 1,
                    .tm_year = year - 1900};
    return timegm(&tm);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void jar_add(struct cookies *jar, struct cookie *fresh, int64_t now)
{
    struct cookie **at = &jar->first;
    size_t count = 0;

    while (*at) {
        struct cookie *c = *at;
        bool same = strcmp(c->name, fresh->name) == 0 && strcmp(c->path, fresh->path) == 0 &&
                    strcasecmp(c->domain, fresh->domain) == 0 && c->tail == fresh->tail;
        if (same || (c->expires && c->expires <= now)) {
            *at = c->next;
            cookie_free(c);
        } else {
            at = &c->next;
            count++;
        }
    }
    if ((fresh->expires && fresh->expires <= now) || count >= COOKIES_MAX)
        cookie_free(fresh);
    else
        *at = fresh;
}

static char *trimmed(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    return must_copy_n(start, (size_t)(end - start));
}

/* One attribute behind the first ';'. False: the cookie is not acceptable. */
static bool take_attribute(struct cookie *c, const struct url *url, const char *name,
                           const char *value, bool *has_max_age)
{
    if (strcasecmp(name, "secure") == 0) {
        c->secure = true;
        return is_secure(url) || strcmp(url->host, "localhost") == 0;
    }
    if (strcasecmp(name, "httponly") == 0) {
        c->http_only = true;
    } else if (strcasecmp(name, "path") == 0 && value[0] == '/') {
        free(c->path);
        c->path = must_copy(value);
    } else if (strcasecmp(name, "domain") == 0 && *value) {
        value += value[0] == '.';
        if (!domain_matches(url->host, value, true) ||
            (!strchr(value, '.') && strcasecmp(value, url->host) != 0))
            return false;
        free(c->domain);
        c->domain = must_copy(value);
        c->tail = !is_address(url->host);
    } else if (strcasecmp(name, "max-age") == 0) {
        char *end;
        long long seconds = strtoll(value + (value[0] == '"'), &end, 10);
        int64_t now = time(NULL);
        if (end > value) {
            *has_max_age = true;
            c->expires = seconds <= 0 ? 1 : seconds > INT32_MAX ? now + INT32_MAX : now + seconds;
        }
    } else if (strcasecmp(name, "expires") == 0 && !*has_max_age) {
        int64_t expires = cookies_parse_date(value);
        if (expires >= 0)
            c->expires = expires > 0 ? expires : 1;
    }
    return true;
}

/* The rules of the prefixes __Secure- and __Host- (RFC 6265bis 4.1.3). */
static bool prefix_is_kept(const struct cookie *c)
{
    if (strncmp(c->name, "__Secure-", 9) == 0)
        return c->secure;
    if (strncmp(c->name, "__Host-", 7) == 0)
        return c->secure && !c->tail && strcmp(c->path, "/") == 0;
    return true;
}

bool cookies_receive(struct cookies *jar, const struct url *url, const char *set_cookie)
{
    size_t pair = strcspn(set_cookie, ";");
    const char *equal = memchr(set_cookie, '=', pair);
    struct cookie *c;
    bool good, has_max_age = false;

    if (!equal || pair > COOKIE_MAX)
        return false;
    c = must_alloc(sizeof *c);
    c->name = trimmed(set_cookie, equal);
    c->value = trimmed(equal + 1, set_cookie + pair);
    c->domain = must_copy(url->host);
    c->path = default_path(url->path);
    good = c->name[0] != '\0';
    for (const char *p = set_cookie + pair; good && *p == ';';) {
        size_t len = strcspn(++p, ";");
        const char *sign = memchr(p, '=', len);
        char *name = trimmed(p, sign ? sign : p + len);
        char *value = trimmed(sign ? sign + 1 : p + len, p + len);
        good = take_attribute(c, url, name, value, &has_max_age);
        free(name);
        free(value);
        p += len;
    }
    if (!good || !prefix_is_kept(c)) {
        cookie_free(c);
        return false;
    }
    jar_add(jar, c, time(NULL));
    return true;
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* Longer paths first; else the order they came in (RFC 6265 5.4). */
static bool goes_before(const struct cookie *c, const struct cookie *other)
{
    return strlen(c->path) > strlen(other->path);
}

static size_t find_matching(struct cookies *jar, const struct url *url, struct cookie ***ret_match)
{
    struct cookie **match = NULL;
    size_t count = 0;
    int64_t now = time(NULL);

    for (struct cookie *c = jar->first; c; c = c->next) {
        if ((c->expires && c->expires <= now) || !domain_matches(url->host, c->domain, c->tail) ||
            !path_matches(url->path, c->path) || (c->secure && !is_secure(url)))
            continue;
        match = must_resize(match, (count + 1) * sizeof *match);
        size_t at = count++;
        for (; at > 0 && goes_before(c, match[at - 1]); at--)
            match[at] = match[at - 1];
        match[at] = c;
    }
    *ret_match = match;
    return count;
}

char *cookies_header(struct cookies *jar, const struct url *url)
{
    struct text header = {NULL, 0, 0};
    struct cookie **match;
    size_t count = find_matching(jar, url, &match);

    for (size_t i = 0; i < count; i++) {
        size_t more = strlen(match[i]->name) + strlen(match[i]->value) + 3;
        if (header.len + more > HEADER_MAX)
            break;
        text_printf(&header, "%s%s=%s", i > 0 ? "; " : "", match[i]->name, match[i]->value);
    }
    free(match);
    return header.len ? text_take(&header) : NULL;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* domain \t tail \t path \t secure \t expires \t name \t value */
static void load_line(struct cookies *jar, char *line, bool drop_session)
{
    struct cookie *c;
    char *field[7];
    bool http_only = strncmp(line, "#HttpOnly_", 10) == 0;
    int n = 0;

    if (http_only)
        line += 10;
    else if (line[0] == '#')
        return;
    for (char *p = line; n < 7;) {
        field[n++] = p;
        p += strcspn(p, n < 7 ? "\t" : "");
        if (*p == '\0')
            break;
        *p++ = '\0';
    }
    if (n < 6 || field[2][0] != '/')
        return;
    int64_t expires = strtoll(field[4], NULL, 10);
    bool tail = strcasecmp(field[1], "TRUE") == 0;
    const char *domain = field[0] + (field[0][0] == '.');
    if ((expires == 0 && drop_session) || (tail && !strchr(domain, '.')))
        return;
    c = must_alloc(sizeof *c);
    c->domain = must_copy(domain);
    c->tail = tail;
    c->path = must_copy(field[2]);
    c->secure = strcasecmp(field[3], "TRUE") == 0;
    c->expires = expires;
    c->name = must_copy(field[5]);
    c->value = must_copy(n == 7 ? field[6] : "");
    c->http_only = http_only;
    jar_add(jar, c, time(NULL));
}

void cookies_load(struct cookies *jar, const char *path, bool drop_session)
{
    struct text file = {NULL, 0, 0};

    if (!text_read_file(&file, path)) {
        text_done(&file);
        return;
    }
    for (char *line = file.ptr; line && *line;) {
        size_t len = strcspn(line, "\n");
        char *next = line + len + (line[len] != '\0');
        line[len] = '\0';
        if (len > 0 && line[len - 1] == '\r')
            line[len - 1] = '\0';
        load_line(jar, line, drop_session);
        line = next;
    }
    text_done(&file);
}

bool cookies_save(const struct cookies *jar, const char *path)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(path, "we");
    int64_t now = time(NULL);

    if (!out)
        return false;
    fputs("# Netscape HTTP Cookie File\n# written by fcurl\n\n", out);
    for (const struct cookie *c = jar->first; c; c = c->next) {
        if (c->expires && c->expires <= now)
            continue;
        fprintf(out, "%s%s%s\t%s\t%s\t%s\t%lld\t%s\t%s\n", c->http_only ? "#HttpOnly_" : "",
                c->tail ? "." : "", c->domain, c->tail ? "TRUE" : "FALSE", c->path,
                c->secure ? "TRUE" : "FALSE", (long long)c->expires, c->name, c->value);
    }
    return to_stdout ? fflush(out) == 0 : fclose(out) == 0;
}
