/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy.h"
#include "test-util.h"

#define UUID       "aaaabbbb-0000-4000-8000-000000000001"
#define UUID_OTHER "aaaacccc-0000-4000-8000-000000000002"

/* Settings with a quota, a watermark, or both. */
#define Q(q)     { .quota = (q), .quota_set = true }
#define W(w)     { .watermark = (w), .watermark_set = true }
#define QW(q, w) { .quota = (q), .watermark = (w), .quota_set = true, .watermark_set = true }

/* The casts are safe: nothing here frees the strings of a rule. */
#define S(s) ((char *) (s))

static ConfigRule rules[] = {
        { .name = S("watch"), .match_name = S("db*"), .watermark = 7, .watermark_set = true },
        { .name = S("db-a"),
                .match_name = S("db-?"),
                .match_slice = S("tenant-a.slice"),
                .quota = 21,
                .quota_set = true },
        { .name = S("db"),
                .match_name = S("db*"),
                .quota = 22,
                .watermark = 8,
                .quota_set = true,
                .watermark_set = true },
        { .name = S("uuid"), .match_uuid = S(UUID), .quota = 23, .quota_set = true },
        { .name = S("tenant"),
                .match_slice = S("tenant.slice"),
                .quota = 0,
                .watermark = 0,
                .quota_set = true,
                .watermark_set = true },
};
static const Config config = { .rules = rules, .n_rules = ELEMENTSOF(rules), .default_watermark = 5 };

static void test_resolve(void **state _unused_) {
        static const struct {
                PolicyInput input;
                uint32_t quota;
                uint32_t watermark;
                QuotaSource source;
                const char *rule;
        } cases[] = {
                /* Only the default. */
                { { .name = "web" }, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },
                { {}, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },

                /* Each source. */
                { { .name = "web", .metadata = Q(30) }, 30, 5, QUOTA_SOURCE_METADATA, NULL },
                { { .name = "web", .metadata = Q(30), .persistent = Q(40) }, 40, 5, QUOTA_SOURCE_PERSISTENT,
                        NULL },
                { { .name = "web", .metadata = Q(30), .persistent = Q(40), .runtime = Q(50) }, 50, 5,
                        QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "web", .metadata = Q(30), .runtime = Q(50) }, 50, 5, QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "db1", .metadata = Q(30) }, 30, 7, QUOTA_SOURCE_METADATA, NULL },

                /* 0 is a valid quota, and turns a watermark off. */
                { { .name = "web", .runtime = Q(0) }, 0, 5, QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "web", .runtime = W(0), .metadata = QW(30, 3) }, 30, 0, QUOTA_SOURCE_METADATA,
                        NULL },

                /* The watermark is resolved independently. */
                { { .name = "web", .persistent = W(9) }, 100, 9, QUOTA_SOURCE_DEFAULT, NULL },
                { { .name = "db1", .persistent = W(9) }, 22, 9, QUOTA_SOURCE_RULE, "db" },
                { { .name = "web", .runtime = Q(50), .persistent = QW(40, 4) }, 50, 4, QUOTA_SOURCE_RUNTIME,
                        NULL },

                /* Rules: the first one that matches and sets the value. */
                { { .name = "db1" }, 22, 7, QUOTA_SOURCE_RULE, "db" },
                { { .name = "db-1", .slice = "tenant-a.slice" }, 21, 7, QUOTA_SOURCE_RULE, "db-a" },
                { { .name = "db-1", .slice = "tenant-a-x.slice" }, 21, 7, QUOTA_SOURCE_RULE, "db-a" },
                { { .name = "db-1", .slice = "tenant-b.slice" }, 22, 7, QUOTA_SOURCE_RULE, "db" },
                { { .name = "db-12", .slice = "tenant-a.slice" }, 22, 7, QUOTA_SOURCE_RULE, "db" },
                { { .name = "web", .uuid = UUID }, 23, 5, QUOTA_SOURCE_RULE, "uuid" },
                { { .name = "web", .uuid = UUID_OTHER }, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },
                { { .name = "web", .slice = "tenant-a.slice" }, 0, 0, QUOTA_SOURCE_RULE, "tenant" },
                { { .name = "web", .slice = "tenantx.slice" }, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },
                { { .uuid = UUID, .slice = "tenant.slice" }, 23, 0, QUOTA_SOURCE_RULE, "uuid" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                PolicyInput input = cases[i].input;
                PolicyResult result;

                test_case("row %zu", i);
                input.default_quota = 100;
                policy_resolve(&config, &input, &result);

                assert_int_equal(result.quota, cases[i].quota);
                assert_int_equal(result.watermark, cases[i].watermark);
                assert_int_equal(result.source, cases[i].source);
                if (cases[i].rule) {
                        assert_non_null(result.rule);
                        assert_string_equal(result.rule->name, cases[i].rule);
                } else
                        assert_null(result.rule);
        }
}

