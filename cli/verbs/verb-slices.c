/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "slice-info.h"
#include "table.h"
#include "verbs.h"

CtlExitStatus verb_slices(const Options *options, int argc, char **argv) {
        _cleanup_(rows_clear) Rows slices = { .table = &slice_table };
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        CtlExitStatus status;

        status = columns_from_options(&slice_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_call_rows(&client, "ListSlices", &slices);
        if (status != CTL_EXIT_OK)
                return status;
        return table_show(&slices, &columns, options);
}
