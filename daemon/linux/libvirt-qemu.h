/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * QEMU processes that libvirt runs without systemd-machined. libvirt then puts
 * each into a cgroup of its own making, /machine/qemu-N-NAME.libvirt-qemu, and
 * nobody announces it; the only trace of the domain is libvirt's pid file.
 */

typedef struct LibvirtQemu {
        uint32_t pid;
        char *machine;   /* "qemu-1-demo" */
        char *unit;      /* "qemu-1-demo.libvirt-qemu" */
        char *unit_path; /* the cgroup */
} LibvirtQemu;

void libvirt_qemu_clear(LibvirtQemu *qemu);

/*
 * The QEMU of the running domain with this name. Counts only if its pid file is
 * root's and the process is in a cgroup that libvirt made for a domain of such
 * a name. -ENOENT when there is none, otherwise another negative errno; *ret,
 * for libvirt_qemu_clear(), is untouched then.
 */
int libvirt_qemu_find(const char *root, const char *name, LibvirtQemu *ret);
