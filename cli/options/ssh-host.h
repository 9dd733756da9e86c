/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#define SSH_HOST_SIZE 320U

/* The argument of --host=, as ssh takes it. */
typedef struct SshHost {
        char host[SSH_HOST_SIZE];   /* [USER@]HOST, an IPv6 address without brackets */
        char port[sizeof("65535")]; /* "" if none was given */
} SshHost;

/* For "ssh %s%s%s%s": the arguments that name the host. */
#define SSH_ARGUMENTS(ssh) *(ssh).port ? "-p " : "", (ssh).port, *(ssh).port ? " " : "", (ssh).host

/*
 * Reads [USER@]HOST[:PORT], where an IPv6 address is in brackets. Anything else
 * is refused, so that no verb takes what another one does not: sd-bus alone
 * knows HOST/CONTAINER, ssh alone takes an IPv6 address without brackets.
 * Returns 0, or -EINVAL with *ret untouched.
 */
int ssh_host_parse(const char *s, SshHost *ret);
