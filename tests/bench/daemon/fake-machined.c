/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd-machined, as far as pasidd asks it. In C, so that what is measured is pasidd. */

#include <inttypes.h>
#include <sys/prctl.h>
#include <signal.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "fake-host.h"
#include "macro.h"

#define NAME   "org.freedesktop.machine1"
#define PATH   "/org/freedesktop/machine1"
#define PREFIX PATH "/machine"

static size_t n_machines;

static void machine_path(size_t i, char buf[static 64]) {
        snprintf(buf, 64, PREFIX "/m%zu", i);
}

static int list_machines(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char name[MACHINE_NAME_SIZE], path[64];
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssso)");
        for (size_t i = 0; r >= 0 && i < n_machines; i++) {
                machine_name(i, name);
                machine_path(i, path);
                r = sd_bus_message_append(reply, "(ssso)", name, "vm", "libvirt-qemu", path);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static int get_machine_by_pid(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        char path[64];
        uint32_t pid;
        int r;

        r = sd_bus_message_read(call, "u", &pid);
        if (r < 0)
                return r;
        if (pid < FIRST_PID || pid >= FIRST_PID + n_machines)
                return sd_bus_error_set(error, NAME ".NoMachineForPID", "none");

        machine_path(pid - FIRST_PID, path);
        return sd_bus_reply_method_return(call, "o", path);
}

static int find_machine(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
        sd_bus_error *error) {
        size_t i;

        if (sscanf(path, PREFIX "/m%zu", &i) != 1 || i >= n_machines)
                return 0;

        *ret = (void *) (i + 1);
        return 1;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        size_t i = (size_t) userdata - 1;
        char text[MACHINE_NAME_SIZE];
        sd_id128_t id;

        if (streq(property, "Id")) {
                machine_uuid(i, text);
                if (sd_id128_from_string(text, &id) < 0)
                        return -EINVAL;
                return sd_bus_message_append_array(reply, 'y', &id, sizeof(id));
        }
        if (streq(property, "Timestamp"))
                return sd_bus_message_append(reply, "t", UINT64_C(1));
        if (streq(property, "Leader"))
                return sd_bus_message_append(reply, "u", (uint32_t) (FIRST_PID + i));
        if (streq(property, "Unit"))
                machine_scope(i, text);
        else if (streq(property, "Class"))
                strcpy(text, "vm");
        else
                machine_name(i, text);
        return sd_bus_message_append(reply, "s", text);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListMachines", "", "a(ssso)", list_machines, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetMachineByPID", "u", "o", get_machine_by_pid, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable machine_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Id", "ay", get_property, 0, 0),
        SD_BUS_PROPERTY("Timestamp", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("Unit", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Leader", "u", get_property, 0, 0),
        SD_BUS_PROPERTY("Class", "s", get_property, 0, 0),
        SD_BUS_VTABLE_END,
};

static int serve(int ready) {
        sd_bus *bus;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, PATH, NAME ".Manager", manager_vtable, NULL);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(
                        bus, NULL, PREFIX, NAME ".Machine", machine_vtable, find_machine, NULL);
        if (r >= 0)
                r = sd_bus_request_name(bus, NAME, 0);
        if (r >= 0 && write(ready, "", 1) != 1)
                r = -errno;

        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r;
}

pid_t start_machined(size_t n) {
        int fds[2];
        char c;
        pid_t pid;

        if (pipe(fds) < 0)
                die("pipe");
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                close(fds[0]);
                n_machines = n;
                _exit(serve(fds[1]) < 0);
        }

        close(fds[1]);
        if (read(fds[0], &c, 1) != 1) {
                errno = ECONNREFUSED;
                die("the stand-in for systemd-machined");
        }
        close(fds[0]);
        return pid;
}
