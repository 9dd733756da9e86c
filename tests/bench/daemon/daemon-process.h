/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

/* The daemon that is measured: its process and calls of its methods. All of these end the program when they fail. */

/* dir/notify: where the daemon says READY=1. Sets $NOTIFY_SOCKET, also for other programs that are started later. */
int make_notify_socket(const char *dir);

/* With the files of dir/root. With dir/journal, the log goes to that socket, as if it was journald's. */
pid_t start_pasidd(const char *program, const char *dir, const char *log_level, bool journal);
void wait_ready(int notify);
void stop_process(pid_t *pid);

/* Dies if r is a negative errno. */
void check(int r, const char *what);

void call_ping(sd_bus *bus);
void call_set_quota(sd_bus *bus, const char *vm, uint32_t quota, bool runtime);
