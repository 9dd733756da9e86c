/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "verbs.h"

CtlExitStatus verb_reset_quota(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(vm_target_clear) VmTarget target = {};
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;

        status = client_open_vm(options, argv[1], &target);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&target.client, target.path, "ResetQuota", &reply, NULL);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.quota, &change.source);
        if (status != CTL_EXIT_OK)
                return status;

        change.vm = &target.vm;
        change.previous = target.vm.quota;
        return quota_change_print(&change, options->json);
}
