/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "exit-status.h"

/*
 * libvirt waits for this program, and for whoever holds its stdout and stderr,
 * without a time limit and with the domain locked. So: no child, nothing on
 * stdout (on "migrate" and "restore" that would become the domain's XML), all
 * input read (or libvirt gets EPIPE), and an end after two seconds whatever
 * happens.
 */

/*
 * What the program does under the name of /etc/libvirt/hooks/qemu.d/50-pasidd; the arguments are libvirt's and are
 * not parsed for options.
 */
CtlExitStatus verb_libvirt_hook(int argc, char **argv);
