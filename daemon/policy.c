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

bool policy_rule_matches(const ConfigRule *rule, const PolicyInput *input) {
        if (rule->match_name && (!input->name || fnmatch(rule->match_name, input->name, FNM_PATHNAME) != 0))
                return false;

        if (rule->match_uuid && !streq_ptr(rule->match_uuid, input->uuid))
                return false;

        if (rule->match_slice && (!input->slice || !slice_is_below(input->slice, rule->match_slice)))
                return false;

        /* The configuration does not let in a rule without a match; one that came to be matches nothing. */
        return rule->match_name || rule->match_uuid || rule->match_slice;
}

void policy_resolve(const Config *config, const PolicyInput *input, PolicyResult *ret) {
        const struct {
                const QuotaSetting *setting;
                QuotaSource source;
        } settings[] = {
                { &input->runtime, QUOTA_SOURCE_RUNTIME },
                { &input->persistent, QUOTA_SOURCE_PERSISTENT },
                { &input->metadata, QUOTA_SOURCE_METADATA },
        };
        PolicyResult result = {
                .quota = input->default_quota,
                .watermark = input->default_watermark,
                .source = QUOTA_SOURCE_DEFAULT,
        };
        bool quota_set = false, watermark_set = false;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                const QuotaSetting *s = settings[i].setting;

                if (s->quota_set && !quota_set) {
                        result.quota = s->quota;
                        result.source = settings[i].source;
                        quota_set = true;
                }
                if (s->watermark_set && !watermark_set) {
                        result.watermark = s->watermark;
                        watermark_set = true;
                }
        }

        for (size_t i = 0; i < config->n_rules && !(quota_set && watermark_set); i++) {
                const ConfigRule *rule = &config->rules[i];

                if (!policy_rule_matches(rule, input))
                        continue;

                if (rule->quota_set && !quota_set) {
                        result.quota = rule->quota;
                        result.source = QUOTA_SOURCE_RULE;
                        result.rule = rule;
                        quota_set = true;
                }
                if (rule->watermark_set && !watermark_set) {
                        result.watermark = rule->watermark;
                        watermark_set = true;
                }
        }

        *ret = result;
}
