/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "machine-properties.h"

#include <inttypes.h>

#include "log.h"

static int read_id(sd_bus_message *message, MachineProperties *p) {
        const void *bytes;
        sd_id128_t id;
        size_t size;
        int r;

        r = sd_bus_message_enter_container(message, 'v', "ay");
        if (r < 0)
                return r;

        r = sd_bus_message_read_array(message, 'y', &bytes, &size);
        if (r < 0)
                return r;

        if (size == sizeof(id)) {
                memcpy(&id, bytes, sizeof(id));
                p->has_uuid = !sd_id128_is_null(id);
                (void) sd_id128_to_uuid_string(id, p->uuid);
        }

        return sd_bus_message_exit_container(message);
}

static int read_property(sd_bus_message *message, const char *name, MachineProperties *p) {
        if (streq(name, "Id"))
                return read_id(message, p);
        if (streq(name, "Name"))
                return sd_bus_message_read(message, "v", "s", &p->name);
        if (streq(name, "Class"))
                return sd_bus_message_read(message, "v", "s", &p->class);
        if (streq(name, "Unit"))
                return sd_bus_message_read(message, "v", "s", &p->unit);
        if (streq(name, "Leader"))
                return sd_bus_message_read(message, "v", "u", &p->leader);
        if (streq(name, "UID"))
                return sd_bus_message_read(message, "v", "u", &p->uid);
        if (streq(name, "Timestamp"))
                return sd_bus_message_read(message, "v", "t", &p->usec);

        return sd_bus_message_skip(message, "v");
}

int machine_properties_read(sd_bus_message *message, MachineProperties *ret) {
        MachineProperties p = {};
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const char *name;

                r = sd_bus_message_read(message, "s", &name);
                if (r >= 0)
                        r = read_property(message, name, &p);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret = p;
        return 0;
}

bool machine_properties_are_vm(const char *machine, const MachineProperties *p) {
        if (!streq_ptr(p->class, MACHINE_CLASS_VM))
                return false;

        /* Users can register machines with any UUID since systemd 258. Before, only root could register any. */
        if (p->uid != 0) {
                log_debug("Machine %s was registered by user %" PRIu32 ", identifying it by its unit.",
                        machine, p->uid);
                return false;
        }

        if (!p->has_uuid) {
                log_info("Machine %s has no UUID, identifying it by its unit.", machine);
                return false;
        }

        return true;
}
