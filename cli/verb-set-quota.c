/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "quota.h"
#include "verbs.h"

static CtlExitStatus set_slice(const Options *options, uint32_t quota) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(client_close) Client client = {};
        QuotaChange change = { .slice = options->slice, .quota = quota, .dry_run = options->dry_run };
        CtlExitStatus status;

        if (options->given & OPTION_WATERMARK)
                return fail(CTL_EXIT_USAGE, "--watermark has no meaning for a slice.");
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&client, NULL, "SetSliceQuota", &reply, "su", options->slice, quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.previous, &change.source);
        if (status != CTL_EXIT_OK)
                return status;
        return quota_change_print(&change, options->json);
}

CtlExitStatus verb_set_quota(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(vm_target_clear) VmTarget target = {};
        QuotaChange change = {
                .dry_run = options->dry_run,
                .watermark_set = options->given & OPTION_WATERMARK,
                .watermark = options->watermark,
        };
        CtlExitStatus status;

        status = check_target(options, argc, argv, 2);
        if (status != CTL_EXIT_OK)
                return status;
        status = parse_quota_argument("Quota", argv[argc - 1], true, &change.quota);
        if (status != CTL_EXIT_OK)
                return status;
        if (options->slice)
                return set_slice(options, streq(argv[argc - 1], "max") ? LIMIT_NONE : change.quota);
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
