/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "kernel-set.h"

/* /sys/class/vfio_pasid and /sys/module/vfio_pasid. */

#define SYSFS_SETS_DIR   "/sys/class/vfio_pasid"
#define SYSFS_MODULE_DIR "/sys/module/vfio_pasid"

/*
 * Writes a set's quota or watermark and reads it back. -ENOENT or -ENODEV when
 * the set is gone, -EIO when the kernel shows another value afterwards.
 */
int sysfs_set_write_quota(const char *root, uint64_t id, uint32_t quota);
int sysfs_set_write_watermark(const char *root, uint64_t id, uint32_t watermark);

int sysfs_set_read_watermark(const char *root, uint64_t id, uint32_t *ret);
int sysfs_set_read_quota(const char *root, uint64_t id, uint32_t *ret);

/*
 * What changes without notice: allocated, peak, denied, and attached if the set has it; quota, watermark. On failure
 * *set keeps what it had.
 */
int sysfs_set_refresh_counters(const char *root, KernelSet *set);
int sysfs_set_refresh_limits(const char *root, KernelSet *set);

/* All attributes, those that only root may read included. *ret is untouched on failure. */
int sysfs_set_read(const char *root, uint64_t id, KernelSet *ret);

/* Quota of new sets. */
int sysfs_read_default_quota(const char *root, uint32_t *ret);
int sysfs_write_default_quota(const char *root, uint32_t quota);
