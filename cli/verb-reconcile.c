/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "table.h"
#include "verbs.h"

typedef struct Repair {
        char *kind;
        char *id;
        char *name;
        char *what;
        char *before;
        char *after;
} Repair;

#define REPAIR_FIELD(key, column, label, member)                                                             \
        { key, key, column, label, INFO_STRING, offsetof(Repair, member) }

static const InfoField repair_fields[] = {
        REPAIR_FIELD("kind", "KIND", "Kind", kind),
        REPAIR_FIELD("id", "ID", "Id", id),
        REPAIR_FIELD("name", "NAME", "Name", name),
        REPAIR_FIELD("what", "WHAT", "What", what),
        REPAIR_FIELD("before", "BEFORE", "Before", before),
        REPAIR_FIELD("after", "AFTER", "After", after),
};

static const InfoTable repair_table = {
        .fields = repair_fields,
        .n_fields = ELEMENTSOF(repair_fields),
        .size = sizeof(Repair),
        .columns = "KIND,NAME,WHAT,BEFORE,AFTER",
};

CtlExitStatus verb_reconcile(const Options *options, int argc, char **argv) {
        _cleanup_(rows_clear) Rows repairs = { .table = &repair_table };
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        CtlExitStatus status;

        status = columns_from_options(&repair_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        /* One that starts now reconciles anyway. */
        status = client_open_running(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_call_rows(&client, "Reconcile", &repairs);
        if (status != CTL_EXIT_OK)
                return status;

        if (repairs.n_rows == 0 && options->json == JSON_OFF) {
                if (!options->no_legend)
                        printf("All is as it should be.\n");
                return CTL_EXIT_OK;
        }
        return table_show(&repairs, &columns, options);
}
