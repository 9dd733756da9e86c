/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "boot-seed.h"
#include "file-util.h"
#include "log.h"

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

static void save_seed(BootSeed *seed, const char *path, bool first) {
        char text[SD_ID128_STRING_MAX + 1];
        int r;

        snprintf(text, sizeof(text), SD_ID128_FORMAT_STR "\n", SD_ID128_FORMAT_VAL(seed->value));
        r = replace_text_file(path, text);
        if (r >= 0)
                seed->saved = true;
        else if (first)
                log_warning_errno(
                        r, "Cannot write %s, ids derived from it will change when pasidd restarts: %m", path);
}

int boot_seed_get(BootSeed *seed, const char *root, sd_id128_t *ret) {
        _cleanup_free_ char *path = NULL;
        bool first = !seed->known;
        sd_id128_t value;
        int r;

        if (!seed->saved) {
                path = path_under(root, BOOT_SEED_FILE);
                if (!path)
                        return -ENOMEM;
        }

        if (!seed->known && read_seed(path, &value) >= 0)
                *seed = (BootSeed) { .value = value, .known = true, .saved = true };

        if (!seed->known) {
                r = sd_id128_randomize(&value);
                if (r < 0)
                        return r;
                *seed = (BootSeed) { .value = value, .known = true };
        }

        if (!seed->saved)
                save_seed(seed, path, first);

        *ret = seed->value;
        return 0;
}
