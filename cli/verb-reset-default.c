/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "change.h"
#include "client.h"

CtlExitStatus verb_reset_default(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;
        int r;

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_manager(bus, &manager);
        if (status != CTL_EXIT_OK)
                return status;

        status = client_new_call(
                bus, options, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "ResetDefaultQuota", &m);
        if (status != CTL_EXIT_OK)
                return status;
        r = client_append_options(m, options);
        if (r < 0)
                return client_fail_message(r);
        status = client_call(bus, m, &reply);
        if (status != CTL_EXIT_OK)
                return status;

        r = sd_bus_message_read(reply, "us", &change.quota, &change.source);
        if (r < 0)
                return client_fail_message(r);

        change.previous = manager.default_quota;
        return quota_change_print(&change, options->json);
}
