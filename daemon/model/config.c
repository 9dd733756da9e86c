/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "quota.h"

/* config-load.c has the files, config-parse.c the lines, config-keys.c the keys. */

/* A VM normally starts within seconds of its reservation. */
#define RESERVATION_TIMEOUT_SEC_DEFAULT UINT32_C(180)

static const char *const admissions[_ADMISSION_MAX] = {
        [ADMISSION_OFF] = "off",
        [ADMISSION_WARN] = "warn",
        [ADMISSION_ENFORCE] = "enforce",
};

static const char *const foreign_changes[_FOREIGN_CHANGE_MAX] = {
        [FOREIGN_CHANGE_REVERT] = "revert",
        [FOREIGN_CHANGE_ADOPT] = "adopt",
        [FOREIGN_CHANGE_REPORT] = "report",
};

static const char *const hooks_without_daemon[_HOOK_WITHOUT_DAEMON_MAX] = {
        [HOOK_WITHOUT_DAEMON_ALLOW] = "allow",
        [HOOK_WITHOUT_DAEMON_DENY] = "deny",
};

static int table_lookup(const char *const *table, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (streq(table[i], s))
                        return (int) i;

        return -EINVAL;
}

const char *foreign_change_to_string(ForeignChange f) {
        return f >= 0 && f < _FOREIGN_CHANGE_MAX ? foreign_changes[f] : NULL;
}

ForeignChange foreign_change_from_string(const char *s) {
        return (ForeignChange) table_lookup(foreign_changes, ELEMENTSOF(foreign_changes), s);
}

const char *hook_without_daemon_to_string(HookWithoutDaemon h) {
        return h >= 0 && h < _HOOK_WITHOUT_DAEMON_MAX ? hooks_without_daemon[h] : NULL;
}

HookWithoutDaemon hook_without_daemon_from_string(const char *s) {
        return (HookWithoutDaemon) table_lookup(hooks_without_daemon, ELEMENTSOF(hooks_without_daemon), s);
}

const char *admission_to_string(Admission a) {
        return a >= 0 && a < _ADMISSION_MAX ? admissions[a] : NULL;
}

Admission admission_from_string(const char *s) {
        return (Admission) table_lookup(admissions, ELEMENTSOF(admissions), s);
}

char **strv_free(char **l) {
        for (char **s = l; s && *s; s++)
                free(*s);
        free(l);
        return NULL;
}

static void rule_done(ConfigRule *rule) {
        free(rule->name);
        free(rule->file);
        free(rule->match_name);
        free(rule->match_uuid);
        free(rule->match_slice);
        for (size_t i = 0; i < rule->n_matches; i++) {
                free(rule->matches[i].key);
                free(rule->matches[i].glob);
        }
        free(rule->matches);
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_rules; i++)
                rule_done(&c->rules[i]);
        free(c->rules);
        for (size_t i = 0; i < c->n_slice_sections; i++) {
                free(c->slice_sections[i].name);
                free(c->slice_sections[i].file);
        }
        free(c->slice_sections);
        strv_free(c->slices);
        free(c);
        return NULL;
}

const ConfigSlice *config_find_slice(const Config *c, const char *slice) {
        for (size_t i = 0; i < c->n_slice_sections; i++)
                if (streq(c->slice_sections[i].name, slice))
                        return &c->slice_sections[i];

        return NULL;
}

Config *config_new(void) {
        _cleanup_(config_freep) Config *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;

        c->default_quota = QUOTA_DEFAULT;
        c->overcommit_ratio = RATIO_ONE;
        c->reservation_timeout_sec = RESERVATION_TIMEOUT_SEC_DEFAULT;

        c->slices = calloc(2, sizeof(*c->slices));
        if (!c->slices)
                return NULL;

        c->slices[0] = strdup("machine.slice");
        if (!c->slices[0])
                return NULL;

        return TAKE_PTR(c);
}
