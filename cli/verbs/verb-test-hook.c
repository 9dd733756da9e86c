/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "client.h"
#include "config-below.h"
#include "domain-xml.h"
#include "hook-op.h"
#include "read-input.h"
#include "table.h"
#include "viommu.h"
#include "verbs.h"

/*
 * Shows what the libvirt hook would do for a domain, without libvirt and without
 * changing anything. Reads files, and calls the daemon if it runs.
 */

typedef struct HookStep {
        char *operation;
        char *sub_operation;
        char *action;
        char *may_fail;
        char *outcome;
} HookStep;

#define STEP_FIELD(key, column, label, member)                                                               \
        { NULL, key, column, label, INFO_STRING, offsetof(HookStep, member) }

static const InfoField step_fields[] = {
        STEP_FIELD("operation", "OPERATION", "Operation", operation),
        STEP_FIELD("sub_operation", "SUBOPERATION", "Suboperation", sub_operation),
        STEP_FIELD("action", "ACTION", "Action", action),
        STEP_FIELD("may_fail", "MAYFAIL", "May Fail", may_fail),
        STEP_FIELD("outcome", "OUTCOME", "Outcome", outcome),
};

static const InfoTable step_table = {
        .fields = step_fields,
        .n_fields = ELEMENTSOF(step_fields),
        .size = sizeof(HookStep),
};

/* All operations for which libvirt calls the hook, in the order of a domain's life. */
static const struct {
        const char *operation, *sub_operation;
} operations[] = {
        { "prepare", "begin" },
        { "start", "begin" },
        { "started", "begin" },
        { "reconnect", "begin" },
        { "migrate", "begin" },
        { "restore", "begin" },
        { "stopped", "end" },
        { "release", "end" },
};

typedef struct Simulation {
        DomainXml domain;
        char *error; /* in the domain's XML */
        bool deny_without_daemon;
        char *quota;  /* the quota it would get, as text */
        char *viommu; /* message about its vIOMMU, or NULL */
        bool running;
        HookStep steps[ELEMENTSOF(operations)];
} Simulation;

static void simulation_clear(Simulation *simulation) {
        for (size_t i = 0; i < ELEMENTSOF(simulation->steps); i++)
                info_clear(&step_table, simulation->steps + i);
        domain_xml_clear(&simulation->domain);
        free(simulation->error);
        free(simulation->quota);
        free(simulation->viommu);
}

/* If the daemon has an override for the domain: it takes precedence over the metadata. */
static const VmInfo *find_vm(const VmList *list, const char *uuid) {
        for (size_t i = 0; i < list->n_vms; i++)
                if (streq_ptr(list->vms[i].uuid, uuid))
                        return list->vms + i;
        return NULL;
}

