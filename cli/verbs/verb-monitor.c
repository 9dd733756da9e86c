/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-json.h"
#include "bus-names.h"
#include "bus-peer.h"
#include "bus-read.h"
#include "client.h"
#include "clock.h"
#include "event.h"
#include "verbs.h"

/* Signals identify VMs by path; this maps paths to VMs. */
typedef struct VmName {
        char *path;
        char *uuid;
        char *name;
} VmName;

typedef struct Monitor {
        Client client;
        BusPeer *pasidd;
        JsonMode json;
        VmName *names;
        size_t n_names;
        bool listed; /* the last list of VMs has arrived */
        CtlExitStatus status;
} Monitor;

static void vm_name_clear(VmName *n) {
        free(n->path);
        free(n->uuid);
        free(n->name);
}

static void monitor_forget(Monitor *monitor) {
        for (size_t i = 0; i < monitor->n_names; i++)
                vm_name_clear(monitor->names + i);
        free(monitor->names);
        monitor->names = NULL;
        monitor->n_names = 0;
}

static void monitor_clear(Monitor *monitor) {
        monitor_forget(monitor);
        bus_peer_free(monitor->pasidd);
        client_close(&monitor->client);
}

static VmName *monitor_find(Monitor *monitor, const char *path) {
        for (size_t i = 0; i < monitor->n_names; i++)
                if (streq(monitor->names[i].path, path))
                        return monitor->names + i;
        return NULL;
}

static int monitor_learn(Monitor *monitor, const char *path, const char *uuid, const char *name) {
        VmName n = { strdup(path), strdup(strempty(uuid)), strdup(strempty(name)) }, *known, *grown;

        if (!n.path || !n.uuid || !n.name)
                goto oom;

        known = monitor_find(monitor, path);
        if (known) {
                vm_name_clear(known);
                *known = n;
                return 0;
        }

        grown = reallocarray(monitor->names, monitor->n_names + 1, sizeof(*grown));
        if (!grown)
                goto oom;
        monitor->names = grown;
        monitor->names[monitor->n_names++] = n;
        return 0;

oom:
        vm_name_clear(&n);
        return -ENOMEM;
}

static void monitor_unlearn(Monitor *monitor, const char *path) {
        VmName *known = monitor_find(monitor, path);

        if (!known)
                return;
        vm_name_clear(known);
        *known = monitor->names[--monitor->n_names];
}

static int monitor_print(Monitor *monitor, json_object *event) {
        _cleanup_free_ char *text = NULL;

        if (monitor->json != JSON_OFF)
                json_print(stdout, monitor->json, event);
        else {
                text = event_text(event);
                if (!text)
                        return -ENOMEM;
                puts(text);
        }

        /* Print each event at once. */
        if (fflush(stdout) != 0)
                return -errno;
        return 0;
}

/* Every handler returns through this: an error ends the event loop, not only the handler. */
static int monitor_result(Monitor *monitor, int r) {
        if (r < 0 && monitor->status == CTL_EXIT_OK)
                monitor->status = r == -ENOMEM ? fail_oom()
                                               : fail(CTL_EXIT_FAILURE, "Cannot continue: %s.", strerror(-r));
        return 0;
}

static int learn_vm(const char *path, VmInfo *vm, void *userdata) {
        return monitor_learn(userdata, path, vm->uuid, vm->name);
}

static int on_vms(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Monitor *monitor = userdata;

        monitor->listed = true;
        if (sd_bus_message_is_method_error(m, NULL)) {
                bool silent = sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) ||
                              sd_bus_message_is_method_error(m, SD_BUS_ERROR_TIMEOUT);

                fprintf(stderr, "pasidd %s, waiting for it\n", silent ? "does not answer" : "is not running");
                return 0;
        }

        monitor_forget(monitor);
        return monitor_result(monitor, bus_read_managed_vms(m, learn_vm, monitor));
}

static int monitor_list(Monitor *monitor) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(monitor->client.bus, &m, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
        if (r < 0)
                return r;
        /* Monitoring does not start the daemon. */
        r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;

        monitor->listed = false;
        return sd_bus_call_async(monitor->client.bus, NULL, m, on_vms, monitor, 0);
}

static const char *array_string(json_object *array, size_t i) {
        return strempty(json_object_get_string(json_object_array_get_idx(array, i)));
}

static int handle_manager_signal(Monitor *monitor, sd_bus_message *m) {
        _cleanup_json_ json_object *event = NULL, *arguments = NULL;
        const char *signal = sd_bus_message_get_member(m);
        int r;

        event = event_new(now_realtime_usec(), signal);
        if (!event)
                return -ENOMEM;
        r = bus_read_json_rest(m, &arguments);
        if (r < 0)
                return r;
        r = event_add_arguments(event, signal, arguments);
        if (r < 0)
                return r;

        if (streq(signal, "VMAdded")) {
                r = monitor_learn(monitor, array_string(arguments, 2), array_string(arguments, 0),
                        array_string(arguments, 1));
                if (r < 0)
                        return r;
        } else if (streq(signal, "VMRemoved"))
                monitor_unlearn(monitor, array_string(arguments, 2));

        return monitor_print(monitor, event);
}

