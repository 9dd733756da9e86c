/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The agent of the VM called NAME listens on the abstract socket "pasid-agent/NAME". A connection carries one command line;
 * the answer is what the command prints, then a line "exit STATUS". */
static inline socklen_t pasid_agent_address(struct sockaddr_un *ret, const char *vm) {
        int n;

        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "pasid-agent/%s", vm);
        if (n < 0 || (size_t) n >= sizeof(ret->sun_path) - 1)
                return 0;
        return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) n);
}
