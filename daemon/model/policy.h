/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "metadata.h"

/*
 * Determines which quota a VM gets, and why. Pure: no I/O, no state.
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

/* A quota and optionally a watermark, as set by an override or the metadata. */
typedef struct QuotaSetting {
        uint32_t quota;
        uint32_t watermark;
        bool quota_set;
        bool watermark_set;
} QuotaSetting;

/* The facts that a VM's quota depends on. Strings may be NULL. */
typedef struct PolicyInput {
        const char *uuid; /* canonical lower-case form, or NULL for a VM without one */
        const char *name;
        const char *slice; /* "machine.slice" */
        QuotaSetting runtime;
        QuotaSetting persistent;
        QuotaSetting metadata;
        const Metadata *domain; /* metadata for rules to match on; may be NULL */
        uint32_t default_quota; /* default in force: an override or DefaultQuota= */
} PolicyInput;

typedef struct PolicyResult {
        uint32_t quota;
        uint32_t watermark;
        QuotaSource source;     /* of the quota; the watermark comes from the first source that sets one */
        const ConfigRule *rule; /* with QUOTA_SOURCE_RULE, owned by the Config; else NULL */
} PolicyResult;

/* The first source that sets a value wins: runtime, persistent, metadata, rules in file order, default. Never fails. */
void policy_resolve(const Config *config, const PolicyInput *input, PolicyResult *ret);

/* The outcome for one source's quota or watermark. */
typedef enum PolicyVerdict {
        POLICY_UNSET,     /* the source does not set it */
        POLICY_NO_MATCH,  /* the rule does not match the VM */
        POLICY_OUTRANKED, /* an earlier source wins */
        POLICY_WINS,
        _POLICY_VERDICT_MAX,
} PolicyVerdict;

/* "unset", "no-match", … as on the bus. */
const char *policy_verdict_to_string(PolicyVerdict verdict);

/* The first condition of a rule that a VM does not meet. Strings are owned by rule and input. */
typedef struct PolicyMismatch {
        const char *option;  /* "MatchName" */
        const char *key;     /* of metadata, or NULL */
        const char *pattern; /* what the rule asks for */
        const char *value;   /* what the VM has; NULL: nothing */
} PolicyMismatch;

typedef struct PolicyCandidate {
        QuotaSource source;
        const ConfigRule *rule;
        PolicyVerdict quota_verdict, watermark_verdict;
        uint32_t quota, watermark; /* 0 if unset; a percentage is taken of the quota that wins */
        PolicyMismatch mismatch;   /* with POLICY_NO_MATCH */
} PolicyCandidate;

/*
 * The same, with the outcome for every source in order. *ret is an array of
 * policy_count_candidates() elements, freed by the caller. Returns 0 or -ENOMEM.
 */
size_t policy_count_candidates(const Config *config);
int policy_explain(
        const Config *config, const PolicyInput *input, PolicyResult *ret_result, PolicyCandidate **ret);

/* Does every Match…= of the rule match the VM? If not, *ret_mismatch (may be NULL) is the first that does not. */
bool policy_rule_matches(const ConfigRule *rule, const PolicyInput *input, PolicyMismatch *ret_mismatch);
