/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "cgroup.h"
#include "limit-file.h"
#include "sysfs.h"

bool limit_file_is_misc(LimitKind kind) {
        return kind == LIMIT_SLICE || kind == LIMIT_SCOPE || kind == LIMIT_VM;
}

static int read_number(const char *root, const LimitFile *file, uint32_t *ret) {
        switch (file->kind) {

        case LIMIT_SET_QUOTA:
                return sysfs_set_read_quota(root, file->set, ret);

        case LIMIT_SET_WATERMARK:
                return sysfs_set_read_watermark(root, file->set, ret);

        default:
                return sysfs_read_default_quota(root, ret);
        }
}

static int write_number(const char *root, const LimitFile *file, uint32_t value) {
        switch (file->kind) {

        case LIMIT_SET_QUOTA:
                return sysfs_set_write_quota(root, file->set, value);

        case LIMIT_SET_WATERMARK:
                return sysfs_set_write_watermark(root, file->set, value);

        default:
                return sysfs_write_default_quota(root, value);
        }
}

int limit_file_read(const char *root, const LimitFile *file, MiscValues *ret) {
        uint32_t number;
        int r;

        if (limit_file_is_misc(file->kind))
                return cgroup_get_limits(root, file->cgroup, ret);

        r = read_number(root, file, &number);
        if (r < 0)
                return r;

        *ret = (MiscValues) { .present[MISC_PASID] = true, .value[MISC_PASID] = number };
        return 0;
}

int limit_file_write(const char *root, const LimitFile *file, uint64_t value, MiscValues *ret_before) {
        int r;

        if (limit_file_is_misc(file->kind))
                return cgroup_set_limit(root, file->cgroup, value, ret_before);
        if (value > UINT32_MAX)
                return -ERANGE;

        if (ret_before) {
                r = limit_file_read(root, file, ret_before);
                if (r < 0)
                        return r;
        }

        return write_number(root, file, (uint32_t) value);
}
