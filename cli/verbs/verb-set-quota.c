/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"
#include "client.h"
#include "quota.h"
#include "slice-info.h"
#include "verbs.h"

/* The daemon also stores the limit of a slice that does not exist yet. Warn, because the name can be
 * misspelt. */
static CtlExitStatus warn_not_in_force(const Client *client, const char *name) {
        _cleanup_(rows_clear) Rows rows = { .table = &slice_table };
        _cleanup_free_ char *escaped = text_escape(name), *why = NULL;
        CtlExitStatus status;

        status = client_call_rows(client, "ListSlices", &rows);
        if (status != CTL_EXIT_OK)
                return status;
        for (size_t i = 0; i < rows.n_rows; i++) {
                const SliceInfo *slice = (const SliceInfo *) rows.rows + i;

                if (!streq_ptr(slice->slice, name) || slice->in_force)
                        continue;
                why = text_escape(isempty(slice->error) ? "the slice does not exist" : slice->error);
                if (!escaped || !why)
                        return fail_oom();
                fflush(stdout);
                fprintf(stderr, "%s: the limit is not in force: %s\n", escaped, why);
        }
        return CTL_EXIT_OK;
}

static CtlExitStatus set_slice(const Options *options, uint32_t quota) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(client_close) Client client = {};
        QuotaChange change = { .slice = options->slice, .quota = quota, .dry_run = options->dry_run };
        CtlExitStatus status;

        if (options->given & OPTION_WATERMARK)
                return fail(CTL_EXIT_USAGE, "--watermark cannot be used with --slice=.");
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_change(&client, NULL, "SetSliceQuota", &reply, "su", options->slice, quota);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "us", &change.previous, &change.source);
        if (status != CTL_EXIT_OK)
                return status;
        status = quota_change_print(&change, options->json);
        return status != CTL_EXIT_OK || options->dry_run ? status
                                                         : warn_not_in_force(&client, options->slice);
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
