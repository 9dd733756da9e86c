/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "table.h"
#include "verbs.h"

CtlExitStatus verb_status(const Options *options, int argc, char **argv) {
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        _cleanup_(vm_list_clear) VmList list = {};
        CtlExitStatus status;

        status = columns_from_options(&manager_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_manager(&client, &manager);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_list_vms(&client, &list);
        if (status != CTL_EXIT_OK)
                return status;

        manager.n_vms = list.n_vms;
        return record_show(&manager, &columns, options);
}
