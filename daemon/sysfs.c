/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "file-util.h"
#include "sysfs.h"

static int set_read_u64(const char *root, uint64_t id, const char *attribute, uint64_t *ret) {
        _cleanup_free_ char *path = NULL;

        path = path_under(root, SYSFS_SETS_DIR "/set%" PRIu64 "/%s", id, attribute);
        if (!path)
                return -ENOMEM;

        return read_u64_file(path, ret);
}

static int set_read_u32(const char *root, uint64_t id, const char *attribute, uint32_t *ret) {
        uint64_t value;
        int r;

        r = set_read_u64(root, id, attribute, &value);
        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -EBADMSG;

        *ret = value;
        return 0;
}

static int set_write_u32(const char *root, uint64_t id, const char *attribute, uint32_t value) {
        _cleanup_free_ char *path = NULL;
        uint64_t now;
        int r;

        path = path_under(root, SYSFS_SETS_DIR "/set%" PRIu64 "/%s", id, attribute);
        if (!path)
                return -ENOMEM;

        /* Each write of a quota raises an event for everybody who listens: spare what changes nothing. */
        r = read_u64_file(path, &now);
        if (r >= 0 && now != value)
                r = write_read_u64_file(path, value, &now);
        if (r < 0)
                return r;

        return now == value ? 0 : -EIO;
}

int sysfs_set_write_quota(const char *root, uint64_t id, uint32_t quota) {
        return set_write_u32(root, id, "quota", quota);
}

int sysfs_set_write_watermark(const char *root, uint64_t id, uint32_t watermark) {
        return set_write_u32(root, id, "watermark", watermark);
}

int sysfs_set_read_watermark(const char *root, uint64_t id, uint32_t *ret) {
        return set_read_u32(root, id, "watermark", ret);
}

int sysfs_set_read_quota(const char *root, uint64_t id, uint32_t *ret) {
        return set_read_u32(root, id, "quota", ret);
}

int sysfs_set_refresh_counters(const char *root, GenlSet *set) {
        GenlSet now = *set;
        int r;

        r = set_read_u32(root, set->id, "allocated", &now.allocated);
        if (r >= 0)
                r = set_read_u32(root, set->id, "peak", &now.peak);
        if (r >= 0)
                r = set_read_u64(root, set->id, "denied", &now.denied);
        if (r < 0)
                return r;

        *set = now;
        return 0;
}

int sysfs_set_refresh_limits(const char *root, GenlSet *set) {
        GenlSet now = *set;
        int r;

        r = set_read_u32(root, set->id, "quota", &now.quota);
        if (r >= 0)
                r = set_read_u32(root, set->id, "watermark", &now.watermark);
        if (r < 0)
                return r;

        *set = now;
        return 0;
}

int sysfs_set_read(const char *root, uint64_t id, GenlSet *ret) {
        GenlSet set = { .id = id };
        int r;

        r = sysfs_set_refresh_limits(root, &set);
        if (r >= 0)
                r = sysfs_set_refresh_counters(root, &set);
        if (r >= 0)
                r = set_read_u32(root, id, "tgid", &set.tgid);
        if (r >= 0)
                r = set_read_u64(root, id, "start_time", &set.start_time);
        if (r >= 0)
                r = set_read_u64(root, id, "cgroup_id", &set.cgroup_id);
        if (r < 0)
                return r;

        *ret = set;
        return 0;
}

int sysfs_read_default_quota(const char *root, uint32_t *ret) {
        _cleanup_free_ char *path = NULL;
        uint64_t value;
        int r;

        path = path_under(root, SYSFS_MODULE_DIR "/parameters/default_quota");
        if (!path)
                return -ENOMEM;

        r = read_u64_file(path, &value);
        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -EBADMSG;

        *ret = (uint32_t) value;
        return 0;
}

int sysfs_write_default_quota(const char *root, uint32_t quota) {
        _cleanup_free_ char *path = NULL;

        path = path_under(root, SYSFS_MODULE_DIR "/parameters/default_quota");
        if (!path)
                return -ENOMEM;

        return write_u64_file(path, quota);
}
