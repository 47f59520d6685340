/* SPDX-License-Identifier: MIT
 *
 * http/media.c: see media.h. The registered types of what is served on the web; text is UTF-8. */
#include "http/media.h"

#include "base/str.h"

static const struct {
    const char *extension, *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"atom", "application/atom+xml"},
    {"rss", "application/rss+xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/vnd.microsoft.icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"wav", "audio/wav"},
    {"flac", "audio/flac"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
};

const char *http_media_type(weir_str path)
{
    size_t start = path.len;

    while (start > 0 && path.ptr[start - 1] != '.' && path.ptr[start - 1] != '/')
        start--;
    if (start > 0 && path.ptr[start - 1] == '.') {
        weir_str extension = {path.ptr + start, path.len - start};
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (str_eq_nocase(extension, str_of(types[i].extension)))
                return types[i].type;
    }
    return "application/octet-stream";
}
