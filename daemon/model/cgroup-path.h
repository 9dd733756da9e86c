/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Names that systemd gives to cgroups and units. Pure string work: paths are
 * relative to the cgroup2 mount, with a leading slash ("/machine.slice/…").
 */

/*
 * The cgroup of a slice: "a-b.slice" → "/a.slice/a-b.slice", "-.slice" → "/"
 * (systemd.slice(5)). Returns 0, -EINVAL or -ENOMEM; the caller frees *ret.
 */
int cgroup_path_from_slice(const char *slice, char **ret);

/* Without systemd-machined libvirt makes the cgroups of its QEMUs itself: "/machine/qemu-1-demo.libvirt-qemu". */
#define CGROUP_LIBVIRT_SUFFIX ".libvirt-qemu"

/* Is this such a cgroup, at a place where only root can make one? */
bool cgroup_path_is_of_libvirt(const char *path);

/*
 * The unit that a cgroup belongs to: the deepest component that ends in
 * ".scope" or ".service", or in what libvirt uses in their place, looking from the root and stopping at the first one
 * (what lies below is the unit's own affair, e.g. libvirt's "libvirt/vcpu0").
 * User managers' units below user@UID.service are looked through.
 * ret_unit_path gets the cgroup path up to and including the unit; either may
 * be NULL. -ENXIO when there is none, -EINVAL for a path that is not absolute or
 * has "." or ".." in it. The caller frees both.
 */
int cgroup_path_get_unit(const char *path, char **ret_unit, char **ret_unit_path);

/*
 * The innermost "….slice" component above the unit; "-.slice" for none. Slices
 * of user managers do not count: users name them as they like, and rules match
 * on slices. -EINVAL as above.
 */
int cgroup_path_get_slice(const char *path, char **ret);

/* Is path equal to or below prefix? Component-wise: "/a/bc" is not below "/a/b". */
bool cgroup_path_is_below(const char *path, const char *prefix);

/* Is slice the same as above or one of its descendants by systemd's naming ("a-b.slice" is below "a.slice")? */
bool slice_is_below(const char *slice, const char *above);

/* Undoes systemd's \xNN escaping of unit names: "machine-qemu\x2d1\x2ddemo.scope" → "machine-qemu-1-demo.scope".
 * -EINVAL for a bad escape or one that yields NUL. */
int unit_name_unescape(const char *s, char **ret);

/*
 * The domain's name out of machined's or libvirt's machine name:
 * "qemu-1-demo" → "demo". A name of another form is returned as it is.
 */
int machine_name_to_vm_name(const char *machine, char **ret);

/*
 * The machine of a scope that systemd made for a VM of libvirt's:
 * "machine-qemu\\x2d1\\x2ddemo.scope" → "qemu-1-demo". -ENXIO for a unit of
 * another name, -ENOMEM. The caller frees *ret.
 */
int unit_name_to_libvirt_machine(const char *unit, char **ret);

/*
 * Does libvirt give a domain of this name such a machine name? It leaves out
 * what hostnames do not have, and cuts off what makes the machine name too
 * long, so that several domains can share one: *ret_exact says whether nothing
 * is missing.
 */
bool machine_name_fits_vm(const char *machine, const char *vm_name, bool *ret_exact);

/* The path of the unified hierarchy out of the text of /proc/PID/cgroup (the "0::" line).
 * " (deleted)" is kept off. -ENODATA when there is no such line. */
int proc_cgroup_parse(const char *text, char **ret);