static void test_rule_matches(void **state _unused_) {
        static const struct {
                ConfigRule rule;
                PolicyInput input;
                bool matches;
        } cases[] = {
                { { .match_name = S("web") }, { .name = "web" }, true },
                { { .match_name = S("web-[0-9]") }, { .name = "web-1" }, true },
                { { .match_name = S("*") }, { .name = ".hidden" }, true },
                { { .match_name = S("user@*.service/x*") }, { .name = "user@7.service/x1" }, true },
                { { .match_uuid = S(UUID) }, { .uuid = UUID }, true },
                { { .match_slice = S("-.slice") }, { .slice = "machine.slice" }, true },
                { { .match_name = S("web"), .match_uuid = S(UUID), .match_slice = S("a.slice") },
                        { .name = "web", .uuid = UUID, .slice = "a-b.slice" }, true },

                { { .match_name = S("web") }, { .name = "web1" }, false },
                { { .match_name = S("web") }, { .name = "Web" }, false },
                { { .match_name = S("*") }, {}, false },
                { { .match_name = S("*x.service") }, { .name = "user@7.service/x.service" }, false },
                { { .match_uuid = S(UUID) }, { .uuid = UUID_OTHER }, false },
                { { .match_uuid = S(UUID) }, {}, false },
                { { .match_slice = S("-.slice") }, {}, false },
                { { .match_name = S("web"), .match_uuid = S(UUID) }, { .name = "web", .uuid = UUID_OTHER },
                        false },
                { { .match_name = S("web"), .match_slice = S("a.slice") },
                        { .name = "web", .slice = "b.slice" }, false },
                { {}, { .name = "web" }, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("row %zu", i);
                assert_int_equal(
                        policy_rule_matches(&cases[i].rule, &cases[i].input, NULL), cases[i].matches);
        }
}

#define MATCH(o, k, a, g)                                                                                    \
        (ConfigMatch[]) {                                                                                    \
                {                                                                                            \
                        .option = (o), .key = S(k), .alternative = (a), .glob = S(g)                         \
                }                                                                                            \
        }

static void test_metadata(void **state _unused_) {
        MetadataItem items[] = {
                { S("nova:flavor"), S("gpu.large") },
                { S("nova:project"), S("research") },
                { S("nova:project-uuid"), S("0123") },
                { S("{urn:x}a@b"), S("one") },
                { S("{urn:x}a@b"), S("two/three") },
        };
        const Metadata domain = { .items = items, .n_items = ELEMENTSOF(items) };
        const struct {
                ConfigMatch *match;
                bool matches;
        } cases[] = {
                { MATCH("MatchNovaFlavor", "nova:flavor", NULL, "gpu.*"), true },
                { MATCH("MatchNovaFlavor", "nova:flavor", NULL, "cpu.*"), false },
                { MATCH("MatchNovaProject", "nova:project", "nova:project-uuid", "research"), true },
                { MATCH("MatchNovaProject", "nova:project", "nova:project-uuid", "0123"), true },
                { MATCH("MatchNovaProject", "nova:project", NULL, "0123"), false },
                { MATCH("MatchMetadata", "{urn:x}a@b", NULL, "one"), true },
                { MATCH("MatchMetadata", "{urn:x}a@b", NULL, "two*"), true },
                { MATCH("MatchMetadata", "{urn:x}a@c", NULL, "*"), false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const ConfigRule rule = { .matches = cases[i].match, .n_matches = 1 };
                PolicyInput input = { .name = "web", .domain = &domain };

                test_case("row %zu", i);
                assert_int_equal(policy_rule_matches(&rule, &input, NULL), cases[i].matches);
                input.domain = NULL;
                assert_false(policy_rule_matches(&rule, &input, NULL));
        }

        {
                /* All conditions must match. */
                ConfigMatch both[] = {
                        { .option = "MatchNovaFlavor", .key = S("nova:flavor"), .glob = S("*") },
                        { .option = "MatchMetadata", .key = S("{urn:x}a@b"), .glob = S("four") },
                };
                const ConfigRule rule = { .match_name = S("w*"), .matches = both, .n_matches = 2 };
                const PolicyInput input = { .name = "web", .domain = &domain };
                PolicyMismatch mismatch;

                assert_false(policy_rule_matches(&rule, &input, &mismatch));
                assert_string_equal(mismatch.option, "MatchMetadata");
                assert_string_equal(mismatch.key, "{urn:x}a@b");
                assert_string_equal(mismatch.pattern, "four");
                assert_string_equal(mismatch.value, "two/three");
        }
}

static void test_percent(void **state _unused_) {
        static const struct {
                uint32_t quota, percent, watermark;
        } cases[] = {
                { 100, 80, 80 },
                { 0, 80, 0 },
                { 1000, 0, 0 },
                { 3, 50, 2 },
                { 1, 1, 1 },
                { 1048576, 100, 1048576 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ConfigRule rule = {
                        .match_name = S("*"),
                        .watermark = cases[i].percent,
                        .watermark_set = true,
                        .watermark_percent = true,
                };
                const Config by_rule = { .rules = &rule, .n_rules = 1, .default_watermark = 7 };
                const Config by_default = { .default_watermark = cases[i].percent,
                        .default_watermark_percent = true };
                const PolicyInput input = { .name = "x", .runtime = Q(cases[i].quota), .default_quota = 9 };
                PolicyResult result;

                test_case("row %zu", i);
                policy_resolve(&by_rule, &input, &result);
                assert_int_equal(result.watermark, cases[i].watermark);
                policy_resolve(&by_default, &input, &result);
                assert_int_equal(result.watermark, cases[i].watermark);
        }
}

/* policy_explain() agrees with policy_resolve(). */
static void test_explain(void **state _unused_) {
        static const PolicyInput inputs[] = {
                { .name = "web" },
                { .name = "db1", .metadata = Q(30) },
                { .name = "db1", .persistent = W(9), .runtime = Q(5) },
                { .name = "db-1", .slice = "tenant-a.slice" },
                { .uuid = UUID, .slice = "tenant.slice" },
        };

        for (size_t i = 0; i < ELEMENTSOF(inputs); i++) {
                _cleanup_free_ PolicyCandidate *candidates = NULL;
                PolicyInput input = inputs[i];
                PolicyResult result, explained;
                unsigned quotas = 0, watermarks = 0;

                test_case("row %zu", i);
                input.default_quota = 100;
                policy_resolve(&config, &input, &result);
                assert_int_equal(policy_explain(&config, &input, &explained, &candidates), 0);
                assert_int_equal(explained.quota, result.quota);
                assert_int_equal(explained.watermark, result.watermark);
                assert_int_equal(explained.source, result.source);
                assert_ptr_equal(explained.rule, result.rule);

                for (size_t k = 0; k < policy_count_candidates(&config); k++) {
                        const PolicyCandidate *c = &candidates[k];

                        if (c->quota_verdict == POLICY_WINS) {
                                quotas++;
                                assert_int_equal(c->quota, result.quota);
                                assert_int_equal(c->source, result.source);
                                assert_ptr_equal(c->rule, result.rule);
                        }
                        if (c->watermark_verdict == POLICY_WINS) {
                                watermarks++;
                                assert_int_equal(c->watermark, result.watermark);
                        }
                }
                assert_int_equal(quotas, 1);
                assert_int_equal(watermarks, 1);
        }
}

static void test_explain_order(void **state _unused_) {
        static const struct {
                QuotaSource source;
                const char *rule;
                PolicyVerdict quota, watermark;
                const char *mismatch;
        } expected[] = {
                { QUOTA_SOURCE_RUNTIME, NULL, POLICY_UNSET, POLICY_UNSET, NULL },
                { QUOTA_SOURCE_PERSISTENT, NULL, POLICY_UNSET, POLICY_WINS, NULL },
                { QUOTA_SOURCE_METADATA, NULL, POLICY_UNSET, POLICY_UNSET, NULL },
                { QUOTA_SOURCE_RULE, "watch", POLICY_UNSET, POLICY_OUTRANKED, NULL },
                { QUOTA_SOURCE_RULE, "db-a", POLICY_NO_MATCH, POLICY_UNSET, "MatchName" },
                { QUOTA_SOURCE_RULE, "db", POLICY_WINS, POLICY_OUTRANKED, NULL },
                { QUOTA_SOURCE_RULE, "uuid", POLICY_NO_MATCH, POLICY_UNSET, "MatchUUID" },
                { QUOTA_SOURCE_RULE, "tenant", POLICY_NO_MATCH, POLICY_NO_MATCH, "MatchSlice" },
                { QUOTA_SOURCE_DEFAULT, NULL, POLICY_OUTRANKED, POLICY_OUTRANKED, NULL },
        };
        const PolicyInput input = { .name = "db1", .persistent = W(9), .default_quota = 100 };
        _cleanup_free_ PolicyCandidate *candidates = NULL;
        PolicyResult result;

        assert_int_equal(policy_explain(&config, &input, &result, &candidates), 0);
        assert_int_equal(policy_count_candidates(&config), ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                const PolicyCandidate *c = &candidates[i];

                test_case("candidate %zu", i);
                assert_int_equal(c->source, expected[i].source);
                assert_int_equal(c->quota_verdict, expected[i].quota);
                assert_int_equal(c->watermark_verdict, expected[i].watermark);
                if (expected[i].rule)
                        assert_string_equal(c->rule->name, expected[i].rule);
                else
                        assert_null(c->rule);
                if (expected[i].mismatch)
                        assert_string_equal(c->mismatch.option, expected[i].mismatch);
                else
                        assert_null(c->mismatch.option);
        }
        assert_string_equal(policy_verdict_to_string(POLICY_NO_MATCH), "no-match");
        assert_null(policy_verdict_to_string(_POLICY_VERDICT_MAX));
}

static void test_source_names(void **state _unused_) {
        assert_string_equal(quota_source_to_string(QUOTA_SOURCE_RUNTIME), "runtime");
        assert_string_equal(quota_source_to_string(QUOTA_SOURCE_PERSISTENT), "persistent");
        assert_string_equal(quota_source_to_string(QUOTA_SOURCE_METADATA), "metadata");
        assert_string_equal(quota_source_to_string(QUOTA_SOURCE_RULE), "rule");
        assert_string_equal(quota_source_to_string(QUOTA_SOURCE_DEFAULT), "default");
        assert_null(quota_source_to_string(_QUOTA_SOURCE_MAX));
        assert_null(quota_source_to_string((QuotaSource) -1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_resolve),
                cmocka_unit_test(test_rule_matches),
                cmocka_unit_test(test_metadata),
                cmocka_unit_test(test_percent),
                cmocka_unit_test(test_explain),
                cmocka_unit_test(test_explain_order),
                cmocka_unit_test(test_source_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
