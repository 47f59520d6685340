/* SPDX-License-Identifier: MIT
 *
 * proxy/script.c: see script.h. */
#include "proxy/script.h"

#include <errno.h>
#include <sys/stat.h>
#include <weir/error.h>

static const weir_str index_name = {"index.php", 9};

/* A file or directory whose name begins with a dot is not for the public. */
static bool has_dotfile(weir_str path)
{
    for (size_t i = 0; i + 1 < path.len; i++)
        if (path.ptr[i] == '/' && path.ptr[i + 1] == '.')
            return true;
    return false;
}

static int found(const char *filename, weir_str path, size_t name_len, struct arena *arena,
                 struct script *ret_script)
{
    ret_script->filename = str_of(filename);
    ret_script->name.ptr = arena_copy(arena, path.ptr, name_len);
    ret_script->name.len = name_len;
    ret_script->path_info = (weir_str){NULL, 0};
    if (path.len > name_len)
        ret_script->path_info = str(path.ptr + name_len, path.len - name_len);
    return ret_script->name.ptr ? 0 : WEIR_ERROR_NOMEM;
}

int script_find(const char *root, weir_str path, struct arena *arena, struct script *ret_script)
{
    size_t root_len = strlen(root);
    char *file = arena_alloc(arena, root_len + path.len + index_name.len + 2);
    struct stat st;

    if (!file)
        return WEIR_ERROR_NOMEM;
    if (has_dotfile(path))
        return 404;
    memcpy(file, root, root_len);
    memcpy(file + root_len, path.ptr, path.len);
    for (size_t end = 1; end <= path.len; end++) {
        if (end < path.len && path.ptr[end] != '/')
            continue;
        char after = file[root_len + end];
        file[root_len + end] = '\0';
        if (stat(file, &st) != 0)
            return errno == EACCES ? 403 : 404;
        if (S_ISREG(st.st_mode))
            return found(file, path, end, arena, ret_script);
        if (!S_ISDIR(st.st_mode))
            return 404;
        file[root_len + end] = after;
    }

    /* A directory: its index. */
    size_t len = path.len;
    bool slash = path.ptr[len - 1] == '/';
    memcpy(file + root_len + len, "/", 1);
    len += slash ? 0 : 1;
    memcpy(file + root_len + len, index_name.ptr, index_name.len + 1);
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode))
        return 404;
    return found(file, str(file + root_len, len + index_name.len), len + index_name.len, arena,
                 ret_script);
}
