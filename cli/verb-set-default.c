/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "change.h"
#include "client.h"

CtlExitStatus verb_set_default(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        QuotaChange change = {
                .dry_run = options->dry_run,
                .source = options->runtime ? "runtime" : "persistent",
        };
        CtlExitStatus status;
        int r;

        status = parse_quota_argument("Quota", argv[1], true, &change.quota);
        if (status != CTL_EXIT_OK)
                return status;

        status = client_open(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_new_call(
                bus, options, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "SetDefaultQuota", &m);
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

        r = sd_bus_message_read(reply, "u", &change.previous);
        if (r < 0)
                return client_fail_message(r);

        return quota_change_print(&change, options->json);
}
