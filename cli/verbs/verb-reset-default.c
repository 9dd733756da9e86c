/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "verbs.h"

CtlExitStatus verb_reset_default(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(client_close) Client client = {};
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;

        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_manager(&client, &manager);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&client, NULL, "ResetDefaultQuota", &reply, NULL);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.quota, &change.source);
        if (status != CTL_EXIT_OK)
                return status;

        change.previous = manager.default_quota;
        return quota_change_print(&change, options->json);
}
