/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

CtlExitStatus verb_show(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(vm_info_clear) VmInfo vm = {};
        _cleanup_free_ char *path = NULL;
        CtlExitStatus status;
        int r;

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_find_vm(bus, argv[1], &path);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_vm(bus, path, &vm);
        if (status != CTL_EXIT_OK)
                return status;

        if (options->json != JSON_OFF) {
                _cleanup_json_ json_object *object = info_json(vm_fields, n_vm_fields, &vm);

                if (!object)
                        return fail_oom();
                json_print(stdout, options->json, object);
                return CTL_EXIT_OK;
        }

        r = info_print(stdout, vm_fields, n_vm_fields, &vm);
        if (r < 0)
                return fail_oom();

        if (vm.sets.n_sets > 0) {
                putchar('\n');
                r = set_table_print(stdout, &vm.sets, options->legend);
                if (r < 0)
                        return fail(CTL_EXIT_FAILURE, "Cannot print the table: %s.", strerror(-r));
        }

        return CTL_EXIT_OK;
}
