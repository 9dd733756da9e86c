/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>

/*
 * A number that is the same for as long as the host is up, and another one
 * after the next boot. Not the kernel's boot id: the daemon's /proc has
 * processes only. Kept in /run; made at first use.
 */
int boot_seed_get(const char *root, sd_id128_t *ret);
