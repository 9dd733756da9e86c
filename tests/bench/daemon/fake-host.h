/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "macro.h"

/*
 * A host with so many VMs, as far as pasidd sees one: a directory that looks
 * like the kernel's files, a bus, and a systemd-machined. All of these end the
 * program when they fail.
 */

#define FIRST_PID         1000U
#define MACHINE_NAME_SIZE 80U

/* VM number i: the same names in the files and on the bus. */
void machine_name(size_t i, char buf[static MACHINE_NAME_SIZE]);  /* qemu-1-vm1 */
void machine_scope(size_t i, char buf[static MACHINE_NAME_SIZE]); /* machine-qemu\x2d1\x2dvm1.scope */
void machine_uuid(size_t i, char buf[static MACHINE_NAME_SIZE]);

/* Ends the program, saying what could not be done, and errno. */
void die(const char *what) __attribute__((noreturn));

/* Formatted; the caller frees it. */
char *text_new(const char *format, ...) _printf_(1, 2);

/* Writes a file below dir, and makes the directories to it. */
void make_file(const char *dir, const char *name, const char *text);

/* dir/root: the files. */
void make_root(const char *dir, size_t n_vms);

/* As if the daemon had not run yet: what it has written goes back to what make_root() wrote. */
void forget_run(const char *dir, size_t n_vms);

/* dir/bus: a bus. Sets $DBUS_SYSTEM_BUS_ADDRESS. Returns its process. */
pid_t start_bus(const char *dir);

/* In a process of its own. */
pid_t start_machined(size_t n_vms);
