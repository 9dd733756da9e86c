/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/stat.h>

#include "file-replace.h"
#include "macro.h"

int file_replacement_init(FileReplacement *f, const char *path, char *text, mode_t mode, bool durable) {
        const char *slash = strrchr(path, '/');

        *f = (FileReplacement) {
                .path = strdup(path),
                .directory = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup("."),
                .text = text,
                .size = strlen(text),
                .mode = mode,
                .durable = durable,
        };
        if (asprintf(&f->temporary, "%s.tmp", path) < 0)
                f->temporary = NULL;
        if (!f->path || !f->directory || !f->temporary) {
                file_replacement_done(f);
                return -ENOMEM;
        }

        return 0;
}

void file_replacement_done(FileReplacement *f) {
        free(f->path);
        free(f->temporary);
        free(f->directory);
        free(f->text);
        *f = (FileReplacement) {};
}

static int write_whole(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t k;

                k = write(fd, text, size);
                if (k < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                text += k;
                size -= (size_t) k;
        }

        return 0;
}

static int write_temporary(const FileReplacement *f) {
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY;
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = open(f->temporary, flags, f->mode);
        if (fd < 0 && errno == EEXIST) {
                /* A crash left it behind: there is one writer, so one name is enough. */
                if (unlink(f->temporary) < 0)
                        return -errno;
                fd = open(f->temporary, flags, f->mode);
        }
        if (fd < 0)
                return -errno;

        if (fchmod(fd, f->mode) < 0)
                return -errno;

        r = write_whole(fd, f->text, f->size);
        if (r < 0)
                return r;

        if (f->durable && fsync(fd) < 0)
                return -errno;

        return 0;
}

int file_replacement_run(FileReplacement *f) {
        _cleanup_close_ int directory = -EBADF;
        int r;

        /* Before the file is replaced, while it can still be left as it is. */
        if (f->durable) {
                directory = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (directory < 0)
                        return -errno;
        }

        r = write_temporary(f);
        if (r >= 0 && rename(f->temporary, f->path) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlink(f->temporary);
                return r;
        }
        f->replaced = true;

        /* EINVAL: the file system needs no sync of directories. */
        if (f->durable && fsync(directory) < 0 && errno != EINVAL)
                return -errno;

        return 0;
}

int replace_file(const char *path, const char *text, mode_t mode, bool durable, bool *ret_replaced) {
        _cleanup_(file_replacement_done) FileReplacement f = {};
        char *copy;
        int r;

        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        r = file_replacement_init(&f, path, copy, mode, durable);
        if (r < 0)
                return r;

        r = file_replacement_run(&f);
        if (ret_replaced)
                *ret_replaced = f.replaced;
        return r;
}
