/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#include "file-util.h"

#define TEXT_FILE_SIZE_MAX (1024U * 1024U)

char *path_under(const char *root, const char *format, ...) {
        _cleanup_free_ char *path = NULL;
        char *joined;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&path, format, ap);
        va_end(ap);
        if (r < 0) {
                path = NULL;
                return NULL;
        }

        if (asprintf(&joined, "%s%s", root, path) < 0)
                return NULL;

        return joined;
}

int read_text_file(const char *path, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        size_t size = 0, allocated = 0;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        for (;;) {
                ssize_t n;

                if (allocated - size < 2) {
                        char *bigger;

                        if (allocated > TEXT_FILE_SIZE_MAX)
                                return -EFBIG;

                        allocated = allocated > 0 ? allocated * 2 : 4096;
                        bigger = realloc(text, allocated);
                        if (!bigger)
                                return -ENOMEM;
                        text = bigger;
                }

                n = read(fd, text + size, allocated - size - 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                size += n;
        }

        text[size] = '\0';
        if (strlen(text) != size)
                return -EBADMSG;

        *ret = TAKE_PTR(text);
        return 0;
}

int write_text_file(const char *path, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        size_t size = strlen(text);
        ssize_t n;

        /* Kernel attributes ignore O_TRUNC; ordinary files below a test's root need it. */
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        do
                n = write(fd, text, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        return (size_t) n == size ? 0 : -EIO;
}

int parse_u64(const char *s, uint64_t *ret) {
        uint64_t value = 0;

        if (isempty(s))
                return -EINVAL;

        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;

                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (*s - '0'), &value))
                        return -ERANGE;
        }

        *ret = value;
        return 0;
}

int read_u64_file(const char *path, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_text_file(path, &text);
        if (r < 0)
                return r;

        size = strlen(text);
        if (size > 0 && text[size - 1] == '\n')
                text[size - 1] = '\0';

        return parse_u64(text, ret) < 0 ? -EBADMSG : 0;
}

int write_u64_file(const char *path, uint64_t value) {
        char text[sizeof("18446744073709551615\n")];

        snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
        return write_text_file(path, text);
}
