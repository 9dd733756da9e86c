/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "policy.h"
#include "test-util.h"

#define UUID       "aaaabbbb-0000-4000-8000-000000000001"
#define UUID_OTHER "aaaacccc-0000-4000-8000-000000000002"

/* Settings with a quota, a watermark, both. */
#define Q(q)     { .quota = (q), .quota_set = true }
#define W(w)     { .watermark = (w), .watermark_set = true }
#define QW(q, w) { .quota = (q), .watermark = (w), .quota_set = true, .watermark_set = true }

/* Strings in a rule belong to it, hence the casts: nothing here frees them. */
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
static const Config config = { .rules = rules, .n_rules = ELEMENTSOF(rules) };

static void test_resolve(void **state _unused_) {
        static const struct {
                PolicyInput input;
                uint32_t quota;
                uint32_t watermark;
                QuotaSource source;
                const char *rule;
        } cases[] = {
                /* Nothing but the default. */
                { { .name = "web" }, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },
                { {}, 100, 5, QUOTA_SOURCE_DEFAULT, NULL },

                /* One source after the other. */
                { { .name = "web", .metadata = Q(30) }, 30, 5, QUOTA_SOURCE_METADATA, NULL },
                { { .name = "web", .metadata = Q(30), .persistent = Q(40) }, 40, 5, QUOTA_SOURCE_PERSISTENT,
                        NULL },
                { { .name = "web", .metadata = Q(30), .persistent = Q(40), .runtime = Q(50) }, 50, 5,
                        QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "web", .metadata = Q(30), .runtime = Q(50) }, 50, 5, QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "db1", .metadata = Q(30) }, 30, 7, QUOTA_SOURCE_METADATA, NULL },

                /* Zero is a quota, and off is a watermark. */
                { { .name = "web", .runtime = Q(0) }, 0, 5, QUOTA_SOURCE_RUNTIME, NULL },
                { { .name = "web", .runtime = W(0), .metadata = QW(30, 3) }, 30, 0, QUOTA_SOURCE_METADATA,
                        NULL },

                /* The watermark goes its own way. */
                { { .name = "web", .persistent = W(9) }, 100, 9, QUOTA_SOURCE_DEFAULT, NULL },
                { { .name = "db1", .persistent = W(9) }, 22, 9, QUOTA_SOURCE_RULE, "db" },
                { { .name = "web", .runtime = Q(50), .persistent = QW(40, 4) }, 50, 4, QUOTA_SOURCE_RUNTIME,
                        NULL },

                /* Rules: the first that matches and sets it. */
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
                input.default_watermark = 5;
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
                assert_int_equal(policy_rule_matches(&cases[i].rule, &cases[i].input), cases[i].matches);
        }
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
                cmocka_unit_test(test_source_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
