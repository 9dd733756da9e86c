/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "bus-names.h"
#include "client.h"
#include "overrides.h"
#include "verbs.h"

static CtlExitStatus export_overrides(const Client *client, const Options *options) {
        _cleanup_(rows_clear) Rows overrides = { .table = &override_table };
        _cleanup_json_ json_object *object = NULL;
        CtlExitStatus status;

        status = client_call_rows(client, "ListOverrides", &overrides);
        if (status != CTL_EXIT_OK)
                return status;
        object = overrides_format(&overrides);
        if (!object)
                return fail_oom();
        json_print(stdout, options->json == JSON_OFF ? JSON_PRETTY : options->json, object);
        return CTL_EXIT_OK;
}

/*
 * A file for the provider_config_location of Nova's compute service, schema 1.0:
 * this host's PASIDs as inventory for the scheduler. PASIDs that the host's
 * kernel uses itself are reserved.
 */
static CtlExitStatus export_nova(const Client *client) {
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(vm_list_clear) VmList list = {};
        uint64_t held = 0;
        CtlExitStatus status;
        double ratio = 1.0;

        status = client_read_manager(client, &manager);
        if (status == CTL_EXIT_OK)
                status = client_list_vms(client, &list);
        if (status != CTL_EXIT_OK)
                return status;
        if (manager.capacity == 0)
                return fail(CTL_EXIT_FAILURE, "This host has no PASIDs to offer: %s. See 'pasidctl doctor'.",
                        strempty(manager.status));

        for (size_t i = 0; i < list.n_vms; i++)
                held += list.vms[i].allocated;
        (void) sd_bus_get_property_trivial(client->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                PASIDD_MANAGER_INTERFACE, "OvercommitRatio", NULL, 'd', &ratio);

        printf("# PASIDs of this host, by pasidctl export --format=nova-provider\n"
               "meta:\n"
               "  schema_version: '1.0'\n"
               "providers:\n"
               "  - identification:\n"
               "      uuid: $COMPUTE_NODE\n"
               "    inventories:\n"
               "      additional:\n"
               "        - CUSTOM_PASID:\n"
               "            total: %" PRIu32 "\n"
               "            reserved: %" PRIu64 "\n"
               "            min_unit: 1\n"
               "            max_unit: %" PRIu32 "\n"
               "            step_size: 1\n"
               "            allocation_ratio: %.3f\n",
                manager.capacity, manager.allocated > held ? manager.allocated - held : 0, manager.capacity,
                ratio);
        return CTL_EXIT_OK;
}

CtlExitStatus verb_export(const Options *options, int argc, char **argv) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        if (options->nova_provider && options->given & OPTION_JSON)
                return fail(
                        CTL_EXIT_USAGE, "--json= cannot be used with --format=nova-provider, which is YAML.");
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        return options->nova_provider ? export_nova(&client) : export_overrides(&client, options);
}