static int on_manager_signal(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        return monitor_result(userdata, handle_manager_signal(userdata, m));
}

/* Adds the VM, or the daemon, that the event is about. */
static int add_subject(Monitor *monitor, json_object *event, const char *path) {
        const VmName *known = monitor_find(monitor, path);
        int r;

        if (known) {
                r = json_add(event, "uuid", json_object_new_string(known->uuid));
                if (r < 0)
                        return r;
                r = json_add(event, "name", json_object_new_string(known->name));
                if (r < 0)
                        return r;
        }
        return json_add(event, "path", json_object_new_string(path));
}

static int handle_properties(Monitor *monitor, sd_bus_message *m) {
        _cleanup_json_ json_object *event = NULL, *arguments = NULL;
        const char *path = sd_bus_message_get_path(m), *interface;
        json_object *changed, *invalidated, *name;
        const VmName *known;
        int r;

        r = bus_read_json_rest(m, &arguments);
        if (r < 0)
                return r;

        interface = array_string(arguments, 0);
        changed = json_object_array_get_idx(arguments, 1);
        invalidated = json_object_array_get_idx(arguments, 2);
        if (!streq(interface, PASIDD_MANAGER_INTERFACE) && !streq(interface, PASIDD_VM_INTERFACE))
                return 0;

        known = monitor_find(monitor, path);
        if (known && json_object_object_get_ex(changed, "Name", &name)) {
                _cleanup_free_ char *uuid = strdup(known->uuid);

                if (!uuid)
                        return -ENOMEM;
                r = monitor_learn(monitor, path, uuid, json_object_get_string(name));
                if (r < 0)
                        return r;
        }

        event = event_new(now_realtime_usec(), "PropertiesChanged");
        if (!event)
                return -ENOMEM;
        r = add_subject(monitor, event, path);
        if (r < 0)
                return r;
        r = json_add(event, "changed", json_object_get(changed));
        if (r < 0)
                return r;
        if (json_object_array_length(invalidated) > 0) {
                r = json_add(event, "invalidated", json_object_get(invalidated));
                if (r < 0)
                        return r;
        }

        return monitor_print(monitor, event);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        return monitor_result(userdata, handle_properties(userdata, m));
}

static int handle_owner(Monitor *monitor, const char *owner) {
        _cleanup_json_ json_object *event = NULL;
        int r;

        event = event_new(now_realtime_usec(), owner ? "DaemonStarted" : "DaemonStopped");
        if (!event)
                return -ENOMEM;
        r = monitor_print(monitor, event);
        if (r < 0)
                return r;

        return owner ? monitor_list(monitor) : 0;
}

static void on_owner(const char *owner, void *userdata) {
        (void) monitor_result(userdata, handle_owner(userdata, owner));
}

/* The bus handles the messages of a connection in order: no event is missed after the list of VMs requested
 * next. */
static int monitor_match(Monitor *monitor) {
        int r;

        r = bus_peer_new(monitor->client.bus, PASIDD_BUS_NAME, on_owner, monitor, &monitor->pasidd);
        if (r >= 0)
                r = bus_peer_subscribe(monitor->pasidd,
                        "path='" PASIDD_OBJECT_PATH "',interface='" PASIDD_MANAGER_INTERFACE "'",
                        on_manager_signal, monitor);
        if (r >= 0)
                r = bus_peer_subscribe(monitor->pasidd,
                        "path_namespace='" PASIDD_OBJECT_PATH
                        "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                        on_properties, monitor);

        return r;
}

CtlExitStatus verb_monitor(const Options *options, int argc, char **argv) {
        _cleanup_(monitor_clear) Monitor monitor = { .json = options->json };
        bool announced = false;
        CtlExitStatus status;
        int r;

        status = client_open_bus(options, &monitor.client);
        if (status != CTL_EXIT_OK)
                return status;
        r = monitor_match(&monitor);
        if (r >= 0)
                r = monitor_list(&monitor);
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot subscribe to the signals of pasidd: %s.", strerror(-r));

        while (monitor.status == CTL_EXIT_OK) {
                r = sd_bus_process(monitor.client.bus, NULL);
                if (r > 0)
                        continue;
                if (r == 0) {
                        if (!announced && monitor.listed) {
                                fprintf(stderr, "monitoring…\n");
                                announced = true;
                        }
                        r = sd_bus_wait(monitor.client.bus, UINT64_MAX);
                }
                if (r < 0 && r != -EINTR)
                        return fail(CTL_EXIT_FAILURE, "Lost the system bus: %s.", strerror(-r));
        }

        return monitor.status;
}
