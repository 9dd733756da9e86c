/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "uuid.h"

/* The class of machines that are VMs. */
#define MACHINE_CLASS_VM "vm"

/* machined's properties of a machine. The strings are owned by the message. */
typedef struct MachineProperties {
        char uuid[UUID_STRING_SIZE];
        const char *name, *class, *unit;
        uint32_t leader, uid;
        uint64_t usec; /* creation time, CLOCK_REALTIME */
        bool has_uuid;
} MachineProperties;

/* Reads an a{sv}. Returns 0, or a negative errno with *ret untouched. */
int machine_properties_read(sd_bus_message *message, MachineProperties *ret);

/* Is the machine a VM that is identified by its UUID? If it is a VM without that, the reason is logged. */
bool machine_properties_are_vm(const char *machine, const MachineProperties *p);
