/* SPDX-License-Identifier: MIT
 *
 * http/media.h: media types by the name of a file. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

#include <weir/str.h>

/* The Content-Type for a file of this name or path, by what follows its last dot, in any case;
 * "application/octet-stream" for what is not known. Static storage. */
const char *http_media_type(weir_str path);

#endif
