/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "file-replace.h"
#include "state-file.h"

/* State files on the disk: reading, setting aside, replacing; state-file.c knows what stands in them. */

/* One byte more than may be is read, so that state_parse() sees that the file is too large. */
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

        /* The file system cannot (NFS). The directory is ours alone, so looking first is good enough. */
        if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return -EEXIST;
        if (rename(from, to) < 0)
                return -errno;

        return 0;
}

static int set_aside(const char *path, char **ret) {
        for (unsigned n = 1;; n++) {
                _cleanup_free_ char *aside = NULL;
                int r;

                if (asprintf(&aside, "%s.corrupt-%u", path, n) < 0) {
                        aside = NULL;
                        return -ENOMEM;
                }

                r = rename_no_replace(path, aside);
                if (r == -EEXIST && n < UINT_MAX)
                        continue;
                if (r < 0)
                        return r;

                *ret = TAKE_PTR(aside);
                return 0;
        }
}

/* -ENOENT when there is no file. */
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

int state_load(const char *path, State **ret, char **ret_error) {
        _cleanup_(state_freep) State *empty = NULL;
        _cleanup_free_ char *text = NULL, *what = NULL, *aside = NULL;
        size_t size = 0;
        int r, q;

        empty = state_new();
        if (!empty)
                return -ENOMEM;

        r = load_text(path, &text, &size);
        if (r == -ENOENT) {
                *ret = TAKE_PTR(empty);
                return STATE_LOADED;
        }
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                if (asprintf(ret_error, "%s: cannot read: %s", path, strerror(-r)) < 0)
                        *ret_error = NULL;
                *ret = TAKE_PTR(empty);
                return STATE_LEFT;
        }

        r = state_parse(text, size, ret, &what);
        if (r != -EBADMSG)
                return r;

        q = set_aside(path, &aside);
        if (q == -ENOMEM)
                return q;
        if (q < 0) {
                if (asprintf(ret_error, "%s: %s; cannot set it aside: %s", path, what, strerror(-q)) < 0)
                        *ret_error = NULL;
                *ret = TAKE_PTR(empty);
                return STATE_LEFT;
        }

        if (asprintf(ret_error, "%s: %s; set aside as %s", path, what, aside) < 0)
                *ret_error = NULL;
        *ret = TAKE_PTR(empty);
        return STATE_SET_ASIDE;
}

int state_format_file(const State *s, char **ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = state_format(s, &text);
        if (r < 0)
                return r;
        /* state_load() would not take it, and all would be lost. */
        if (strlen(text) > STATE_SIZE_MAX)
                return -EFBIG;

        *ret = TAKE_PTR(text);
        return 0;
}

int state_save(const State *s, const char *path, bool durable) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = state_format_file(s, &text);
        if (r < 0)
                return r;

        /* Nothing in it is secret. */
        return replace_file(path, text, 0644, durable, NULL);
}
