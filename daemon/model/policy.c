/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fnmatch.h>

#include "cgroup-path.h"
#include "macro.h"
#include "policy.h"

static const char *const quota_source_table[_QUOTA_SOURCE_MAX] = {
        [QUOTA_SOURCE_RUNTIME] = "runtime",
        [QUOTA_SOURCE_PERSISTENT] = "persistent",
        [QUOTA_SOURCE_METADATA] = "metadata",
        [QUOTA_SOURCE_RULE] = "rule",
        [QUOTA_SOURCE_DEFAULT] = "default",
};

const char *quota_source_to_string(QuotaSource source) {
        if ((unsigned) source >= _QUOTA_SOURCE_MAX)
                return NULL;

        return quota_source_table[source];
}

static const char *const policy_verdict_table[_POLICY_VERDICT_MAX] = {
        [POLICY_UNSET] = "unset",
        [POLICY_NO_MATCH] = "no-match",
        [POLICY_OUTRANKED] = "outranked",
        [POLICY_WINS] = "wins",
};

const char *policy_verdict_to_string(PolicyVerdict verdict) {
        return (unsigned) verdict < _POLICY_VERDICT_MAX ? policy_verdict_table[verdict] : NULL;
}

/* Does one of the key's values match? If not, *ret_value is the last value, for the user. */
static bool match_metadata(const ConfigMatch *match, const Metadata *domain, const char **ret_value) {
        *ret_value = NULL;

        for (size_t i = 0; domain && i < domain->n_items; i++) {
                const MetadataItem *item = &domain->items[i];

                if (!streq(item->key, match->key) && !streq_ptr(item->key, match->alternative))
                        continue;
                if (fnmatch(match->glob, item->value, 0) == 0)
                        return true;
                *ret_value = item->value;
        }

        return false;
}

static bool find_mismatch(const ConfigRule *rule, const PolicyInput *input, PolicyMismatch *ret) {
        if (rule->match_name && (!input->name || fnmatch(rule->match_name, input->name, FNM_PATHNAME) != 0)) {
                *ret = (PolicyMismatch) { "MatchName", NULL, rule->match_name, input->name };
                return true;
        }

        if (rule->match_uuid && !streq_ptr(rule->match_uuid, input->uuid)) {
                *ret = (PolicyMismatch) { "MatchUUID", NULL, rule->match_uuid, input->uuid };
                return true;
        }

        if (rule->match_slice && (!input->slice || !slice_is_below(input->slice, rule->match_slice))) {
                *ret = (PolicyMismatch) { "MatchSlice", NULL, rule->match_slice, input->slice };
                return true;
        }

        for (size_t i = 0; i < rule->n_matches; i++) {
                const ConfigMatch *match = &rule->matches[i];
                const char *value;

                if (!match_metadata(match, input->domain, &value)) {
                        *ret = (PolicyMismatch) { match->option, match->key, match->glob, value };
                        return true;
                }
        }

        return false;
}

bool policy_rule_matches(const ConfigRule *rule, const PolicyInput *input, PolicyMismatch *ret_mismatch) {
        PolicyMismatch mismatch = {};

        /* A rule without any Match…= is rejected by the parser; make sure that it matches nothing. */
        if ((rule->match_name || rule->match_uuid || rule->match_slice || rule->n_matches > 0) &&
                !find_mismatch(rule, input, &mismatch))
                return true;

        if (ret_mismatch)
                *ret_mismatch = mismatch;
        return false;
}

/* The setting of one source. */
typedef struct Proposal {
        QuotaSetting setting;
        bool watermark_percent;
        bool matches;
} Proposal;

/* The result so far, while the sources are considered in order. */
typedef struct Resolution {
        PolicyResult result;
        bool quota_won, watermark_won;
        bool watermark_percent; /* result.watermark is a percentage of the quota */
} Resolution;

static PolicyVerdict get_verdict(bool set, bool matches, bool *won) {
        if (!set)
                return POLICY_UNSET;
        if (!matches)
                return POLICY_NO_MATCH;
        if (*won)
                return POLICY_OUTRANKED;

        *won = true;
        return POLICY_WINS;
}

