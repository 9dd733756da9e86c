/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#define SSH_HOST_SIZE 320U

/* The argument of --host=, split for ssh. */
typedef struct SshHost {
        char host[SSH_HOST_SIZE];   /* [USER@]HOST, an IPv6 address without brackets */
        char port[sizeof("65535")]; /* "" if none was given */
} SshHost;

/* For "ssh %s%s%s%s": the arguments that name the host. */
#define SSH_ARGUMENTS(ssh) *(ssh).port ? "-p " : "", (ssh).port, *(ssh).port ? " " : "", (ssh).host

/*
 * Parses [USER@]HOST[:PORT], with an IPv6 address in brackets. Other forms are
 * rejected, so that all verbs accept the same hosts: only sd-bus supports
 * HOST/CONTAINER, only ssh an IPv6 address without brackets. Returns 0, or
 * -EINVAL with *ret untouched.
 */
int ssh_host_parse(const char *s, SshHost *ret);
