/* SPDX-License-Identifier: MIT
 *
 * weir/version.h: the version of libweir, at compile time and at run time, and
 * the mark of an exported function. */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION       "0.1.0"
#define WEIR_VERSION_NUMBER \
    ((WEIR_VERSION_MAJOR << 16) | (WEIR_VERSION_MINOR << 8) | WEIR_VERSION_PATCH)

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, as "MAJOR.MINOR.PATCH"; compare with WEIR_VERSION,
 * the version of the headers. Static storage. Any thread. Since 0.1. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
