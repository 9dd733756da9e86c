/* SPDX-License-Identifier: LGPL-2.1-or-later */

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

static int read_misc_max(const char *path, MiscValues *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_text_file(path, &text);
        return r < 0 ? r : misc_file_get_values(text, ret);
}

static int read_values(const char *path, const LimitFile *file, MiscValues *ret) {
        uint64_t number;
        int r;

        if (limit_file_is_misc(file->kind))
                return read_misc_max(path, ret);

        r = read_u64_file(path, &number);
        if (r < 0)
                return r;
        if (number > UINT32_MAX)
                return -EBADMSG;

        *ret = (MiscValues) { .present[MISC_PASID] = true, .value[MISC_PASID] = number };
        return 0;
}

int limit_file_read(const char *root, const LimitFile *file, MiscValues *ret) {
        _cleanup_free_ char *path = path_of(root, file);

        return path ? read_values(path, file, ret) : -ENOMEM;
}

/* What to write so that one line gets its value. An ordinary file, below a test's root, has to get the others, too. */
static const char *misc_max_text(
        const char *root, const MiscValues *values, MiscResource resource, char buf[static MISC_TEXT_SIZE]) {
        char line[MISC_MAX_LINE_SIZE], *end = buf;

        if (isempty(root))
                return strcpy(buf, misc_max_format(resource, values->value[resource], line));

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                if (values->present[i])
                        end = stpcpy(stpcpy(end, misc_max_format(i, values->value[i], line)), "\n");

        return buf;
}

static int write_line(
        const char *root, const char *path, MiscValues *values, MiscResource resource, uint64_t limit) {
        char text[MISC_TEXT_SIZE];
        MiscValues now = *values;
        int r;

        now.value[resource] = limit;
        r = write_read_text_file(path, misc_max_text(root, &now, resource, text), text, sizeof(text));
        if (r >= 0)
                r = misc_file_get_values(text, &now);
        if (r < 0)
                return r;

        *values = now;
        return now.value[resource] == limit ? 0 : -EIO;
}

/* Writes those lines that have another value; with only, just those of them that have that one. */
static int write_lines(
        const char *root, const char *path, MiscValues *values, uint64_t limit, const uint64_t *only) {
        int r, ret = 0;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                if (!values->present[i] || values->value[i] == limit || (only && values->value[i] != *only))
                        continue;

                r = write_line(root, path, values, i, limit);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}

int limit_file_write(const char *root, const LimitFile *file, uint64_t value, MiscValues *ret_before) {
        _cleanup_free_ char *path = path_of(root, file);
        MiscValues values;
        uint64_t now;
        int r;

        if (!path)
                return -ENOMEM;
        if (!limit_file_is_misc(file->kind) && value > UINT32_MAX)
                return -ERANGE;

        r = read_values(path, file, &values);
        if (r < 0)
                return r;
        if (ret_before)
                *ret_before = values;

        if (limit_file_is_misc(file->kind))
                return write_lines(root, path, &values, value, NULL);

        /* Each write of a quota raises an event for everybody who listens: spare what changes nothing. */
        if (values.value[MISC_PASID] == value)
                return 0;

        r = write_read_u64_file(path, value, &now);
        return r < 0 ? r : now == value ? 0 : -EIO;
}

bool limit_file_is_administrators(const char *root, const LimitFile *file) {
        _cleanup_free_ char *path = path_of(root, file);
        struct stat st;

        return path && stat(path, &st) >= 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
               !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int limit_file_restore(const char *root, const LimitFile *file, const MiscValues *before) {
        _cleanup_free_ char *path = path_of(root, file);
        MiscValues values;
        int r, ret = 0;

        if (!path)
                return -ENOMEM;
        if (!limit_file_is_misc(file->kind))
                return before->present[MISC_PASID]
                               ? limit_file_write(root, file, before->value[MISC_PASID], NULL)
                               : 0;

        r = read_misc_max(path, &values);
        if (r < 0)
                return r;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                if (!before->present[i] || !values.present[i] || values.value[i] == before->value[i])
                        continue;

                r = write_line(root, path, &values, i, before->value[i]);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}

int limit_file_clear(const char *root, const char *cgroup, uint64_t value) {
        _cleanup_free_ char *path = cgroup_file(root, cgroup, "misc.max");
        MiscValues values;
        int r;

        if (!path)
                return -ENOMEM;

        r = read_misc_max(path, &values);
        return r < 0 ? r : write_lines(root, path, &values, MISC_MAX, &value);
}
