/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ssh-host.h"

#include "macro.h"

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/* "%" separates a link-local address from its zone. */
#define IPV6_CHARS DIGITS LETTERS ":.%-_"

static bool port_is_valid(const char *port) {
        size_t n = strlen(port);

        if (n == 0 || n >= sizeof("65535") || port[strspn(port, DIGITS)])
                return false;

        return atoi(port) >= 1 && atoi(port) <= UINT16_MAX;
}

int ssh_host_parse(const char *s, SshHost *ret) {
        const char *at = strchr(s, '@'), *host = at ? at + 1 : s, *port;
        size_t n_user = (size_t) (host - s), n_host;
        SshHost new = {};

        /* ssh treats a host that begins with "-" as an option. */
        if (*s == '-' || *host == '-' || n_user == 1)
                return -EINVAL;

        if (*host == '[') {
                host++;
                n_host = strspn(host, IPV6_CHARS);
                if (host[n_host] != ']')
                        return -EINVAL;
                port = host + n_host + 1;
        } else {
                n_host = strcspn(host, ":/@[]");
                port = host + n_host;
        }

        if (n_host == 0 || n_user + n_host >= sizeof(new.host))
                return -EINVAL;
        if (*port && (*port != ':' || !port_is_valid(port + 1)))
                return -EINVAL;

        *(char *) mempcpy(mempcpy(new.host, s, n_user), host, n_host) = '\0';
        if (*port)
                strcpy(new.port, port + 1);
        *ret = new;
        return 0;
}
