/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "metadata.h"

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
        const Metadata *domain; /* for rules to match on; may be NULL */
        uint32_t default_quota; /* the one in force, DefaultQuota= unless overridden */
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

/* What became of one source's word about the quota, or about the watermark. */
typedef enum PolicyVerdict {
        POLICY_UNSET,     /* it has none */
        POLICY_NO_MATCH,  /* its rule is about other VMs */
        POLICY_OUTRANKED, /* one before it has won */
        POLICY_WINS,
        _POLICY_VERDICT_MAX,
} PolicyVerdict;

/* "unset", "no-match", … as on the bus. */
const char *policy_verdict_to_string(PolicyVerdict verdict);

/* The first condition of a rule that a VM does not meet. Strings belong to rule and input. */
typedef struct PolicyMismatch {
        const char *option;  /* "MatchName" */
        const char *key;     /* of metadata, or NULL */
        const char *pattern; /* what it should be */
        const char *value;   /* what it is; NULL where the VM has none */
} PolicyMismatch;

typedef struct PolicyCandidate {
        QuotaSource source;
        const ConfigRule *rule;
        PolicyVerdict quota_verdict, watermark_verdict;
        uint32_t quota, watermark; /* 0 where unset; percentages are of the quota that wins */
        PolicyMismatch mismatch;   /* with POLICY_NO_MATCH */
} PolicyCandidate;

/*
 * The same, and every source in order with what became of it. *ret has
 * policy_count_candidates() of them, for the caller to free. -ENOMEM.
 */
size_t policy_count_candidates(const Config *config);
int policy_explain(
        const Config *config, const PolicyInput *input, PolicyResult *ret_result, PolicyCandidate **ret);

/* Does every Match…= of the rule hold for this VM? If not, *ret_mismatch (may be NULL) says which does not. */
bool policy_rule_matches(const ConfigRule *rule, const PolicyInput *input, PolicyMismatch *ret_mismatch);
