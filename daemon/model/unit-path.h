/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whose unit is it, and what is its VM called? Paths are those of units, as
 * cgroup_path_get_unit() returns them. String operations only.
 */

/*
 * Is this a unit of the host's system manager? Only slices are above it, in the places that systemd gives them. Everything
 * else can be below a user's manager or in a container, whose owners choose the names of cgroups.
 */
bool unit_path_is_of_system(const char *unit_path);

/* Is the cgroup below user.slice? Only machines in other slices are identified by their UUID. */
bool unit_path_is_below_user_slice(const char *cgroup);

/*
 * The name of a unit's VM. Overrides and rules go by it, so nobody must be able
 * to give his unit the name of somebody else's:
 *
 *   UNIT                for the system's units, and for libvirt's cgroups
 *   user@UID.service/UNIT  for units of users' managers
 *   the path without the first slash, for all others, for example
 *   "lxc.payload.c1/system.slice/nginx.service" for a unit in a container
 *
 * Several units of one user can have the same name, in different slices. Returns
 * 0, -EBADMSG if the name is not printable UTF-8, -ENAMETOOLONG if the path has more than
 * NAME_MAX bytes, or -ENOMEM. The caller frees *ret.
 */
int unit_path_to_vm_name(const char *unit, const char *unit_path, char **ret);

/*
 * Does the key in the state mean the same VM after a reboot? logind numbers
 * sessions anew after each boot, so the same "unit:session-3.scope", on the host
 * or in a container, can then be another user's. Such a VM has runtime overrides only.
 */
bool vm_key_is_lasting(const char *key);
