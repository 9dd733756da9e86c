/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Names that systemd gives to cgroups and units. String operations only. Paths
 * are relative to the cgroup2 mount, with a leading slash ("/machine.slice/…").
 */

/*
 * Converts a slice to its cgroup: "a-b.slice" → "/a.slice/a-b.slice", "-.slice"
 * → "/" (systemd.slice(5)). Returns 0, -EINVAL or -ENOMEM; the caller frees *ret.
 */
int cgroup_path_from_slice(const char *slice, char **ret);

/* Without systemd-machined, libvirt creates the cgroups of its QEMUs: "/machine/qemu-1-demo.libvirt-qemu". */
#define CGROUP_LIBVIRT_SUFFIX ".libvirt-qemu"

/* Is this such a cgroup, in a place where only root can create one? */
bool cgroup_path_is_of_libvirt(const char *path);

/*
 * Finds the unit that a cgroup belongs to: the first component from the root
 * that ends in ".scope", ".service" or libvirt's suffix. What lies below belongs
 * to the unit, e.g. libvirt's "libvirt/vcpu0". A user manager's service
 * (user@UID.service) is skipped, so that its units are found.
 *
 * *ret_unit_path is the cgroup path up to and including the unit. Either output
 * may be NULL; the caller frees both. Returns 0, -ENXIO if there is no unit,
 * -EINVAL if the path is not absolute or contains "." or "..", -ENOMEM.
 */
int cgroup_path_get_unit(const char *path, char **ret_unit, char **ret_unit_path);

/* Are the n characters at s the name of the cgroup of a user's manager, "user@UID.service"? */
bool cgroup_name_is_user_manager(const char *s, size_t n);

/*
 * Skips the slices that the path begins with. A slice counts only where systemd
 * has it: "a.slice" in the root, "a-b.slice" in that. The first component that is
 * not such a slice ends them, because what is below can belong to anybody: to a
 * user, or to the root of a container. Returns a pointer to that component, or to
 * the end of the path. *ret_slice (may be NULL) and *ret_n are the innermost
 * slice's name without ".slice"; *ret_n is 0 for the root slice.
 */
const char *cgroup_path_skip_slices(const char *path, const char **ret_slice, size_t *ret_n);

/*
 * Finds the innermost slice of those that the path begins with, as above, or
 * "-.slice" if there is none. Rules match on slices, and users and containers
 * choose the names of theirs. Returns 0, -EINVAL as above, or -ENOMEM. The caller
 * frees *ret.
 */
int cgroup_path_get_slice(const char *path, char **ret);

/* Is path equal to or below prefix? Component-wise: "/a/bc" is not below "/a/b". */
bool cgroup_path_is_below(const char *path, const char *prefix);

/* Is slice equal to above, or one of its descendants by systemd's naming ("a-b.slice" is below "a.slice")? */
bool slice_is_below(const char *slice, const char *above);

/*
 * Undoes systemd's \xNN escaping of unit names: "machine-qemu\x2d1\x2ddemo.scope" → "machine-qemu-1-demo.scope".
 * Returns 0, -EINVAL for an invalid escape or one that yields NUL, or -ENOMEM. The caller frees *ret.
 */
int unit_name_unescape(const char *s, char **ret);

/*
 * Extracts the domain's name from a machine name of machined or libvirt:
 * "qemu-1-demo" → "demo". A name of another form is copied unchanged. Returns 0
 * or -ENOMEM; the caller frees *ret.
 */
int machine_name_to_vm_name(const char *machine, char **ret);

/*
 * Finds the machine of a scope that systemd created for a libvirt VM:
 * "machine-qemu\\x2d1\\x2ddemo.scope" → "qemu-1-demo". Returns 0, -ENXIO if the
 * unit's name has another form, or -ENOMEM. The caller frees *ret.
 */
int unit_name_to_libvirt_machine(const char *unit, char **ret);

/*
 * Can this be libvirt's machine name for a domain of this name? libvirt drops
 * characters that hostnames do not allow, and cuts names that are too long. So
 * several domains can match one machine name. *ret_exact: nothing was dropped.
 */
bool machine_name_fits_vm(const char *machine, const char *vm_name, bool *ret_exact);

/*
 * Finds the path in the unified hierarchy (the "0::" line) in the text of /proc/PID/cgroup. A " (deleted)" suffix is
 * removed. Returns 0, -ENODATA if there is no such line, or -ENOMEM. The caller frees *ret.
 */
int proc_cgroup_parse(const char *text, char **ret);
