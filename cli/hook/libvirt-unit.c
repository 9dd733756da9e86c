/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-unit.h"

#include <stdlib.h>

#include "macro.h"

static const char *const unit_paths[LIBVIRT_UNITS] = {
        SYSTEMD_UNIT_PATH("libvirtd"),
        SYSTEMD_UNIT_PATH("virtqemud"),
};

const char *libvirt_unit_path(size_t i) {
        return unit_paths[i];
}

/* The caller frees *ret. A unit that does not exist is "inactive", its LoadState is "not-found". */
static int get_unit_property(sd_bus *bus, const char *path, const char *property, char **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        return sd_bus_get_property_string(bus, "org.freedesktop.systemd1", path,
                "org.freedesktop.systemd1.Unit", property, &error, ret);
}

bool libvirt_is_running(sd_bus *bus) {
        for (size_t i = 0; i < ELEMENTSOF(unit_paths); i++) {
                _cleanup_free_ char *state = NULL;

                if (get_unit_property(bus, unit_paths[i], "ActiveState", &state) < 0)
                        return true;
                if (streq(state, "active") || streq(state, "reloading") || streq(state, "activating"))
                        return true;
        }

        return false;
}

bool libvirt_dbus_is_stopped(sd_bus *bus) {
        static const char path[] = SYSTEMD_UNIT_PATH("libvirt_2ddbus");
        _cleanup_free_ char *load = NULL, *active = NULL;

        if (get_unit_property(bus, path, "LoadState", &load) < 0 || !streq(load, "loaded"))
                return false;

        return get_unit_property(bus, path, "ActiveState", &active) >= 0 &&
               (streq(active, "inactive") || streq(active, "deactivating"));
}
