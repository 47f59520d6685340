/* SPDX-License-Identifier: MIT
 *
 * proxy/script.h: which script under the document root a path names. */
#ifndef PROXY_SCRIPT_H
#define PROXY_SCRIPT_H

#include "base/arena.h"
#include "base/str.h"

struct script {
    weir_str filename;  /* SCRIPT_FILENAME */
    weir_str name;      /* SCRIPT_NAME */
    weir_str path_info; /* what follows it; ptr NULL when nothing does */
};

/* Walks the normalised path until it meets a regular file: that is the script, and the rest of the
 * path is PATH_INFO. A path that names a directory means its index.php. Only files that exist are
 * ever named, so the application has nothing left to guess. 0; 404 or 403 as an HTTP status; or
 * NOMEM. */
int script_find(const char *root, weir_str path, struct arena *arena, struct script *ret_script);

#endif
