/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-id128.h>

/*
 * A random number that stays the same until the next boot. The kernel's boot id
 * cannot be used, because the daemon's /proc shows only processes. Generated at
 * first use, and stored in /run for later runs of the daemon.
 */
typedef struct BootSeed {
        sd_id128_t value;
        bool known;
        bool saved;
} BootSeed;

/*
 * Returns the number. If the file cannot be written, the number is valid for
 * this run of the daemon only; this is logged once, and each call tries to write
 * the file again. Returns 0, -ENOMEM, or another negative errno if there is no
 * random number.
 */
int boot_seed_get(BootSeed *seed, const char *root, sd_id128_t *ret);
