/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "client.h"

CtlExitStatus verb_status(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(vm_list_clear) VmList list = {};
        CtlExitStatus status;

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_manager(bus, &manager);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_list_vms(bus, &list);
        if (status != CTL_EXIT_OK)
                return status;
        manager.n_vms = list.n_vms;

        if (options->json != JSON_OFF) {
                _cleanup_json_ json_object *object = NULL;

                object = info_json(manager_fields, n_manager_fields, &manager);
                if (!object)
                        return fail_oom();
                json_print(stdout, options->json, object);
                return CTL_EXIT_OK;
        }

        return info_print(stdout, manager_fields, n_manager_fields, &manager) < 0 ? fail_oom() : CTL_EXIT_OK;
}
