/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <inttypes.h>

#include "file-util.h"
#include "sysfs.h"

/* Several attributes are read from the directory, which is below some links and others. Returns the file descriptor. */
static int set_open(const char *root, uint64_t id) {
        _cleanup_free_ char *path = NULL;
        int fd;

        path = path_under(root, SYSFS_SETS_DIR "/set%" PRIu64, id);
        if (!path)
                return -ENOMEM;

        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int read_u32_at(int dir, const char *attribute, uint32_t *ret) {
        uint64_t value;
        int r;

        r = read_u64_file_at(dir, attribute, &value);
        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -EBADMSG;

        *ret = (uint32_t) value;
        return 0;
}

/* Files that only newer kernels have. */
static int read_attached_at(int dir, KernelSet *set) {
        int r;

        r = read_u32_at(dir, "attached", &set->attached);
        if (r >= 0)
                r = read_u32_at(dir, "attached_peak", &set->attached_peak);

        return r;
}

static int read_counters_at(int dir, KernelSet *set) {
        KernelSet now = *set;
        int r;

        r = read_u32_at(dir, "allocated", &now.allocated);
        if (r >= 0)
                r = read_u32_at(dir, "peak", &now.peak);
        if (r >= 0)
                r = read_u64_file_at(dir, "denied", &now.denied);
        if (r >= 0 && now.counts_attached)
                r = read_attached_at(dir, &now);
        if (r < 0)
                return r;

        *set = now;
        return 0;
}

static int read_limits_at(int dir, KernelSet *set) {
        KernelSet now = *set;
        int r;

        r = read_u32_at(dir, "quota", &now.quota);
        if (r >= 0)
                r = read_u32_at(dir, "watermark", &now.watermark);
        if (r < 0)
                return r;

        *set = now;
        return 0;
}

int sysfs_set_refresh_counters(const char *root, KernelSet *set) {
        _cleanup_close_ int dir = set_open(root, set->id);

        return dir < 0 ? dir : read_counters_at(dir, set);
}

int sysfs_set_refresh_limits(const char *root, KernelSet *set) {
        _cleanup_close_ int dir = set_open(root, set->id);

        return dir < 0 ? dir : read_limits_at(dir, set);
}

int sysfs_set_read(const char *root, uint64_t id, KernelSet *ret) {
        _cleanup_close_ int dir = set_open(root, id);
        KernelSet set = { .id = id };
        int r;

        if (dir < 0)
                return dir;

        r = read_limits_at(dir, &set);
        if (r >= 0)
                r = read_counters_at(dir, &set);
        if (r >= 0) {
                r = read_attached_at(dir, &set);
                set.counts_attached = r >= 0;
                if (r == -ENOENT)
                        r = 0;
        }
        if (r >= 0)
                r = read_u32_at(dir, "tgid", &set.tgid);
        if (r >= 0)
                r = read_u64_file_at(dir, "start_time", &set.start_time);
        if (r >= 0)
                r = read_u64_file_at(dir, "cgroup_id", &set.cgroup_id);
        if (r < 0)
                return r;

        *ret = set;
        return 0;
}
