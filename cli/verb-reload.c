/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "client.h"

CtlExitStatus verb_reload(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        CtlExitStatus status;

        /* One that starts now reads the configuration anyway. */
        status = client_open_running(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_new_call(bus, options, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "Reload", &m);
        if (status != CTL_EXIT_OK)
                return status;

        return client_call(bus, m, NULL);
}
