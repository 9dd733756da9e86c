/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "table.h"
#include "verbs.h"

/* All fields but the sets, which are in a table below. */
static const char record_columns[] =
        "NAME,UUID,STATE,QUOTA,SOURCE,ORIGIN,INFORCE,ERROR,WATERMARK,ALLOCATED,ATTACHED,USAGE,PEAK,DENIED,WARNINGS,"
        "UNIT,SLICE,CGROUP,LEADER";

/* The columns of sets if the kernel does not count attached PASIDs. */
static const char set_columns_without_attached[] = "SET,TGID,QUOTA,WATERMARK,ALLOCATED,PEAK,DENIED";

static bool has_attached(const SetList *list) {
        for (size_t i = 0; i < list->n_sets; i++)
                if (list->sets[i].attached != COUNT_NONE)
                        return true;

        return false;
}

CtlExitStatus verb_show(const Options *options, int argc, char **argv) {
        _cleanup_(columns_clear) Columns columns = {}, set_columns = {};
        _cleanup_(vm_target_clear) VmTarget target = {};
        InfoTable table = vm_table, sets_table = set_table;
        CtlExitStatus status;

        table.columns = record_columns;
        status = columns_from_options(&table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open_vm(options, argv[1], &target);
        if (status != CTL_EXIT_OK)
                return status;

        status = record_show(&target.vm, &columns, options);
        if (status != CTL_EXIT_OK || options->json != JSON_OFF || options->columns ||
                target.vm.sets.n_sets == 0)
                return status;

        putchar('\n');
        if (!has_attached(&target.vm.sets))
                sets_table.columns = set_columns_without_attached;
        status = columns_from_options(&sets_table, options, &set_columns);
        if (status != CTL_EXIT_OK)
                return status;
        return table_show(
                &(Rows) { &set_table, target.vm.sets.sets, target.vm.sets.n_sets }, &set_columns, options);
}
