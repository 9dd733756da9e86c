/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <fcntl.h>

#include "config.h"

/* The files of the configuration, and their order; config.c knows what stands in them. */

/* must_exist: false skips a file that is not there. */
static int config_parse_file(Config *c, const char *file, bool must_exist, char **ret_error) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        /* O_NONBLOCK: a FIFO in this place must not hang the daemon. */
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
                if (errno == ENOENT && !must_exist)
                        return 0;
                goto fail;
        }

        f = fdopen(fd, "re");
        if (!f)
                goto fail;
        TAKE_FD(fd);

        return config_parse_stream(c, f, file, ret_error);

fail:
        r = -errno;
        if (asprintf(ret_error, "%s: cannot open: %s", file, strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

static int is_dropin(const struct dirent *de) {
        const char *dot = strrchr(de->d_name, '.');

        return de->d_name[0] != '.' && dot && streq(dot, ".conf");
}

/* By bytes, so that the order does not hang on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int config_parse_dropins(Config *c, const char *dir, char **ret_error) {
        struct dirent **entries = NULL;
        int n, r = 0;

        n = scandir(dir, &entries, is_dropin, compare_names);
        if (n < 0) {
                if (errno == ENOENT)
                        return 0;

                r = -errno;
                if (asprintf(ret_error, "%s: cannot read: %s", dir, strerror(-r)) < 0)
                        *ret_error = NULL;
                return r;
        }

        for (int i = 0; i < n; i++) {
                _cleanup_free_ struct dirent *de = entries[i];
                _cleanup_free_ char *file = NULL;

                if (r < 0)
                        continue;

                if (asprintf(&file, "%s/%s", dir, de->d_name) < 0) {
                        file = NULL;
                        r = -ENOMEM;
                        continue;
                }

                r = config_parse_file(c, file, true, ret_error);
        }

        free(entries);
        return r;
}

int config_load(const char *main_file, const char *dropin_dir, Config **ret, char **ret_error) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        c = config_new();
        if (!c)
                r = -ENOMEM;
        else
                r = config_parse_file(c, main_file, false, &error);
        if (r >= 0)
                r = config_parse_dropins(c, dropin_dir, &error);
        if (r < 0) {
                *ret_error = error ? TAKE_PTR(error) : strdup(strerror(-r));
                return r;
        }

        *ret = TAKE_PTR(c);
        return 0;
}
