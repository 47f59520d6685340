/* SPDX-License-Identifier: MIT
 *
 * fuzz/replay.c: runs a fuzz target over every file of the folders given, in any build, so that
 * what a fuzzer once found stays found. An input that fails aborts; its name is the last printed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    int rc = -1;

    if (!file || fstat(fileno(file), &info) != 0) {
        perror(path);
        if (file)
            fclose(file);
        return -1;
    }
    /* Memory of just the size of the file, as libFuzzer gives it. */
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (data && fread(data, 1, size, file) == size) {
        fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(data, size);
        rc = 0;
    } else {
        perror(path);
    }
    free(data);
    fclose(file);
    return rc;
}

/* The number of files, or -1. */
static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    int files = 0;

    if (!folder) {
        perror(path);
        return -1;
    }
    for (struct dirent *entry; files >= 0 && (entry = readdir(folder));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        files = replay_file(name) == 0 ? files + 1 : -1;
    }
    closedir(folder);
    return files;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int files = replay_folder(argv[i]);
        if (files < 0)
            return 1;
        total += files;
    }
    if (total == 0) {
        fprintf(stderr, "usage: %s FOLDER..., with at least one file in them\n", argv[0]);
        return 1;
    }
    printf("%d inputs\n", total);
    return 0;
}
