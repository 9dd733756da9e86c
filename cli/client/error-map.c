/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "error-map.h"

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "macro.h"

static const struct {
        const char *name;
        CtlExitStatus status;
} error_table[] = {
        { PASIDD_ERROR_NO_SUCH_VM, CTL_EXIT_NOT_FOUND },
        { PASIDD_ERROR_AMBIGUOUS_VM, CTL_EXIT_NOT_FOUND },
        { PASIDD_ERROR_INVALID_QUOTA, CTL_EXIT_USAGE },
        { PASIDD_ERROR_INVALID_SLICE, CTL_EXIT_USAGE },
        /* The VM was removed between two calls. */
        { SD_BUS_ERROR_UNKNOWN_OBJECT, CTL_EXIT_NOT_FOUND },
        { SD_BUS_ERROR_ACCESS_DENIED, CTL_EXIT_DENIED },
        { SD_BUS_ERROR_AUTH_FAILED, CTL_EXIT_DENIED },
        { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, CTL_EXIT_DENIED },
        { SD_BUS_ERROR_SERVICE_UNKNOWN, CTL_EXIT_NOT_RUNNING },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, CTL_EXIT_NOT_RUNNING },
        { SD_BUS_ERROR_NO_REPLY, CTL_EXIT_NOT_RUNNING },
        { SD_BUS_ERROR_TIMEOUT, CTL_EXIT_NOT_RUNNING },
        { "org.freedesktop.DBus.Error.TimedOut",
                CTL_EXIT_NOT_RUNNING }, /* dbus-daemon's activation timeout */
        { SD_BUS_ERROR_NO_SERVER, CTL_EXIT_NOT_RUNNING },
        { SD_BUS_ERROR_DISCONNECTED, CTL_EXIT_NOT_RUNNING },
        /* systemd's errors, when it refuses to start the unit for the bus */
        { "org.freedesktop.systemd1.NoSuchUnit", CTL_EXIT_NOT_RUNNING },
        { "org.freedesktop.systemd1.UnitMasked", CTL_EXIT_NOT_RUNNING },
        { "org.freedesktop.systemd1.LoadFailed", CTL_EXIT_NOT_RUNNING },
};

/* Spawn.ChildExited, Spawn.ServiceNotFound and a dozen more: the bus could not start the daemon. */
static bool is_spawn_error(const char *name) {
        static const char prefix[] = "org.freedesktop.DBus.Error.Spawn.";

        return strncmp(name, prefix, sizeof(prefix) - 1) == 0;
}

CtlExitStatus error_to_exit_status(const char *name) {
        if (!name)
                return CTL_EXIT_FAILURE;
        if (is_spawn_error(name))
                return CTL_EXIT_NOT_RUNNING;
        for (size_t i = 0; i < ELEMENTSOF(error_table); i++)
                if (streq(error_table[i].name, name))
                        return error_table[i].status;
        return CTL_EXIT_FAILURE;
}

bool error_is_unreachable(const char *name) {
        return error_to_exit_status(name) == CTL_EXIT_NOT_RUNNING;
}
