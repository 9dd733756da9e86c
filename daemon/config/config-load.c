/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <fcntl.h>

#include "config-file.h"

/* Finds the configuration files and their order. config-parse.c parses them. */

static int config_parse_file(Config *c, const char *file, char **ret_error) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        /* O_NONBLOCK, so that a FIFO does not block the daemon. */
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                goto fail;

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

/* Takes ownership of s, also on failure. s may be NULL, which means out of memory. */
static int strv_push(char ***l, size_t *n, char *s) {
        char **longer;

        longer = reallocarray(*l, *n + 2, sizeof(*longer));
        if (longer)
                *l = longer;
        if (!longer || !s) {
                free(s);
                return -ENOMEM;
        }

        longer[(*n)++] = s;
        longer[*n] = NULL;
        return 0;
}

static char *join_path(const char *dir, const char *name) {
        char *path;

        return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int io_error(int r, const char *path, char **ret_error) {
        if (asprintf(ret_error, "%s: cannot read: %s", path, strerror(-r)) < 0)
                *ret_error = NULL;
        return r;
}

static int is_dropin(const struct dirent *de) {
        const char *dot = strrchr(de->d_name, '.');

        return de->d_name[0] != '.' && dot && streq(dot, ".conf");
}

static const char *file_name(const char *path) {
        return strrchr(path, '/') + 1;
}

/* Compares bytes, so that the order does not depend on the locale. */
static int compare_files(const void *a, const void *b) {
        return strcmp(file_name(*(char *const *) a), file_name(*(char *const *) b));
}

/* Adds the drop-ins of a directory, except those with a name that is in the list already. */
static int add_dropins(const char *dir, char ***files, size_t *n_files, char **ret_error) {
        struct dirent **entries = NULL;
        size_t n_known = *n_files;
        int n, r = 0;

        n = scandir(dir, &entries, is_dropin, NULL);
        if (n < 0)
                return errno == ENOENT ? 0 : io_error(-errno, dir, ret_error);

        for (int i = 0; i < n; i++) {
                _cleanup_free_ struct dirent *de = entries[i];
                bool masked = false;

                for (size_t k = 0; k < n_known; k++)
                        masked = masked || streq(file_name((*files)[k]), de->d_name);
                if (r >= 0 && !masked)
                        r = strv_push(files, n_files, join_path(dir, de->d_name));
        }

        free(entries);
        return r;
}

static int list_dropins(
        const char *const *dirs, const char *name, char ***files, size_t *n_files, char **ret_error) {
        int r;

        for (; *dirs; dirs++) {
                _cleanup_free_ char *dir = NULL;

                if (asprintf(&dir, "%s/%s.d", *dirs, name) < 0) {
                        dir = NULL;
                        return -ENOMEM;
                }

                r = add_dropins(dir, files, n_files, ret_error);
                if (r < 0)
                        return r;
        }

        if (*n_files > 0)
                qsort(*files, *n_files, sizeof(char *), compare_files);
        return 0;
}

int config_list_files(const char *const *dirs, const char *name, char ***ret, char **ret_error) {
        _cleanup_(strv_freep) char **files = NULL, **dropins = NULL;
        size_t n_files = 0, n_dropins = 0;
        int r;

        files = calloc(1, sizeof(*files));
        if (!files)
                return -ENOMEM;

        for (const char *const *dir = dirs; *dir && n_files == 0; dir++) {
                _cleanup_free_ char *file = join_path(*dir, name);

                if (!file)
                        return -ENOMEM;
                /* A dangling link is a mistake that must be reported, not a missing file. */
                if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        r = strv_push(&files, &n_files, TAKE_PTR(file));
                else
                        r = errno == ENOENT ? 0 : io_error(-errno, file, ret_error);
                if (r < 0)
                        return r;
        }

        r = list_dropins(dirs, name, &dropins, &n_dropins, ret_error);
        for (size_t i = 0; r >= 0 && i < n_dropins; i++)
                r = strv_push(&files, &n_files, TAKE_PTR(dropins[i]));
        /* Free the remaining strings one by one: strv_free() would stop at the first NULL. */
        for (size_t i = 0; i < n_dropins; i++)
                free(TAKE_PTR(dropins[i]));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(files);
        return 0;
}

int config_load(const char *const *dirs, const char *name, Config **ret, char **ret_error) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(strv_freep) char **files = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        c = config_new();
        r = c ? config_list_files(dirs, name, &files, &error) : -ENOMEM;
        for (char **file = files; r >= 0 && *file; file++)
                r = config_parse_file(c, *file, &error);
        if (r < 0) {
                *ret_error = error ? TAKE_PTR(error) : strdup(strerror(-r));
                return r;
        }

        *ret = TAKE_PTR(c);
        return 0;
}
