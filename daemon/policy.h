/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/*
 * Which quota does a VM get, and why? Pure: no I/O, no state.
 */

typedef enum QuotaSource {
        QUOTA_SOURCE_RUNTIME,    /* override kept in /run */
        QUOTA_SOURCE_PERSISTENT, /* override kept in /var/lib/pasidd */
        QUOTA_SOURCE_METADATA,   /* the libvirt domain's own <pasid:quota> */
        QUOTA_SOURCE_RULE,       /* a [Rule] of the configuration */
        QUOTA_SOURCE_DEFAULT,
        _QUOTA_SOURCE_MAX,
} QuotaSource;

/* "runtime", "persistent", … as on the bus. */
const char *quota_source_to_string(QuotaSource source);

/* A quota and, where given, a watermark, as an override or the metadata sets them. */
typedef struct QuotaSetting {
        uint32_t quota;
        uint32_t watermark;
        bool quota_set;
        bool watermark_set;
} QuotaSetting;

/* What is known of a VM when its quota is decided. Strings may be NULL. */
typedef struct PolicyInput {
        const char *uuid; /* canonical lower-case form, or NULL for a VM without one */
        const char *name;
        const char *slice; /* "machine.slice" */
        QuotaSetting runtime;
        QuotaSetting persistent;
        QuotaSetting metadata;
        uint32_t default_quota; /* the one in force, DefaultQuota= unless overridden */
        uint32_t default_watermark;
} PolicyInput;

typedef struct PolicyResult {
        uint32_t quota;
        uint32_t watermark;
        QuotaSource source; /* of the quota; the watermark comes from the first source that sets one */
        const ConfigRule *
                rule; /* the rule that won when source is QUOTA_SOURCE_RULE, else NULL; belongs to the Config */
} PolicyResult;

/* First match wins: runtime, persistent, metadata, rules in file order, default. Never fails. */
void policy_resolve(const Config *config, const PolicyInput *input, PolicyResult *ret);

/* Does every Match…= of the rule hold for this VM? */
bool policy_rule_matches(const ConfigRule *rule, const PolicyInput *input);
