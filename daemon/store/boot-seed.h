/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-id128.h>

/*
 * A number that is the same for as long as the host is up, and another one
 * after the next boot. Not the kernel's boot id: the daemon's /proc has
 * processes only. Kept in memory, and in /run for the next run of the daemon;
 * made at first use.
 */
typedef struct BootSeed {
        sd_id128_t value;
        bool known;
        bool saved;
} BootSeed;

/*
 * Without a file to write it to, the number is the same for this run of the
 * daemon only, which is logged once; each call tries the file again. Fails only
 * when there is no memory or no random number.
 */
int boot_seed_get(BootSeed *seed, const char *root, sd_id128_t *ret);
