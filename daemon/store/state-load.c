/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "error-text.h"
#include "state-file.h"
#include "state-name.h"

/* Reads state files and sets them aside. state-parse.c parses them. */

/* Reads at most one byte more than allowed, so that state_parse() rejects a file that is too large. */
static int read_whole(int fd, char **ret, size_t *ret_size) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0, allocated = 0;

        while (n <= STATE_SIZE_MAX) {
                ssize_t k;

                if (n == allocated) {
                        char *larger;

                        allocated = allocated > 0 ? allocated * 2 : 4096;
                        larger = realloc(text, allocated);
                        if (!larger)
                                return -ENOMEM;
                        text = larger;
                }

                k = read(fd, text + n, allocated - n);
                if (k < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (k == 0)
                        break;
                n += (size_t) k;
        }

        *ret = TAKE_PTR(text);
        *ret_size = n;
        return 0;
}

static int rename_no_replace(const char *from, const char *to) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) >= 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;

        /* Not supported by the file system (NFS). Only pasidd uses the directory, so the race is harmless. */
        if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        if (rename(from, to) < 0)
                return -errno;

        return 0;
}

static int link_no_replace(const char *from, const char *to) {
        return link(from, to) < 0 ? -errno : 0;
}

/* move: makes the second name from the first; returns -EEXIST if there is such a file. */
static int set_aside(
        const char *path, const char *prefix, int (*move)(const char *from, const char *to), char **ret) {
        for (unsigned n = 1;; n++) {
                _cleanup_free_ char *aside = NULL;
                int r;

                if (asprintf(&aside, "%s.corrupt-%u", prefix, n) < 0) {
                        aside = NULL;
                        return -ENOMEM;
                }

                r = move(path, aside);
                if (r == -EEXIST && n < UINT_MAX)
                        continue;
                if (r < 0)
                        return r;

                *ret = TAKE_PTR(aside);
                return 0;
        }
}

int state_keep_aside(const char *path, const char *aside, char **ret) {
        struct stat st;
        int r;

        if (lstat(path, &st) < 0)
                return -errno;
        if (st.st_nlink > 1)
                return 0;

        r = set_aside(path, aside, link_no_replace, ret);
        return r < 0 ? r : 1;
}

/* Returns 0, -ENOENT if there is no file, or another negative errno. */
static int load_text(const char *path, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -ENOTSUP;

        return read_whole(fd, ret, ret_size);
}

/* Does the document contain only what belongs into a file of this name? */
static int check_name(const State *s, const char *name, char **ret_error) {
        _cleanup_free_ char *expected = NULL;
        int r;

        if (s->n_entries + s->n_slices > 1 || (s->n_entries + s->n_slices == 1 && s->default_quota_set))
                return error_text(ret_error, "contains more than belongs into this file");
        if (s->n_entries > 0)
                r = state_file_name(OVERRIDE_VM, s->entries[0].key, &expected);
        else if (s->n_slices > 0)
                r = state_file_name(OVERRIDE_SLICE, s->slices[0].name, &expected);
        else
                r = state_file_name(OVERRIDE_DEFAULT, "", &expected);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !streq(expected, name))
                return error_text(ret_error, "belongs into a file with a different name");

        return 0;
}

/* *ret_error is NULL if memory runs out. */
static int load_result(StateLoadResult result, char **ret_error, const char *format, ...) _printf_(3, 4);

static int load_result(StateLoadResult result, char **ret_error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (vasprintf(ret_error, format, ap) < 0)
                *ret_error = NULL;
        va_end(ap);
        return result;
}

int state_load(const char *path, const char *name, const char *aside, State **ret, char **ret_error) {
        _cleanup_free_ char *text = NULL, *what = NULL, *renamed = NULL;
        _cleanup_(state_freep) State *s = NULL;
        size_t size = 0;
        int r, q;

        r = load_text(path, &text, &size);
        if (r == -ENOENT)
                return STATE_ABSENT;
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return load_result(STATE_LEFT, ret_error, "%s: cannot read: %s", path, strerror(-r));

        r = state_parse(text, size, &s, &what);
        if (r >= 0 && name)
                r = check_name(s, name, &what);
        if (r >= 0) {
                *ret = TAKE_PTR(s);
                return STATE_LOADED;
        }
        if (r == -EPROTONOSUPPORT)
                return load_result(STATE_NEWER, ret_error, "%s: %s", path, strempty(what));
        if (r != -EBADMSG)
                return r;

        q = set_aside(path, aside, rename_no_replace, &renamed);
        if (q == -ENOMEM)
                return q;
        if (q < 0)
                return load_result(STATE_LEFT, ret_error, "%s: %s; cannot set it aside: %s", path,
                        strempty(what), strerror(-q));

        return load_result(
                STATE_SET_ASIDE, ret_error, "%s: %s; set aside as %s", path, strempty(what), renamed);
}
