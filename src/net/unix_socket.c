/* SPDX-License-Identifier: MIT
 *
 * net/unix_socket.c: see unix_socket.h.
 *
 *     bind PATH.xxxxxx -> owner, mode -> listen -> rename to PATH
 *
 * Whoever connects to PATH therefore finds a socket with all its restrictions, and one that is
 * found dead there has no owner that is about to listen. */
#include "net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/error.h>

enum { SUFFIX = 7, ATTEMPTS = 8, SHARED_MODE = 0660 };

enum probe { PROBE_STALE, PROBE_LIVE, PROBE_NONE, PROBE_NO_SOCKET };

struct opening {
    int fd;
    int folder;
    struct sockaddr_un path, temporary;
    const char *name, *temporary_name; /* the last components */
};

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int open_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t len = (size_t)(last_component(path) - path);

    if (len == 0)
        return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    memcpy(folder, path, len);
    folder[len] = '\0';
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What stands at an address. A socket that cannot be asked counts as live. */
static enum probe probe(const struct opening *o, const struct sockaddr_un *address,
                        struct stat *ret_stat)
{
    if (fstatat(o->folder, last_component(address->sun_path), ret_stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? PROBE_NONE : PROBE_LIVE;
    if (!S_ISSOCK(ret_stat->st_mode))
        return PROBE_NO_SOCKET;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return PROBE_LIVE;
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int error = errno;
    close(fd);
    if (rc != 0 && error == ENOENT)
        return PROBE_NONE;
    return rc != 0 && error == ECONNREFUSED ? PROBE_STALE : PROBE_LIVE;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Puts our socket in the place of the dead one that stale describes, and removes that. If another
 * process was faster, its socket gets its name back. */
static int replace_stale(const struct opening *o, const struct stat *stale)
{
    struct stat got;

    if (renameat2(o->folder, o->temporary_name, o->folder, o->name, RENAME_EXCHANGE) != 0) {
        if (errno != EINVAL)
            return -1;
        return renameat(o->folder, o->temporary_name, o->folder, o->name); /* no exchange here */
    }
    if (probe(o, &o->temporary, &got) == PROBE_STALE && same_file(&got, stale))
        return unlinkat(o->folder, o->temporary_name, 0);
    (void)renameat2(o->folder, o->temporary_name, o->folder, o->name, RENAME_EXCHANGE);
    errno = EADDRINUSE;
    return -1;
}

/* Gives our socket its name. */
static int publish(const struct opening *o)
{
    struct stat found;

    for (int i = 0; i < ATTEMPTS; i++) {
        if (renameat2(o->folder, o->temporary_name, o->folder, o->name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST && errno != EINVAL)
            return -1;
        bool unsupported = errno == EINVAL;
        switch (probe(o, &o->path, &found)) {
        case PROBE_STALE:
            return replace_stale(o, &found);
        case PROBE_LIVE:
            errno = EADDRINUSE;
            return -1;
        case PROBE_NO_SOCKET:
            errno = EEXIST;
            return -1;
        case PROBE_NONE: /* it went away meanwhile */
            if (unsupported)
                return renameat(o->folder, o->temporary_name, o->folder, o->name);
        }
    }
    errno = EADDRINUSE;
    return -1;
}

static int set_owner_and_mode(const struct opening *o, const struct listen_options *options)
{
    bool owned = options->has_owner || options->has_group;

    if (owned && fchownat(o->folder, o->temporary_name, options->has_owner ? options->owner : -1u,
                          options->has_group ? options->group : -1u, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!owned && !options->has_mode)
        return 0; /* as the umask says */
    return fchmodat(o->folder, o->temporary_name, options->has_mode ? options->mode : SHARED_MODE,
                    AT_SYMLINK_NOFOLLOW);
}

/* Binds under a name that nobody else uses. */
static int bind_temporary(struct opening *o, const struct listen_options *options)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    unsigned char random[SUFFIX - 1];
    size_t len = strlen(o->path.sun_path);

    /* The file gets no more permissions than the socket has: nobody else's until they are set. */
    if ((options->has_mode || options->has_owner || options->has_group) && fchmod(o->fd, 0600) != 0)
        return -1;
    o->temporary = o->path;
    o->temporary_name = last_component(o->temporary.sun_path);
    for (int i = 0; i < ATTEMPTS; i++) {
        char *end = o->temporary.sun_path + len;
        if (getrandom(random, sizeof random, 0) != sizeof random)
            return -1;
        *end = '.';
        for (int k = 0; k < SUFFIX - 1; k++)
            end[1 + k] = digits[random[k] & 31];
        if (bind(o->fd, (const struct sockaddr *)&o->temporary, sizeof o->temporary) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -1;
    }
    return -1;
}

static int open_named(struct opening *o, const struct listen_options *options,
                      struct socket_file *ret_file)
{
    struct stat st;

    if (bind_temporary(o, options) != 0)
        return -1;
    if (set_owner_and_mode(o, options) == 0 && listen(o->fd, LISTEN_BACKLOG) == 0 &&
        fstatat(o->folder, o->temporary_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && publish(o) == 0) {
        ret_file->device = st.st_dev;
        ret_file->inode = st.st_ino;
        snprintf(ret_file->name, sizeof ret_file->name, "%s", o->name);
        return 0;
    }
    int saved = errno;
    (void)unlinkat(o->folder, o->temporary_name, 0);
    errno = saved;
    return -1;
}

static int fail(const struct endpoint *ep, char *error)
{
    char text[ENDPOINT_TEXT];

    endpoint_format(ep, text);
    if (errno == EEXIST)
        snprintf(error, ENDPOINT_ERROR, "cannot listen on %s: the file exists and is no socket",
                 text);
    else
        snprintf(error, ENDPOINT_ERROR, "cannot listen on %s: %s", text, strerror(errno));
    return WEIR_ERROR_SYSTEM;
}

int unix_socket_listen(const struct endpoint *ep, const struct listen_options *options,
                       struct socket_file *ret_file, char error[static ENDPOINT_ERROR])
{
    struct opening o = {.folder = -1, .path = ep->address.un};
    bool abstract = o.path.sun_path[0] == '\0';
    int rc;

    *ret_file = (struct socket_file){.folder = -1};
    if (!abstract && strlen(o.path.sun_path) + SUFFIX >= sizeof o.path.sun_path) {
        errno = ENAMETOOLONG;
        return fail(ep, error);
    }
    o.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (o.fd < 0)
        return fail(ep, error);
    if (abstract) {
        rc = bind(o.fd, &ep->address.any, ep->address_len);
        if (rc == 0)
            rc = listen(o.fd, LISTEN_BACKLOG);
    } else {
        o.name = last_component(o.path.sun_path);
        o.folder = open_folder(o.path.sun_path);
        rc = o.folder < 0 ? -1 : open_named(&o, options, ret_file);
    }
    if (rc == 0) {
        ret_file->folder = o.folder;
        return o.fd;
    }
    rc = fail(ep, error);
    close(o.fd);
    if (o.folder >= 0)
        close(o.folder);
    return rc;
}

void socket_file_remove(struct socket_file *file)
{
    struct stat st;

    if (file->folder < 0)
        return;
    if (fstatat(file->folder, file->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_dev == file->device && st.st_ino == file->inode)
        (void)unlinkat(file->folder, file->name, 0);
    close(file->folder);
    file->folder = -1;
}
