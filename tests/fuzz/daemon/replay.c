/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target on files. This makes the corpus a regression test in every
 * build. libFuzzer's findings are added to the corpus.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static int run_file(const char *path) {
        uint8_t *data = NULL;
        size_t size = 0;
        FILE *f;

        f = fopen(path, "re");
        if (!f) {
                fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return -1;
        }

        for (;;) {
                uint8_t *bigger = realloc(data, size + 4096);
                size_t n;

                FUZZ_CHECK(bigger);
                data = bigger;
                n = fread(data + size, 1, 4096, f);
                size += n;
                if (n == 0)
                        break;
        }

        /* In an allocation of exactly this size, so that sanitizers detect reads past the end. */
        data = realloc(data, size > 0 ? size : 1);
        (void) LLVMFuzzerTestOneInput(data, size);
        free(data);
        fclose(f);
        return 0;
}

int main(int argc, char **argv) {
        struct dirent *entry;
        unsigned n = 0;
        DIR *dir;

        if (argc != 2 || !(dir = opendir(argv[1]))) {
                fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
                return 2;
        }

        while ((entry = readdir(dir))) {
                char path[4096];

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
                if (run_file(path) < 0)
                        return 1;
                n++;
        }

        closedir(dir);
        printf("%u inputs\n", n);
        return n > 0 ? 0 : 1;
}
