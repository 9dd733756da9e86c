/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "boot-seed.h"
#include "file-util.h"

#define BOOT_SEED_FILE "/run/pasidd/boot-seed"

static int read_seed(const char *path, sd_id128_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_text_file(path, &text);
        if (r < 0)
                return r;

        text[strcspn(text, "\n")] = '\0';
        return sd_id128_from_string(text, ret);
}

int boot_seed_get(const char *root, sd_id128_t *ret) {
        _cleanup_free_ char *path = NULL;
        char text[SD_ID128_STRING_MAX + 1];
        sd_id128_t seed;
        int r;

        path = path_under(root, BOOT_SEED_FILE);
        if (!path)
                return -ENOMEM;

        if (read_seed(path, &seed) >= 0) {
                *ret = seed;
                return 0;
        }

        r = sd_id128_randomize(&seed);
        if (r < 0)
                return r;

        snprintf(text, sizeof(text), SD_ID128_FORMAT_STR "\n", SD_ID128_FORMAT_VAL(seed));
        r = replace_text_file(path, text);
        if (r < 0)
                return r;

        *ret = seed;
        return 0;
}
