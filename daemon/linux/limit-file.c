/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "file-util.h"
#include "limit-file.h"
#include "sysfs.h"

/* More than all resources that the misc controller will ever have take. */
#define MISC_TEXT_SIZE 4096U

bool limit_file_is_misc(LimitKind kind) {
        return kind == LIMIT_SLICE || kind == LIMIT_SCOPE || kind == LIMIT_VM;
}

/* The caller frees it. NULL when out of memory. */
static char *path_of(const char *root, const LimitFile *file) {
        switch (file->kind) {

        case LIMIT_SET_QUOTA:
                return path_under(root, SYSFS_SETS_DIR "/set%" PRIu64 "/quota", file->set);

        case LIMIT_SET_WATERMARK:
                return path_under(root, SYSFS_SETS_DIR "/set%" PRIu64 "/watermark", file->set);

        case LIMIT_DEFAULT_QUOTA:
                return path_under(root, SYSFS_MODULE_DIR "/parameters/default_quota");

        default:
                return cgroup_file(root, file->cgroup, "misc.max");
        }
}

/* A file that is open. It is read, compared, written and read back through one descriptor. */
typedef struct OpenLimit {
        LimitKind kind;
        int fd;
        int not_writable; /* why it could only be opened for reading, a negative errno; 0: it can be written */
        bool ordinary;    /* below a test's root, not in the kernel */
} OpenLimit;

static void open_limit_done(OpenLimit *o) {
        closep(&o->fd);
}

/* A file that cannot be written can be compared all the same: it may have the right value. */
static int open_limit(const char *root, const LimitFile *file, int mode, OpenLimit *ret) {
        _cleanup_free_ char *path = path_of(root, file);
        OpenLimit o = { .kind = file->kind, .ordinary = !isempty(root) };

        if (!path)
                return -ENOMEM;

        o.fd = open(path, mode | O_CLOEXEC | O_NOCTTY);
        if (o.fd < 0 && mode == O_RDWR && (errno == EACCES || errno == EPERM || errno == EROFS)) {
                o.not_writable = -errno;
                o.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        }
        if (o.fd < 0)
                return -errno;

        *ret = o;
        return 0;
}

static int read_values(const OpenLimit *o, MiscValues *ret) {
        char text[MISC_TEXT_SIZE];
        uint64_t number;
        int r;

        r = read_attribute(o->fd, text, sizeof(text));
        if (r < 0)
                return r;
        if (limit_file_is_misc(o->kind))
                return misc_file_get_values(text, ret);

        r = parse_u64_line(text, &number);
        if (r < 0)
                return r;
        if (number > UINT32_MAX)
                return -EBADMSG;

        *ret = (MiscValues) { .present[MISC_PASID] = true, .value[MISC_PASID] = number };
        return 0;
}

int limit_file_read(const char *root, const LimitFile *file, MiscValues *ret) {
        _cleanup_(open_limit_done) OpenLimit o = { .fd = -EBADF };
        int r;

        r = open_limit(root, file, O_RDONLY, &o);
        return r < 0 ? r : read_values(&o, ret);
}

/* What to write so that the resource gets its value. An ordinary file has to get the other lines, too. */
static void format_text(const OpenLimit *o, const MiscValues *values, MiscResource resource,
        char buf[static MISC_TEXT_SIZE]) {
        char line[MISC_MAX_LINE_SIZE], *end = buf;

        if (!limit_file_is_misc(o->kind)) {
                snprintf(buf, MISC_TEXT_SIZE, "%" PRIu64 "\n", values->value[resource]);
                return;
        }
        if (!o->ordinary) {
                strcpy(buf, misc_max_format(resource, values->value[resource], line));
                return;
        }

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                if (values->present[i])
                        end = stpcpy(stpcpy(end, misc_max_format(i, values->value[i], line)), "\n");
}

/* *values: those of the file, before and after. */
static int write_value(const OpenLimit *o, MiscValues *values, MiscResource resource, uint64_t value) {
        char text[MISC_TEXT_SIZE];
        MiscValues now = *values;
        int r;

        if (o->not_writable < 0)
                return o->not_writable;

        now.value[resource] = value;
        format_text(o, &now, resource, text);
        if (o->ordinary && ftruncate(o->fd, 0) < 0)
                return -errno;
        r = write_attribute(o->fd, text);
        if (r >= 0)
                r = read_values(o, &now);
        if (r < 0)
                return r;

        *values = now;
        return now.value[resource] == value ? 0 : -EIO;
}

/*
 * Writes those lines that have another value; with only, just those of them that have that one. Each write raises an event for
 * everybody who listens, so it is not made if it changes nothing.
 */
static int write_values(const OpenLimit *o, MiscValues *values, uint64_t limit, const uint64_t *only) {
        int r, ret = 0;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                if (!values->present[i] || values->value[i] == limit || (only && values->value[i] != *only))
                        continue;

                r = write_value(o, values, i, limit);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}

int limit_file_write(const char *root, const LimitFile *file, uint64_t value, MiscValues *ret_before) {
        _cleanup_(open_limit_done) OpenLimit o = { .fd = -EBADF };
        MiscValues values;
        int r;

        if (!limit_file_is_misc(file->kind) && value > UINT32_MAX)
                return -ERANGE;

        r = open_limit(root, file, O_RDWR, &o);
        if (r >= 0)
                r = read_values(&o, &values);
        if (r < 0)
                return r;
        if (ret_before)
                *ret_before = values;

        return write_values(&o, &values, value, NULL);
}

bool limit_file_is_administrators(const char *root, const LimitFile *file) {
        _cleanup_free_ char *path = path_of(root, file);
        struct stat st;

        return path && stat(path, &st) >= 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
               !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int limit_file_restore(const char *root, const LimitFile *file, const MiscValues *before) {
        _cleanup_(open_limit_done) OpenLimit o = { .fd = -EBADF };
        MiscValues values;
        int r, ret = 0;

        r = open_limit(root, file, O_RDWR, &o);
        if (r >= 0)
                r = read_values(&o, &values);
        if (r < 0)
                return r;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                if (!before->present[i] || !values.present[i] || values.value[i] == before->value[i])
                        continue;

                r = write_value(&o, &values, i, before->value[i]);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}

int limit_file_clear(const char *root, const char *cgroup, uint64_t value) {
        const LimitFile file = { .kind = LIMIT_VM, .cgroup = cgroup };
        _cleanup_(open_limit_done) OpenLimit o = { .fd = -EBADF };
        MiscValues values;
        int r;

        r = open_limit(root, &file, O_RDWR, &o);
        if (r >= 0)
                r = read_values(&o, &values);
        return r < 0 ? r : write_values(&o, &values, MISC_MAX, &value);
}
