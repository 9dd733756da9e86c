/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "verbs.h"

CtlExitStatus verb_set_quota(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(vm_target_clear) VmTarget target = {};
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;

        status = parse_quota_argument("Quota", argv[2], true, &change.quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open_vm(options, argv[1], &target);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&target.client, target.path, "SetQuota", &reply, "u", change.quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.previous, &change.source);
        if (status != CTL_EXIT_OK)
                return status;

        change.vm = &target.vm;
        return quota_change_print(&change, options->json);
}
