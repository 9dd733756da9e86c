/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * QEMU processes that libvirt runs without systemd-machined. libvirt then creates
 * a cgroup for each, /machine/qemu-N-NAME.libvirt-qemu. They are not announced on
 * the bus; the only trace of the domain is libvirt's pid file.
 */

typedef struct LibvirtQemu {
        uint32_t pid;
        char *machine;   /* "qemu-1-demo" */
        char *unit;      /* "qemu-1-demo.libvirt-qemu" */
        char *unit_path; /* the cgroup */
} LibvirtQemu;

void libvirt_qemu_clear(LibvirtQemu *qemu);

/*
 * Finds the QEMU of the running domain with this name. The pid file must be owned
 * by root, and the process must be in a cgroup that libvirt created for a domain
 * with such a name. Returns 0, and the caller frees *ret with
 * libvirt_qemu_clear(); -ENOENT if there is none; or another negative errno. *ret
 * is untouched on failure.
 */
int libvirt_qemu_find(const char *root, const char *name, LibvirtQemu *ret);
