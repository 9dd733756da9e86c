/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * How a flood of kernel events slows SetQuota down, and what it costs. program:
 * the daemon that is linked with fake-netlink.c. *process: where its pid is kept
 * while it runs. The bus and systemd-machined must be there, and dir/root as it
 * was made.
 */
void measure_flood(const char *program, const char *dir, size_t n_vms, int notify, pid_t *process);
