/* SPDX-License-Identifier: MIT
 *
 * static/glibc_names.c: the static libraries of Debian were compiled with glibc's headers, which
 * give some functions other names. fcurl-static is linked with musl, a quarter of glibc's size;
 * here are those names, in terms of the functions that they stand for.
 *
 * On 64-bit Linux the two agree on everything else that libuv, zlib and brotli pass through the C
 * library: its structures are those of the kernel, and the pthread objects have the same sizes. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __SIZEOF_POINTER__ != 8 || !defined(__linux__)
#error "fcurl-static is for 64-bit Linux: the libraries' structures are only known to fit there"
#endif

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __snprintf_chk(char *out, size_t len, int flag, size_t room, const char *format, ...);
int __sprintf_chk(char *out, int flag, size_t room, const char *format, ...);
void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);
void *__memmove_chk(void *to, const void *from, size_t len, size_t room);
char *__realpath_chk(const char *path, char *out, size_t room);
int __open64_2(const char *path, int flags);
int fcntl64(int fd, int command, ...);
long __sysconf(int name);
const char *gnu_get_libc_version(void);

/* ---- _FORTIFY_SOURCE: the same, after a check of the room ------------------------------------ */

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vfprintf(file, format, args);
    va_end(args);
    return n;
}

int __snprintf_chk(char *out, size_t len, int flag, size_t room, const char *format, ...)
{
    va_list args;

    if (len > room)
        abort();
    va_start(args, format);
    int n = vsnprintf(out, len, format, args);
    va_end(args);
    return n;
}

int __sprintf_chk(char *out, int flag, size_t room, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(out, room, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n >= room)
        abort();
    return n;
}

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
    if (len > room)
        abort();
    return memcpy(to, from, len);
}

void *__memmove_chk(void *to, const void *from, size_t len, size_t room)
{
    if (len > room)
        abort();
    return memmove(to, from, len);
}

char *__realpath_chk(const char *path, char *out, size_t room)
{
    char *full = realpath(path, NULL);
    size_t size = full ? strlen(full) + 1 : 0;

    if (!full || !out)
        return full;
    if (size > room)
        abort();
    memcpy(out, full, size);
    free(full);
    return out;
}

/* ---- Other names ----------------------------------------------------------------------------- */

/* open() without a mode. */
int __open64_2(const char *path, int flags)
{
    return open(path, flags);
}

/* Every argument of fcntl fits a pointer. */
int fcntl64(int fd, int command, ...)
{
    va_list args;

    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fcntl(fd, command, argument);
}

long __sysconf(int name)
{
    return sysconf(name);
}

/* libuv asks for the sake of a bug in glibc before 2.24. */
const char *gnu_get_libc_version(void)
{
    return "2.36";
}
