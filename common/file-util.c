/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#include "file-replace.h"
#include "file-util.h"

#define TEXT_FILE_SIZE_MAX (1024U * 1024U)
#define U64_LINE_SIZE      sizeof("18446744073709551615\n")

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

/* Up to the end, or until the buffer is full. */
static ssize_t read_some(int fd, char *buf, size_t size) {
        size_t n = 0;

        while (n < size) {
                size_t wanted = size - n;
                ssize_t k = read(fd, buf + n, wanted);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                n += (size_t) k;
                /* Files of the kernel and of a disk give less than was asked for at their end only. */
                if ((size_t) k < wanted)
                        break;
        }

        return (ssize_t) n;
}

int read_text_file(const char *path, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        char first[4096];
        size_t size;
        ssize_t n;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        /* Most files of the kernel are a line. */
        n = read_some(fd, first, sizeof(first));
        if (n < 0)
                return (int) n;
        size = (size_t) n;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        memcpy(text, first, size);

        for (size_t allocated = size; size == allocated && size >= sizeof(first);) {
                char *bigger;

                if (allocated > TEXT_FILE_SIZE_MAX)
                        return -EFBIG;

                bigger = realloc(text, allocated * 2 + 1);
                if (!bigger)
                        return -ENOMEM;
                text = bigger;

                n = read_some(fd, text + size, allocated);
                if (n < 0)
                        return (int) n;
                size += (size_t) n;
                allocated *= 2;
        }

        text[size] = '\0';
        if (strlen(text) != size)
                return -EBADMSG;

        *ret = TAKE_PTR(text);
        return 0;
}

int write_text_file(const char *path, const char *text) {
        _cleanup_close_ int fd = -EBADF;

        /* Attribute files ignore O_TRUNC; ordinary files below a test's root need it. */
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : write_attribute(fd, text);
}

int write_attribute(int fd, const char *text) {
        size_t length = strlen(text);
        ssize_t n;

        do
                n = pwrite(fd, text, length, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        return (size_t) n == length ? 0 : -EIO;
}

int read_attribute(int fd, char *buf, size_t size) {
        ssize_t n;

        do
                n = pread(fd, buf, size, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t) n >= size)
                return -EFBIG;

        buf[n] = '\0';
        return strlen(buf) == (size_t) n ? 0 : -EBADMSG;
}

int replace_text_file(const char *path, const char *text) {
        return replace_file(path, text, 0600, false, NULL);
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

int parse_u64_line(char *line, uint64_t *ret) {
        size_t size = strlen(line);

        if (size > 0 && line[size - 1] == '\n')
                line[size - 1] = '\0';

        return parse_u64(line, ret) < 0 ? -EBADMSG : 0;
}

int read_u64_file_at(int dir, const char *path, uint64_t *ret) {
        char text[U64_LINE_SIZE + 1];
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        n = read_some(fd, text, sizeof(text) - 1);
        if (n < 0)
                return (int) n;

        text[n] = '\0';
        if (strlen(text) != (size_t) n)
                return -EBADMSG;

        return parse_u64_line(text, ret);
}

int read_u64_file(const char *path, uint64_t *ret) {
        return read_u64_file_at(AT_FDCWD, path, ret);
}