static void consider(Resolution *resolution, QuotaSource source, const ConfigRule *rule,
        const Proposal *proposal, PolicyCandidate *candidate) {
        const QuotaSetting *s = &proposal->setting;
        PolicyVerdict quota, watermark;

        quota = get_verdict(s->quota_set, proposal->matches, &resolution->quota_won);
        if (quota == POLICY_WINS) {
                resolution->result.quota = s->quota;
                resolution->result.source = source;
                resolution->result.rule = rule;
        }

        watermark = get_verdict(s->watermark_set, proposal->matches, &resolution->watermark_won);
        if (watermark == POLICY_WINS) {
                resolution->result.watermark = s->watermark;
                resolution->watermark_percent = proposal->watermark_percent;
        }

        if (candidate) {
                candidate->source = source;
                candidate->rule = rule;
                candidate->quota_verdict = quota;
                candidate->watermark_verdict = watermark;
                candidate->quota = s->quota_set ? s->quota : 0;
                candidate->watermark = s->watermark_set ? s->watermark : 0;
        }
}

/* Rounds up, so that only 0 % or a quota of 0 turns the watermark off. */
static uint32_t percent_of(uint32_t percent, uint32_t quota) {
        return (uint32_t) (((uint64_t) quota * percent + 99) / 100);
}

/* candidates: NULL, or an array of policy_count_candidates(). */
static void resolve(
        const Config *config, const PolicyInput *input, PolicyResult *ret, PolicyCandidate *candidates) {
        const struct {
                const QuotaSetting *setting;
                QuotaSource source;
        } settings[] = {
                { &input->runtime, QUOTA_SOURCE_RUNTIME },
                { &input->persistent, QUOTA_SOURCE_PERSISTENT },
                { &input->metadata, QUOTA_SOURCE_METADATA },
        };
        const Proposal fallback = {
                .setting = {
                        .quota = input->default_quota,
                        .watermark = config->default_watermark,
                        .quota_set = true,
                        .watermark_set = true,
                },
                .watermark_percent = config->default_watermark_percent,
                .matches = true,
        };
        PolicyCandidate *next = candidates;
        Resolution resolution = {};

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                const Proposal proposal = { .setting = *settings[i].setting, .matches = true };

                consider(&resolution, settings[i].source, NULL, &proposal, next ? next++ : NULL);
        }

        for (size_t i = 0; i < config->n_rules; i++) {
                const ConfigRule *rule = &config->rules[i];
                const Proposal proposal = {
                        .setting = {
                                .quota = rule->quota,
                                .watermark = rule->watermark,
                                .quota_set = rule->quota_set,
                                .watermark_set = rule->watermark_set,
                        },
                        .watermark_percent = rule->watermark_percent,
                        .matches = policy_rule_matches(rule, input, next ? &next->mismatch : NULL),
                };

                consider(&resolution, QUOTA_SOURCE_RULE, rule, &proposal, next ? next++ : NULL);
                if (!candidates && resolution.quota_won && resolution.watermark_won)
                        break;
        }

        consider(&resolution, QUOTA_SOURCE_DEFAULT, NULL, &fallback, next);

        if (resolution.watermark_percent)
                resolution.result.watermark =
                        percent_of(resolution.result.watermark, resolution.result.quota);
        *ret = resolution.result;
}

void policy_resolve(const Config *config, const PolicyInput *input, PolicyResult *ret) {
        resolve(config, input, ret, NULL);
}

size_t policy_count_candidates(const Config *config) {
        return QUOTA_SOURCE_METADATA + 1 + config->n_rules + 1;
}

int policy_explain(
        const Config *config, const PolicyInput *input, PolicyResult *ret_result, PolicyCandidate **ret) {
        PolicyCandidate *candidates;
        size_t n = policy_count_candidates(config);

        candidates = calloc(n, sizeof(*candidates));
        if (!candidates)
                return -ENOMEM;

        resolve(config, input, ret_result, candidates);

        for (size_t i = 0; i < n; i++) {
                PolicyCandidate *c = &candidates[i];
                bool percent =
                        c->rule ? c->rule->watermark_percent
                                : c->source == QUOTA_SOURCE_DEFAULT && config->default_watermark_percent;

                if (percent)
                        c->watermark = percent_of(c->watermark, ret_result->quota);
        }

        *ret = candidates;
        return 0;
}
