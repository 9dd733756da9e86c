/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

/* The column QUOTA says what should hold; whoever reads it must learn of it where it does not. */
static void print_summary(const VmList *list) {
        size_t not_in_force = 0;

        for (size_t i = 0; i < list->n_vms; i++)
                not_in_force += !list->vms[i].in_force && streq_ptr(list->vms[i].state, "running");

        if (list->n_vms == 0)
                printf("No virtual machines.\n");
        else
                printf("\n%zu virtual machine%s.\n", list->n_vms, list->n_vms == 1 ? "" : "s");
        if (not_in_force > 0)
                printf("The quota of %zu is not in force; 'pasidctl list -o +INFORCE,ERROR' says why.\n",
                        not_in_force);
}

CtlExitStatus verb_list(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(vm_list_clear) VmList list = {};
        _cleanup_free_ const InfoField **columns = NULL;
        _cleanup_free_ char *bad = NULL;
        CtlExitStatus status;
        size_t n_columns;
        int r;

        r = vm_columns_parse(options->columns, &columns, &n_columns, &bad);
        if (r == -EINVAL) {
                _cleanup_free_ char *known = vm_columns_describe();

                return fail(CTL_EXIT_USAGE, "No column '%s'; there are: %s", bad, strempty(known));
        }
        if (r < 0)
                return fail_oom();

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_list_vms(bus, &list);
        if (status != CTL_EXIT_OK)
                return status;

        if (options->json != JSON_OFF) {
                _cleanup_json_ json_object *array = NULL;
                _cleanup_free_ const InfoField **all = NULL;

                /* A program that asks for no column in particular gets them all. */
                if (!options->columns) {
                        all = calloc(n_vm_fields, sizeof(*all));
                        if (!all)
                                return fail_oom();
                        for (size_t i = 0; i < n_vm_fields; i++)
                                all[i] = vm_fields + i;
                }

                array = vm_table_json(&list, all ?: columns, all ? n_vm_fields : n_columns);
                if (!array)
                        return fail_oom();
                json_print(stdout, options->json, array);
                return CTL_EXIT_OK;
        }

        r = vm_table_print(stdout, &list, columns, n_columns, options->legend);
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot print the table: %s.", strerror(-r));
        if (options->legend)
                print_summary(&list);

        return CTL_EXIT_OK;
}
