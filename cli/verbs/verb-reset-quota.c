/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "quota.h"
#include "slice-info.h"
#include "verbs.h"

/* Gets the previous limit of the slice, for the message. */
static CtlExitStatus read_limit(const Client *client, const char *slice, uint32_t *ret) {
        _cleanup_(rows_clear) Rows rows = { .table = &slice_table };
        const SliceInfo *slices;
        CtlExitStatus status;

        status = client_call_rows(client, "ListSlices", &rows);
        if (status != CTL_EXIT_OK)
                return status;

        slices = rows.rows;
        *ret = LIMIT_NONE;
        for (size_t i = 0; i < rows.n_rows; i++)
                if (streq(slices[i].slice, slice))
                        *ret = slices[i].limit;
        return CTL_EXIT_OK;
}

static CtlExitStatus reset_slice(const Options *options) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(client_close) Client client = {};
        QuotaChange change = { .slice = options->slice, .dry_run = options->dry_run };
        CtlExitStatus status;

        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = read_limit(&client, options->slice, &change.previous);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&client, NULL, "ResetSliceQuota", &reply, "s", options->slice);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.quota, &change.source);
        if (status != CTL_EXIT_OK)
                return status;
        return quota_change_print(&change, options->json);
}

CtlExitStatus verb_reset_quota(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(vm_target_clear) VmTarget target = {};
        QuotaChange change = { .dry_run = options->dry_run };
        CtlExitStatus status;

        status = check_target(options, argc, argv, 1);
        if (status != CTL_EXIT_OK)
                return status;
        if (options->slice)
                return reset_slice(options);

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
