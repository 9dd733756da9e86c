/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "bus-read.h"
#include "client.h"
#include "client-call.h"
#include "suggest.h"

/* No such VM: suggest a VM with a similar name. */
static CtlExitStatus fail_no_such_vm(const Client *client, const char *vm) {
        _cleanup_free_ char *escaped = text_escape(vm), *other = NULL;
        _cleanup_(vm_list_clear) VmList list = {};
        _cleanup_free_ const char **names = NULL;
        const char *meant;

        if (!escaped)
                return fail_oom();
        if (client_list_vms(client, &list) != CTL_EXIT_OK)
                return CTL_EXIT_NOT_FOUND;

        names = calloc(list.n_vms + 1, sizeof(*names));
        if (!names)
                return fail_oom();
        for (size_t i = 0; i < list.n_vms; i++)
                names[i] = list.vms[i].name;

        meant = suggest(vm, names, list.n_vms);
        if (meant) {
                other = text_escape(meant);
                if (!other)
                        return fail_oom();
                return fail(
                        CTL_EXIT_NOT_FOUND, "There is no VM \"%s\". Did you mean \"%s\"?", escaped, other);
        }
        return fail(CTL_EXIT_NOT_FOUND,
                "There is no VM \"%s\". pasidd only knows VMs that are running or reserved; see 'pasidctl list'.",
                escaped);
}

CtlExitStatus client_find_vm(const Client *client, const char *vm, char **ret_path) {
        const ClientMethod method = client_own_method(NULL, "GetVM", false);
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        const char *path;
        char *copy;
        int r;

        if (isempty(vm))
                return fail(CTL_EXIT_NOT_FOUND, "The name of the virtual machine is empty.");

        r = client_try_method(client, &method, &error, &reply, "s", vm);
        if (r < 0) {
                if (streq_ptr(error.name, PASIDD_ERROR_NO_SUCH_VM))
                        return fail_no_such_vm(client, vm);
                if (sd_bus_error_is_set(&error))
                        return client_fail(client, &error, r);
                if (r == -EINVAL)
                        return fail(CTL_EXIT_USAGE, "The name of the virtual machine is not valid UTF-8.");
                return client_fail_message(r);
        }

        status = client_read(reply, "o", &path);
        if (status != CTL_EXIT_OK)
                return status;
        copy = strdup(path);
        if (!copy)
                return fail_oom();

        *ret_path = copy;
        return CTL_EXIT_OK;
}

static CtlExitStatus read_all(
        const Client *client, const char *path, const char *interface, const InfoTable *table, void *info) {
        const ClientMethod method = { path, "org.freedesktop.DBus.Properties", "GetAll", false };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        int r;

        status = client_call_method(client, &method, &reply, "s", interface);
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_properties(reply, table, info);
        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_read_vm(const Client *client, const char *path, VmInfo *ret) {
        CtlExitStatus status;

        status = read_all(client, path, PASIDD_VM_INTERFACE, &vm_table, ret);
        if (status == CTL_EXIT_OK)
                vm_info_judge(ret);
        return status;
}

CtlExitStatus client_read_manager(const Client *client, ManagerInfo *ret) {
        return read_all(client, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, &manager_table, ret);
}

static int add_vm(const char *path, VmInfo *vm, void *userdata) {
        VmList *list = userdata;
        VmInfo *grown;

        grown = reallocarray(list->vms, list->n_vms + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        list->vms = grown;
        vm_info_judge(vm);
        list->vms[list->n_vms++] = *vm;
        *vm = (VmInfo) {};

        return 0;
}

CtlExitStatus client_list_vms(const Client *client, VmList *ret) {
        const ClientMethod method = { PASIDD_OBJECT_PATH, "org.freedesktop.DBus.ObjectManager",
                "GetManagedObjects", false };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        int r;

        status = client_call_method(client, &method, &reply, "");
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_managed_vms(reply, add_vm, ret);
        if (r < 0)
                return client_fail_message(r);

        vm_list_sort(ret);
        return CTL_EXIT_OK;
}

void vm_target_clear(VmTarget *target) {
        vm_info_clear(&target->vm);
        free(target->path);
        client_close(&target->client);
}

CtlExitStatus client_open_vm(const Options *options, const char *vm, VmTarget *ret) {
        CtlExitStatus status;

        status = client_open(options, &ret->client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_find_vm(&ret->client, vm, &ret->path);
        if (status != CTL_EXIT_OK)
                return status;
        return client_read_vm(&ret->client, ret->path, &ret->vm);
}
