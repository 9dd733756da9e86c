/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "client.h"
#include "config-file.h"
#include "libvirt-dbus.h"
#include "libvirt-unit.h"
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

static int add_repair(Rows *repairs, const VmInfo *vm, uint32_t quota) {
        Repair repair = { .kind = strdup("vm"),
                .id = strdup(vm->uuid),
                .name = strdup(vm->name),
                .what = strdup("quota") };
        void *grown;

        if (asprintf(&repair.before, "%" PRIu32, vm->quota) < 0)
                repair.before = NULL;
        if (asprintf(&repair.after, "%" PRIu32, quota) < 0)
                repair.after = NULL;
        grown = reallocarray(repairs->rows, repairs->n_rows + 1, sizeof(repair));
        if (grown)
                repairs->rows = grown;
        if (!grown || !repair.kind || !repair.id || !repair.name || !repair.what || !repair.before ||
                !repair.after) {
                info_clear(&repair_table, &repair);
                return -ENOMEM;
        }

        ((Repair *) repairs->rows)[repairs->n_rows++] = repair;
        return 0;
}

/* Has its quota changed? */
static int note_update(Rows *repairs, const VmList *before, const LibvirtUpdate *update) {
        for (size_t i = 0; i < before->n_vms; i++)
                if (streq(before->vms[i].uuid, update->uuid) && before->vms[i].quota != update->quota)
                        return add_repair(repairs, before->vms + i, update->quota);

        return 0;
}

/*
 * A domain's XML can have changed since the hook reported it. Without libvirt-dbus,
 * or without permission to call it, the change takes effect at the next start.
 */
static CtlExitStatus read_domains(const Client *client, Rows *repairs) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(vm_list_clear) VmList before = {};
        _cleanup_(strv_freep) char **paths = NULL;
        CtlExitStatus status;
        int r;

        /* The call would start libvirt. Domains that run meanwhile are read when libvirt is started. */
        if (!libvirt_is_running(client->bus))
                return CTL_EXIT_OK;

        r = libvirt_dbus_list(client->bus, &paths, &error);
        if (r == -ENOMEM)
                return fail_oom();
        if (r < 0)
                return CTL_EXIT_OK;

        status = client_list_vms(client, &before);
        for (char **path = paths; status == CTL_EXIT_OK && *path; path++) {
                _cleanup_(sd_bus_error_free) sd_bus_error why = SD_BUS_ERROR_NULL;
                _cleanup_(libvirt_update_clear) LibvirtUpdate update = {};

                r = libvirt_dbus_update(client->bus, *path, &update, &why);
                if (r < 0) {
                        _cleanup_free_ char *text =
                                text_escape(!isempty(why.message) ? why.message : strerror(-r));

                        (void) fail(CTL_EXIT_FAILURE, "Skipped the metadata of a domain: %s", strempty(text));
                        continue;
                }
                if (r > 0 && note_update(repairs, &before, &update) < 0)
                        return fail_oom();
        }

        return status;
}

/* Prepends the earlier findings. */
static int prepend(Rows *repairs, Rows *found) {
        Repair *joined;

        if (found->n_rows == 0)
                return 0;

        joined = reallocarray(found->rows, found->n_rows + repairs->n_rows, sizeof(Repair));
        if (!joined)
                return -ENOMEM;
        if (repairs->n_rows > 0)
                memcpy(joined + found->n_rows, repairs->rows, repairs->n_rows * sizeof(Repair));
        free(repairs->rows);
        repairs->rows = joined;
        repairs->n_rows += found->n_rows;
        found->rows = NULL;
        found->n_rows = 0;
        return 0;
}

CtlExitStatus verb_reconcile(const Options *options, int argc, char **argv) {
        _cleanup_(rows_clear) Rows repairs = { .table = &repair_table }, updates = { .table = &repair_table };
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        CtlExitStatus status;

        status = columns_from_options(&repair_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        /* A daemon that starts now reconciles anyway. */
        status = client_open_running(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = read_domains(&client, &updates);
        if (status == CTL_EXIT_OK)
                status = client_call_rows(&client, "Reconcile", &repairs);
        if (status != CTL_EXIT_OK)
                return status;
        if (prepend(&repairs, &updates) < 0)
                return fail_oom();

        if (repairs.n_rows == 0 && options->json == JSON_OFF) {
                if (!options->no_legend)
                        printf("No differences found.\n");
                return CTL_EXIT_OK;
        }
        return table_show(&repairs, &columns, options);
}
