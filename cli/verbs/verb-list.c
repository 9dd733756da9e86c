/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "table.h"
#include "terminal.h"
#include "verbs.h"

static const char attached_columns[] = "NAME,UUID,STATE,QUOTA,SOURCE,ALLOCATED,ATTACHED,PEAK,DENIED";

/* The column ATTACHED is shown by default only if a VM has PASIDs attached. */
static CtlExitStatus choose_columns(const VmList *list, const Options *options, Columns *ret) {
        InfoTable table = vm_table;

        if (vm_list_has_attached(list))
                table.columns = attached_columns;

        return columns_from_options(&table, options, ret);
}

static CtlExitStatus print_summary(const VmList *list, bool colors) {
        _cleanup_free_ char *warnings = vm_list_warnings(list);

        if (!warnings)
                return fail_oom();

        if (list->n_vms == 0)
                printf("No virtual machines.\n");
        else
                printf("\n%zu virtual machine%s.\n", list->n_vms, list->n_vms == 1 ? "" : "s");
        if (*warnings)
                printf("%s%s%s", color(colors, COLOR_BOLD), warnings, color(colors, COLOR_OFF));
        return CTL_EXIT_OK;
}

CtlExitStatus verb_list(const Options *options, int argc, char **argv) {
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        _cleanup_(vm_list_clear) VmList list = {};
        CtlExitStatus status;

        /* Report an invalid -o before any call. */
        status = choose_columns(&list, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        columns_clear(&columns);
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_list_vms(&client, &list);
        if (status != CTL_EXIT_OK)
                return status;

        status = choose_columns(&list, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = table_show(&(Rows) { &vm_table, list.vms, list.n_vms }, &columns, options);
        if (status != CTL_EXIT_OK || options->json != JSON_OFF || options->no_legend)
                return status;
        return print_summary(&list, options->colors);
}
