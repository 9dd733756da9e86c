/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager that explain and apply the policy. */

#include "bus-names.h"
#include "bus-options.h"
#include "origin.h"
#include "polkit.h"
#include "reconcile-bus.h"
#include "slice-bus.h"
#include "vm-path.h"
#include "vm-policy.h"

static int describe_mismatch(const PolicyMismatch *mismatch, char **ret) {
        const char *key = strempty(mismatch->key), *separator = mismatch->key ? "=" : "";
        int r;

        if (!mismatch->value)
                r = asprintf(ret, "%s=%s%s%s does not match: the VM has none", strempty(mismatch->option),
                        key, separator, strempty(mismatch->pattern));
        else
                r = asprintf(ret, "%s=%s%s%s does not match \"%s\"", mismatch->option, key, separator,
                        mismatch->pattern, mismatch->value);

        return r < 0 ? -ENOMEM : 0;
}

static const char *describe_verdicts(const PolicyCandidate *c) {
        PolicyVerdict quota = c->quota_verdict, watermark = c->watermark_verdict;

        if (quota == POLICY_WINS)
                return watermark == POLICY_WINS ? "The first to set quota and watermark"
                                                : "The first to set a quota";
        if (watermark == POLICY_WINS)
                return "The first to set a watermark";
        if (quota == POLICY_OUTRANKED || watermark == POLICY_OUTRANKED)
                return "An earlier source takes precedence";

        return "Sets nothing";
}

static int describe(const PolicyCandidate *c, char **ret) {
        if (c->quota_verdict == POLICY_NO_MATCH || c->watermark_verdict == POLICY_NO_MATCH)
                return describe_mismatch(&c->mismatch, ret);

        *ret = strdup(describe_verdicts(c));
        return *ret ? 0 : -ENOMEM;
}

static int append_candidate(sd_bus_message *reply, const VM *vm, const PolicyCandidate *c) {
        _cleanup_free_ char *origin = NULL, *reason = NULL;
        const PolicyResult as_result = { .source = c->source, .rule = c->rule };
        int r;

        if (!c->rule)
                r = vm_policy_origin(vm, &as_result, &origin);
        else if (asprintf(&origin, "%s:%u", c->rule->file, c->rule->line) >= 0)
                r = 0;
        else {
                origin = NULL;
                r = -ENOMEM;
        }
        if (r >= 0)
                r = describe(c, &reason);
        if (r < 0)
                return r;

        return sd_bus_message_append(reply, "(ssssusus)", quota_source_to_string(c->source),
                c->rule ? c->rule->name : "", origin, policy_verdict_to_string(c->quota_verdict), c->quota,
                policy_verdict_to_string(c->watermark_verdict), c->watermark, reason);
}

static int append_candidates(sd_bus_message *reply, const VM *vm) {
        _cleanup_free_ PolicyCandidate *candidates = NULL;
        PolicyResult result;
        size_t n;
        int r;

        r = vm_explain(vm, &result, &candidates, &n);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssusus)");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_candidate(reply, vm, &candidates[i]);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(reply);
}

static int method_explain(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Api *api = userdata;
        char path[VM_PATH_SIZE];
        const char *what;
        VM *vm = NULL;
        int r;

        r = sd_bus_message_read(message, "s", &what);
        if (r >= 0)
                r = bus_find_vm(api, what, &vm, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", vm_path(vm, path));
        if (r >= 0)
                r = append_candidates(reply, vm);
        if (r >= 0)
                r = slice_bus_append_limits(api, reply, vm);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

static int reconcile(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        return reconcile_bus_call(api, message);
}

static int method_reconcile(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return polkit_authorize(userdata, message, PASIDD_ACTION_RECONCILE, NULL, reconcile, error);
}

static const sd_bus_vtable policy_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", vm),
                SD_BUS_RESULT("o", path, "a(ssssusus)", candidates, "a(sssutub)", limits), method_explain,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reconcile", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssss)", changes),
                method_reconcile, SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int policy_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, policy_vtable, api);
}
