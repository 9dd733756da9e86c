/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "kernel-set.h"

/* /sys/class/vfio_pasid, and where the module's parameters are. limit-file.h reads and writes those that are limits. */

#define SYSFS_SETS_DIR   "/sys/class/vfio_pasid"
#define SYSFS_MODULE_DIR "/sys/module/vfio_pasid"

/*
 * What changes without notice: allocated, peak, denied, and attached if the set has it; quota, watermark. On failure
 * *set keeps what it had.
 */
int sysfs_set_refresh_counters(const char *root, KernelSet *set);
int sysfs_set_refresh_limits(const char *root, KernelSet *set);

/* All attributes, those that only root may read included. *ret is untouched on failure. */
int sysfs_set_read(const char *root, uint64_t id, KernelSet *ret);
