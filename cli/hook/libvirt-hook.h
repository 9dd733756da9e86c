/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "exit-status.h"

/*
 * libvirt waits for this program, and for all processes that hold its stdout or
 * stderr, without a timeout and with the domain locked. So the hook starts no
 * child, prints nothing on stdout (which would replace the domain's XML on
 * "migrate" and "restore"), reads all input (or libvirt gets EPIPE), and ends
 * within two seconds.
 */

/*
 * The main function of the program when it is called as /etc/libvirt/hooks/qemu.d/50-pasidd. The arguments
 * come from libvirt and are not parsed for options. */
CtlExitStatus verb_libvirt_hook(int argc, char **argv);