static int print_quota(Simulation *simulation, const VmInfo *vm, const ManagerInfo *manager) {
        const DomainXml *domain = &simulation->domain;
        int r;

        if (vm && (streq_ptr(vm->quota_source, "runtime") || streq_ptr(vm->quota_source, "persistent")))
                r = asprintf(
                        &simulation->quota, "quota %" PRIu32 " (%s override)", vm->quota, vm->quota_source);
        else if (domain->quota_set)
                r = asprintf(&simulation->quota, "quota %" PRIu32 " (its metadata), unless overridden",
                        domain->quota);
        else if (vm)
                r = asprintf(
                        &simulation->quota, "quota %" PRIu32 " (%s)", vm->quota, strempty(vm->quota_source));
        else if (manager)
                r = asprintf(&simulation->quota,
                        "quota %" PRIu32 " (default), unless overridden or a rule fits",
                        manager->default_quota);
        else
                r = asprintf(&simulation->quota, "the quota of a rule or the default");
        if (r < 0) {
                simulation->quota = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* Only if the quota is known. */
static int describe_viommu(Simulation *simulation, const VmInfo *vm) {
        const DomainXml *domain = &simulation->domain;
        bool overridden =
                vm && (streq_ptr(vm->quota_source, "runtime") || streq_ptr(vm->quota_source, "persistent"));
        uint32_t quota;

        if (domain->quota_set && !overridden)
                quota = domain->quota;
        else if (vm)
                quota = vm->quota;
        else
                return 0; /* the default or a rule */

        return viommu_describe(viommu_pasids(&domain->metadata), quota, &simulation->viommu);
}

static CtlExitStatus describe(Simulation *simulation, const VmInfo *vm, const ManagerInfo *manager) {
        return print_quota(simulation, vm, manager) < 0 || describe_viommu(simulation, vm) < 0 ? fail_oom()
                                                                                               : CTL_EXIT_OK;
}

/* Does not start the daemon; without it the result has fewer details. */
static CtlExitStatus ask_daemon(const Options *options, Simulation *simulation) {
        _cleanup_(manager_info_clear) ManagerInfo manager = {};
        _cleanup_(client_close) Client client = {};
        _cleanup_(vm_list_clear) VmList list = {};
        CtlExitStatus status;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        simulation->running = client_is_running(&client);
        if (!simulation->running)
                return describe(simulation, NULL, NULL);

        status = client_list_vms(&client, &list);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_manager(&client, &manager);
        if (status != CTL_EXIT_OK)
                return status;
        return describe(simulation, find_vm(&list, simulation->domain.uuid), &manager);
}

/* The outcome of an operation that reserves. */
static char *reserve_outcome(const Simulation *simulation) {
        char *text;
        int r;

        if (simulation->error)
                r = asprintf(&text, "fails the start: the XML %s", simulation->error);
        else if (!simulation->running)
                r = asprintf(&text, "%s if pasidd cannot be started (HookWithoutDaemon=%s), else %s",
                        simulation->deny_without_daemon ? "fails the start"
                                                        : "starts with the kernel's default",
                        simulation->deny_without_daemon ? "deny" : "allow", simulation->quota);
        else
                r = asprintf(&text, "%s", simulation->quota);
        return r < 0 ? NULL : text;
}

static char *confirm_outcome(const Simulation *simulation) {
        const char *checked =
                simulation->running ? "logged if the quota is not in force" : "logged: not checked";
        char *text;

        if (!simulation->viommu)
                return strdup(checked);

        return asprintf(&text, "%s; pasidd logs: %s", checked, simulation->viommu) < 0 ? NULL : text;
}

static char *step_outcome(const Simulation *simulation, HookAction action) {
        if (action == HOOK_RESERVE)
                return reserve_outcome(simulation);
        if (action == HOOK_NOTHING)
                return strdup("");
        if (simulation->error)
                return strdup("logged: the XML is invalid");
        switch (action) {
        case HOOK_CONFIRM:
                return confirm_outcome(simulation);
        case HOOK_RECONNECT:
                return strdup(simulation->quota);
        default:
                return strdup("the reservation ends");
        }
}

static int make_steps(Simulation *simulation) {
        static const char *const actions[_HOOK_ACTION_MAX] = {
                [HOOK_NOTHING] = "nothing",
                [HOOK_RESERVE] = "reserve",
                [HOOK_CONFIRM] = "confirm",
                [HOOK_RECONNECT] = "tell",
                [HOOK_RELEASE] = "release",
        };

        for (size_t i = 0; i < ELEMENTSOF(operations); i++) {
                HookAction action = hook_action(operations[i].operation, operations[i].sub_operation);
                HookStep *step = simulation->steps + i;

                step->operation = strdup(operations[i].operation);
                step->sub_operation = strdup(operations[i].sub_operation);
                step->action = strdup(actions[action]);
                step->may_fail = strdup(hook_action_may_fail(action) ? "yes" : "no");
                step->outcome = step_outcome(simulation, action);
                if (!step->operation || !step->sub_operation || !step->action || !step->may_fail ||
                        !step->outcome)
                        return -ENOMEM;
        }
        return 0;
}

static void print_iommufd(const Simulation *simulation) {
        uint32_t pasids = viommu_pasids(&simulation->domain.metadata);

        printf("Its host devices are attached %s.\n", viommu_uses_iommufd(&simulation->domain.metadata)
                                                              ? "through iommufd"
                                                              : "without iommufd, as far as its XML says");
        if (simulation->viommu)
                printf("Note: %s.\n", simulation->viommu);
        else if (pasids > 0)
                printf("Its vIOMMU offers %" PRIu32 " PASIDs.\n", pasids);
}

static CtlExitStatus print_domain(const Simulation *simulation) {
        const DomainXml *domain = &simulation->domain;
        _cleanup_free_ char *name = text_escape(strempty(domain->name));

        if (!name)
                return fail_oom();
        printf("Domain %s, %s", name, domain->uuid);
        if (domain->quota_set)
                printf(", asks for a quota of %" PRIu32, domain->quota);
        if (domain->watermark_set)
                printf(", asks for a watermark of %" PRIu32, domain->watermark);
        printf(".\npasidd %s.\n", simulation->running ? "runs" : "does not run");
        print_iommufd(simulation);
        putchar('\n');
        return CTL_EXIT_OK;
}

CtlExitStatus verb_test_hook(const Options *options, int argc, char **argv) {
        _cleanup_(simulation_clear) Simulation simulation = {};
        _cleanup_(columns_clear) Columns columns = {};
        _cleanup_free_ char *xml = NULL, *error = NULL;
        CtlExitStatus status;
        size_t size = 0;
        int r;

        status = columns_from_options(&step_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = read_input(
                argv[1], DOMAIN_XML_SIZE_MAX, "'virsh dumpxml DOMAIN' makes such a file.", &xml, &size);
        if (status != CTL_EXIT_OK)
                return status;

        r = domain_xml_parse(xml, size, &simulation.domain, &simulation.error);
        if (r < 0 && r != -EBADMSG)
                return fail_oom();
        r = config_below_denies(strempty(options->root));
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot read the configuration: %s.", strerror(-r));
        simulation.deny_without_daemon = r > 0;
        if (!simulation.error) {
                status = ask_daemon(options, &simulation);
                if (status != CTL_EXIT_OK)
                        return status;
        }
        if (make_steps(&simulation) < 0)
                return fail_oom();

        if (options->json == JSON_OFF && !options->no_legend && !simulation.error) {
                status = print_domain(&simulation);
                if (status != CTL_EXIT_OK)
                        return status;
        }
        status = table_show(
                &(Rows) { &step_table, simulation.steps, ELEMENTSOF(simulation.steps) }, &columns, options);
        if (status != CTL_EXIT_OK)
                return status;
        if (!simulation.error)
                return CTL_EXIT_OK;
        error = text_escape(simulation.error);
        return !error ? fail_oom()
                      : fail(CTL_EXIT_FAILURE, "%s: The domain's XML %s. libvirt would not start it.",
                                argv[1], error);
}
