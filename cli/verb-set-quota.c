/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "change.h"
#include "client.h"

CtlExitStatus verb_set_quota(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(vm_info_clear) VmInfo vm = {};
        _cleanup_free_ char *path = NULL;
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;
        int r;

        status = parse_quota_argument("Quota", argv[2], true, &change.quota);
        if (status != CTL_EXIT_OK)
                return status;

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_find_vm(bus, argv[1], &path);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_vm(bus, path, &vm);
        if (status != CTL_EXIT_OK)
                return status;

        status = client_new_call(bus, options, path, PASIDD_VM_INTERFACE, "SetQuota", &m);
        if (status != CTL_EXIT_OK)
                return status;
        r = sd_bus_message_append(m, "u", change.quota);
        if (r >= 0)
                r = client_append_options(m, options);
        if (r < 0)
                return client_fail_message(r);
        status = client_call(bus, m, &reply);
        if (status != CTL_EXIT_OK)
                return status;

        r = sd_bus_message_read(reply, "us", &change.previous, &change.source);
        if (r < 0)
                return client_fail_message(r);

        change.name = strempty(vm.name);
        change.uuid = strempty(vm.uuid);
        return quota_change_print(&change, options->json);
}
