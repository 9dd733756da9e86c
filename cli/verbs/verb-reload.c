/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "verbs.h"

CtlExitStatus verb_reload(const Options *options, int argc, char **argv) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        /* A daemon that starts now reads the configuration anyway. */
        status = client_open_running(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        return client_call(&client, NULL, "Reload", NULL, NULL);
}
