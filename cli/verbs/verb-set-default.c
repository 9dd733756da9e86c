/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "verbs.h"

CtlExitStatus verb_set_default(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(client_close) Client client = {};
        QuotaChange change = {
                .dry_run = options->dry_run,
                .source = options->runtime ? "runtime" : "persistent",
        };
        CtlExitStatus status;

        status = parse_quota_argument("Quota", argv[1], true, &change.quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&client, NULL, "SetDefaultQuota", &reply, "u", change.quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "u", &change.previous);
        if (status != CTL_EXIT_OK)
                return status;

        return quota_change_print(&change, options->json);
}
