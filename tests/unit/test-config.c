/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "config-file.h"
#include "test-util.h"

#define UUID "aaaabbbb-0000-4000-8000-000000000001"

#define TEN      "xxxxxxxxxx"
#define FORTY    TEN TEN TEN TEN
#define X190     FORTY FORTY FORTY FORTY TEN TEN TEN
#define BOM      "\xef\xbb\xbf"
#define NO_RATIO ": must be a number like 1 or 1.5, with at most three decimal places"
#define RULE     "[Rule r]\nMatchName=x\nQuota=1\n"

/* Parses text as the file "f". The whole message is compared. */
static Config *parse(const char *text, size_t size, const char *expected_error) {
        _cleanup_(config_freep) Config *c = config_new();
        _cleanup_free_ char *error = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        int r;

        assert_non_null(c);
        /* fmemopen() refuses a size of 0 in older C libraries. */
        f = size > 0 ? fmemopen((void *) text, size, "r") : fopen("/dev/null", "r");
        assert_non_null(f);

        r = config_parse_stream(c, f, "f", &error);
        if (expected_error) {
                assert_int_equal(r, -EBADMSG);
                assert_non_null(error);
                assert_string_equal(error, expected_error);
                return NULL;
        }

        if (error)
                print_message("error: %s\n", error);
        assert_int_equal(r, 0);
        assert_null(error);
        return TAKE_PTR(c);
}

static void test_errors(void **state _unused_) {
        static const struct {
                const char *text;
                const char *error;
        } cases[] = {
                /* Lines. */
                { "x\n", "f:1: must be [SECTION], KEY=VALUE or a comment" },
                { "[Manager]\nDefaultQuota\n", "f:2: must be [SECTION], KEY=VALUE or a comment" },
                { "[Manager]\nDefaultQuota: 5\n", "f:2: must be [SECTION], KEY=VALUE or a comment" },
                { "[Manager]\nDefaultQuota ;=5\n", "f:2: must be [SECTION], KEY=VALUE or a comment" },
                { "[Manager]\nSlices=a.slice\n b.slice\n", "f:3: must be [SECTION], KEY=VALUE or a comment" },
                { "[Manager]\n\n# c\nDefaultQuota=" X190 "\n", "f:4: line is longer than 198 bytes" },
                { "#" X190 "12345678\n", "f:1: line is longer than 198 bytes" },
                { "#" X190 "12345678", "f:1: line is longer than 198 bytes" },
                { "[Manager]\nDefault\x01Quota=5\n", "f:2: control character or invalid UTF-8" },
                { "[Manager]\n# \xff\n", "f:2: control character or invalid UTF-8" },
                { "[Manager]\nDefaultQuota=5\r6\n", "f:2: control character or invalid UTF-8" },
                { "[Manager]\n" BOM "DefaultQuota=5\n", "f:2: unknown key \xef\xbb\xbf"
                                                        "DefaultQuota= in section [Manager]" },
                { BOM "x\n", "f:1: must be [SECTION], KEY=VALUE or a comment" },

                /* Sections. */
                { "DefaultQuota=5\n", "f:1: DefaultQuota= is outside of any section" },
                { "[Manager\n", "f:1: section header without \"]\"" },
                { "[Manager]x\n", "f:1: trailing characters after the section header" },
                { "[Manager] x=5\n", "f:1: trailing characters after the section header" },
                { "[Rule a ;b]\n", "f:1: comment inside the section header" },
                { "[]\n", "f:1: unknown section [], must be [Manager], [Rule NAME] or [Slice NAME]" },
                { "[ Manager]\n",
                        "f:1: unknown section [ Manager], must be [Manager], [Rule NAME] or [Slice NAME]" },
                { "[Manager2]\n",
                        "f:1: unknown section [Manager2], must be [Manager], [Rule NAME] or [Slice NAME]" },
                { "[Rulex]\n",
                        "f:1: unknown section [Rulex], must be [Manager], [Rule NAME] or [Slice NAME]" },
                { "\n[Rule]\n", "f:2: section name is missing, must be [Rule NAME]" },
                { "[Rule  ]\n", "f:1: section name is missing, must be [Rule NAME]" },
                { "[Rule " FORTY "12345]\n", "f:1: section name is 50 bytes long, the maximum is 49" },
                { "[" X190 "]\n", "f:1: section name is 190 bytes long, the maximum is 49" },

                /* Keys. */
                { "[Manager]\nQuota=5\n", "f:2: unknown key Quota= in section [Manager]" },
                { "[Manager]\ndefaultquota=5\n", "f:2: unknown key defaultquota= in section [Manager]" },
                { "[Manager]\n=5\n", "f:2: unknown key = in section [Manager]" },
                { "[Rule r]\nDefaultQuota=5\n", "f:2: unknown key DefaultQuota= in section [Rule]" },
                { "[Rule r]\nMatchFlavor=x\n", "f:2: unknown key MatchFlavor= in section [Rule]" },
                { "[Manager]\nDefaultQuota=5\n\nDefaultQuota=5\n",
                        "f:4: DefaultQuota= is already set at f:2" },
                { "[Manager]\nDefaultQuota=5\n" RULE "[Manager]\nDefaultQuota=6\n",
                        "f:7: DefaultQuota= is already set at f:2" },
                { "[Rule r]\nQuota=1\nQuota=2\n", "f:3: Quota= is already set at f:2" },

                /* Values. */
                { "[Manager]\nDefaultQuota=\n", "f:2: DefaultQuota=: is not a decimal number without sign" },
                { "[Manager]\nDefaultQuota=-1\n",
                        "f:2: DefaultQuota=-1: is not a decimal number without sign" },
                { "[Manager]\nDefaultQuota=5 6\n",
                        "f:2: DefaultQuota=5 6: is not a decimal number without sign" },
                { "[Manager]\nDefaultQuota=max\n",
                        "f:2: DefaultQuota=max: is not a decimal number without sign" },
                { "[Manager]\nDefaultQuota=1048577\n",
                        "f:2: DefaultQuota=1048577: is above 1048576, the number of PASIDs that can exist" },
                { "[Manager]\nDefaultWatermark=x\n",
                        "f:2: DefaultWatermark=x: is not a decimal number without sign" },
                { "[Manager]\nForeignChanges=Revert\n",
                        "f:2: ForeignChanges=Revert: must be \"revert\", \"adopt\" or \"report\"" },
                { "[Manager]\nForeignChanges=\n",
                        "f:2: ForeignChanges=: must be \"revert\", \"adopt\" or \"report\"" },
                { "[Manager]\nHookWithoutDaemon=no\n",
                        "f:2: HookWithoutDaemon=no: must be \"allow\" or \"deny\"" },
                { "[Manager]\nSlices=\n", "f:2: Slices= needs at least one slice" },
                { "[Manager]\nSlices=a.slice b\n", "f:2: Slices=: \"b\" is not a valid slice name" },
                { "[Manager]\nSlices=/a.slice\n", "f:2: Slices=: \"/a.slice\" is not a valid slice name" },
                { "[Manager]\nSlices=a.slice b.slice a.slice\n",
                        "f:2: Slices=: \"a.slice\" is listed twice" },
                { "[Manager]\nDefaultWatermark=101%\n",
                        "f:2: DefaultWatermark=101%: must be a percentage from 0% to 100%" },
                { "[Rule r]\nWatermark=%\n", "f:2: Watermark=%: must be a percentage from 0% to 100%" },
                { "[Rule r]\nWatermark=5 %\n", "f:2: Watermark=5 %: must be a percentage from 0% to 100%" },
                { "[Manager]\nAdmission=on\n",
                        "f:2: Admission=on: must be \"off\", \"warn\" or \"enforce\"" },
                { "[Manager]\nOvercommitRatio=\n", "f:2: OvercommitRatio=" NO_RATIO },
                { "[Manager]\nOvercommitRatio=.5\n", "f:2: OvercommitRatio=.5" NO_RATIO },
                { "[Manager]\nOvercommitRatio=1.\n", "f:2: OvercommitRatio=1." NO_RATIO },
                { "[Manager]\nOvercommitRatio=1.2345\n", "f:2: OvercommitRatio=1.2345" NO_RATIO },
                { "[Manager]\nOvercommitRatio=1,5\n", "f:2: OvercommitRatio=1,5" NO_RATIO },
                { "[Manager]\nOvercommitRatio=-1\n", "f:2: OvercommitRatio=-1" NO_RATIO },
                { "[Manager]\nOvercommitRatio=1.5x\n", "f:2: OvercommitRatio=1.5x" NO_RATIO },
                { "[Manager]\nOvercommitRatio=99999999999\n", "f:2: OvercommitRatio=99999999999" NO_RATIO },
                { "[Manager]\nOvercommitRatio=1000.001\n",
                        "f:2: OvercommitRatio=1000.001: is more than 1000" },
                { "[Manager]\nReservationTimeoutSec=0\n",
                        "f:2: ReservationTimeoutSec=0: must be a number of seconds from 1 to 86400" },
                { "[Rule r]\nMatchMetadata=x\n", "f:2: MatchMetadata=x: must be KEY=PATTERN" },
                { "[Rule r]\nMatchNovaExtraSpec==x\n", "f:2: MatchNovaExtraSpec==x: must be KEY=PATTERN" },
                { "[Rule r]\nMatchNovaFlavor=\n", "f:2: MatchNovaFlavor= is empty" },
                { "[Rule r]\nMatchNovaFlavor=a\nMatchNovaFlavor=b\n",
                        "f:3: MatchNovaFlavor= is already set at f:2" },

                /* Slices. */
                { "[Slice]\n", "f:1: section name is missing, must be [Slice NAME]" },
                { "[Slice a]\n", "f:1: [Slice]: \"a\" is not a valid slice name" },
                { "[Slice a.slice b.slice]\n",
                        "f:1: [Slice]: \"a.slice b.slice\" is not a valid slice name" },
                { "[Slice -.slice]\n", "f:1: the root slice cannot have a limit" },
                { "[Slice a.slice]\n[Slice a.slice]\n",
                        "f:2: slice \"a.slice\" already has a section at f:1" },
                { "[Slice a.slice]\nLimit=many\n", "f:2: Limit=many: is not a decimal number without sign" },
                { "[Slice a.slice]\nLimit=1\nLimit=2\n", "f:3: Limit= is already set at f:2" },
                { "[Slice a.slice]\nQuota=1\n", "f:2: unknown key Quota= in section [Slice]" },
                { "[Slice a.slice]\nAdmission=\n",
                        "f:2: Admission=: must be \"off\", \"warn\" or \"enforce\"" },

                { "[Rule r]\nMatchName=\n", "f:2: MatchName= is empty" },
                { "[Rule r]\nMatchUUID=demo\n", "f:2: MatchUUID=demo: is not a UUID" },
                { "[Rule r]\nMatchUUID=00000000-0000-0000-0000-000000000000\n",
                        "f:2: MatchUUID=00000000-0000-0000-0000-000000000000: is not a UUID" },
                { "[Rule r]\nMatchSlice=a\n", "f:2: MatchSlice=: \"a\" is not a valid slice name" },
                { "[Rule r]\nQuota=many\n", "f:2: Quota=many: is not a decimal number without sign" },
                { "[Rule r]\nWatermark=2000000\n",
                        "f:2: Watermark=2000000: is above 1048576, the number of PASIDs that can exist" },

                /* Rules: the error has the line of the header. */
                { "\n[Rule r]\n", "f:2: rule \"r\" has no Match…=" },
                { "\n[Rule r]\nQuota=5\n\n[Manager]\n", "f:2: rule \"r\" has no Match…=" },
                { "[Rule r]\nMatchName=x\n", "f:1: rule \"r\" sets neither Quota= nor Watermark=" },
                { "[Rule r]\nMatchName=x\n[Rule s]\nMatchName=x\nQuota=1\n",
                        "f:1: rule \"r\" sets neither Quota= nor Watermark=" },
                { RULE "\n[Rule  r ]\n", "f:5: rule \"r\" is already defined at f:1" },

                /* Only the first error is reported, whichever part of the parser finds it. */
                { "[Manager]\nDefaultQuota=x\nfoo\n[bar]\n",
                        "f:2: DefaultQuota=x: is not a decimal number without sign" },
                { "[Manager]\nDefaultQuota ;=5\n[bar]\n", "f:2: must be [SECTION], KEY=VALUE or a comment" },
                { "[Rule r]\nDefaultQuota ;=5\n", "f:2: must be [SECTION], KEY=VALUE or a comment" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                test_case("%s", cases[i].error);
                assert_null(parse(cases[i].text, strlen(cases[i].text), cases[i].error));
        }
}

/* Separate, because a C string ends at the NUL. Content after it must not be ignored. */
static void test_nul(void **state _unused_) {
        static const char text[] = "[Manager]\nDefaultQuota=5\0"
                                   "0\nbogus\n";

        assert_null(parse(text, sizeof(text) - 1, "f:2: NUL byte"));
}

static void test_defaults(void **state _unused_) {
        static const char *const cases[] = {
                "",
                "\n\n",
                "# nothing\n; at all\n  # here\n",
                "[Manager]\n",
                "[Manager]",
                BOM "\n",
                BOM,
                "\r\n[Manager]\r\n",
                "[Manager]\n[Manager]\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *c = NULL;

                test_case("row %zu", i);
                c = parse(cases[i], strlen(cases[i]), NULL);
                assert_int_equal(c->default_quota, 1000);
                assert_int_equal(c->default_watermark, 0);
                assert_int_equal(c->foreign_change, FOREIGN_CHANGE_REVERT);
                assert_int_equal(c->hook_without_daemon, HOOK_WITHOUT_DAEMON_ALLOW);
                assert_string_equal(c->slices[0], "machine.slice");
                assert_null(c->slices[1]);
                assert_int_equal(c->n_rules, 0);
                assert_int_equal(c->admission, ADMISSION_OFF);
                assert_int_equal(c->overcommit_ratio, 1000);
                assert_int_equal(c->reservation_timeout_sec, 180);
                assert_int_equal(c->n_slice_sections, 0);
        }
}

static void test_metadata_matches(void **state _unused_) {
        static const char text[] = "[rule nova]\n"
                                   "MatchNovaFlavor=gpu.*\n"
                                   "MatchNovaProject=research\n"
                                   "MatchNovaExtraSpec=hw:cpu_policy=dedicated\n"
                                   "MatchNovaExtraSpec=trait=a=b\n"
                                   "MatchMetadata={http://example.org/x?y}a/b@c=1*\n"
                                   "MatchMetadata=title=\n"
                                   "Watermark=80%\n";
        static const struct {
                const char *option, *key, *alternative, *glob;
        } expected[] = {
                { "MatchNovaFlavor", "nova:flavor", NULL, "gpu.*" },
                { "MatchNovaProject", "nova:project", "nova:project-uuid", "research" },
                { "MatchNovaExtraSpec", "nova:extra-spec:hw:cpu_policy", NULL, "dedicated" },
                { "MatchNovaExtraSpec", "nova:extra-spec:trait", NULL, "a=b" },
                { "MatchMetadata", "{http://example.org/x?y}a/b@c", NULL, "1*" },
                { "MatchMetadata", "title", NULL, "" },
        };
        _cleanup_(config_freep) Config *c = parse(text, strlen(text), NULL);
        const ConfigRule *rule = &c->rules[0];

        assert_int_equal(c->n_rules, 1);
        assert_true(rule->watermark_percent);
        assert_int_equal(rule->watermark, 80);
        assert_int_equal(rule->n_matches, ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                test_case("match %zu", i);
                assert_string_equal(rule->matches[i].option, expected[i].option);
                assert_string_equal(rule->matches[i].key, expected[i].key);
                assert_string_equal(rule->matches[i].glob, expected[i].glob);
                if (expected[i].alternative)
                        assert_string_equal(rule->matches[i].alternative, expected[i].alternative);
                else
                        assert_null(rule->matches[i].alternative);
        }
}

static void test_admission(void **state _unused_) {
        static const char text[] = "[manager]\n"
                                   "Admission=enforce\n"
                                   "OvercommitRatio=1.25\n"
                                   "ReservationTimeoutSec=86400\n"
                                   "DefaultWatermark=90%\n"
                                   "ForeignChanges=report\n"
                                   "[slice a.slice]\n"
                                   "Limit=100\n"
                                   "Admission=warn\n"
                                   "[Slice a-b.slice]\n"
                                   "OvercommitRatio=0\n"
                                   "Limit=max\n"
                                   "[Slice c.slice]\n";
        _cleanup_(config_freep) Config *c = parse(text, strlen(text), NULL);
        const ConfigSlice *slice;

        assert_int_equal(c->admission, ADMISSION_ENFORCE);
        assert_int_equal(c->overcommit_ratio, 1250);
        assert_int_equal(c->reservation_timeout_sec, 86400);
        assert_int_equal(c->default_watermark, 90);
        assert_true(c->default_watermark_percent);
        assert_int_equal(c->foreign_change, FOREIGN_CHANGE_REPORT);

        assert_int_equal(c->n_slice_sections, 3);
        slice = config_find_slice(c, "a.slice");
        assert_true(slice->limit_set && slice->admission_set && !slice->overcommit_ratio_set);
        assert_int_equal(slice->limit, 100);
        assert_int_equal(slice->admission, ADMISSION_WARN);
        assert_int_equal(slice->line, 8);

        slice = config_find_slice(c, "a-b.slice");
        assert_true(slice->limit_set && !slice->admission_set && slice->overcommit_ratio_set);
        assert_int_equal(slice->limit, LIMIT_NONE);
        assert_int_equal(slice->overcommit_ratio, 0);

        slice = config_find_slice(c, "c.slice");
        assert_false(slice->limit_set);
        assert_int_equal(slice->line, 13);
        assert_null(config_find_slice(c, "b.slice"));
}

static void test_ratios(void **state _unused_) {
        static const struct {
                const char *text;
                uint32_t ratio;
        } cases[] = {
                { "0", 0 },
                { "1", 1000 },
                { "2.5", 2500 },
                { "0.001", 1 },
                { "10.05", 10050 },
                { "1000.000", 1000000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *c = NULL;
                _cleanup_free_ char *text = NULL;

                test_case("%s", cases[i].text);
                assert_true(asprintf(&text, "[Manager]\nOvercommitRatio=%s\n", cases[i].text) > 0);
                c = parse(text, strlen(text), NULL);
                assert_int_equal(c->overcommit_ratio, cases[i].ratio);
        }
}

static void test_full(void **state _unused_) {
        static const char text[] = BOM "# the daemon\n"
                                       "[Manager] # with a comment behind it\n"
                                       "DefaultQuota=0\n"
                                       "  DefaultWatermark = 1048576  \r\n"
                                       "\tForeignChanges\t=\tadopt ; inline\n"
                                       "HookWithoutDaemon=deny\n"
                                       "Slices=machine.slice  tenant-a.slice\t-.slice\n"
                                       "\n"
                                       "[Rule  first one ]\n"
                                       "MatchName=web;*=\"x\"\n"
                                       "MatchUUID=AAAABBBB000040008000000000000001\n"
                                       "MatchSlice=tenant-a.slice\n"
                                       "Quota=5\n"
                                       "Watermark=0\n"
                                       "[Rule d\xc3\xa9mo]\n"
                                       "MatchName=d\xc3\xa9mo\n"
                                       "Watermark=3";
        _cleanup_(config_freep) Config *c = parse(text, strlen(text), NULL);
        const ConfigRule *rule;

        assert_int_equal(c->default_quota, 0);
        assert_int_equal(c->default_watermark, 1048576);
        assert_int_equal(c->foreign_change, FOREIGN_CHANGE_ADOPT);
        assert_int_equal(c->hook_without_daemon, HOOK_WITHOUT_DAEMON_DENY);
        assert_string_equal(c->slices[0], "machine.slice");
        assert_string_equal(c->slices[1], "tenant-a.slice");
        assert_string_equal(c->slices[2], "-.slice");
        assert_null(c->slices[3]);
        assert_int_equal(c->n_rules, 2);

        rule = &c->rules[0];
        assert_string_equal(rule->name, "first one");
        assert_string_equal(rule->file, "f");
        assert_int_equal(rule->line, 9);
        assert_string_equal(rule->match_name, "web;*=\"x\"");
        assert_string_equal(rule->match_uuid, UUID);
        assert_string_equal(rule->match_slice, "tenant-a.slice");
        assert_true(rule->quota_set && rule->watermark_set);
        assert_int_equal(rule->quota, 5);
        assert_int_equal(rule->watermark, 0);

        rule = &c->rules[1];
        assert_string_equal(rule->name, "d\xc3\xa9mo");
        assert_int_equal(rule->line, 15);
        assert_string_equal(rule->match_name, "d\xc3\xa9mo");
        assert_null(rule->match_uuid);
        assert_null(rule->match_slice);
        assert_false(rule->quota_set);
        assert_true(rule->watermark_set);
        assert_int_equal(rule->watermark, 3);
}

/* Strings of the maximum length are not cut. */
static void test_longest(void **state _unused_) {
        static const char *const endings[] = { "", "\n", "\n# more\n" };

        for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
                _cleanup_(config_freep) Config *c = NULL;
                _cleanup_free_ char *text = NULL;

                /* A section name of 49 bytes and a line of 198 bytes. */
                assert_true(asprintf(&text, "[Rule " FORTY "1234]\nQuota=1\n      MatchName=%.181s1234567%s",
                                    X190, endings[i]) > 0);
                test_case("ending %zu", i);
                c = parse(text, strlen(text), NULL);
                assert_int_equal(strlen(c->rules[0].name), 44);
                assert_int_equal(strlen(c->rules[0].match_name), 188);
                assert_string_equal(c->rules[0].match_name + 181, "1234567");
        }
}

typedef struct Load {
        char *dir;
        char *main_file;
        char *dropins;
        Config *config;
        char *error;
        int r;
} Load;

static void load_done(Load *l) {
        config_free(l->config);
        free(l->error);
        free(l->main_file);
        free(l->dropins);
        test_rmdirp(&l->dir);
}

#define _cleanup_load_ _cleanup_(load_done)

static Load load_prepare(void) {
        Load l = { .dir = test_mkdtemp() };

        l.main_file = test_path(l.dir, "pasidd.conf");
        l.dropins = test_path(l.dir, "pasidd.conf.d");
        return l;
}

static void load_add(const Load *l, const char *name, const char *text) {
        (void) mkdir(l->dropins, 0755);
        free(test_write_text(l->dir, name, text));
}

static void load_run(Load *l) {
        const char *const dirs[] = { l->dir, NULL };

        l->r = config_load(dirs, "pasidd.conf", &l->config, &l->error);
        if (l->error)
                print_message("error: %s\n", l->error);
}

/* Prepends the directory to the message. */
static void assert_load_fails(Load *l, int r, const char *error) {
        _cleanup_free_ char *expected = NULL;

        load_run(l);
        assert_int_equal(l->r, r);
        assert_null(l->config);
        assert_true(asprintf(&expected, "%s/%s", l->dir, error) > 0);
        assert_non_null(l->error);
        assert_string_equal(l->error, expected);
}

static void test_load_nothing(void **state _unused_) {
        _cleanup_load_ Load l = load_prepare();

        load_run(&l);
        assert_int_equal(l.r, 0);
        assert_null(l.error);
        assert_int_equal(l.config->default_quota, 1000);
        assert_int_equal(l.config->n_rules, 0);
}

static void test_load_dropins(void **state _unused_) {
        _cleanup_load_ Load l = load_prepare();

        load_add(&l, "pasidd.conf", "[Manager]\nDefaultQuota=1\nDefaultWatermark=1\n" RULE);
        load_add(
                &l, "pasidd.conf.d/90-z.conf", "[Manager]\nDefaultQuota=3\n[Rule z]\nMatchName=z\nQuota=1\n");
        load_add(&l, "pasidd.conf.d/10-a.conf",
                "[Manager]\nDefaultQuota=2\nSlices=a.slice\n[Rule a]\nMatchName=a\nQuota=1\n");
        load_add(&l, "pasidd.conf.d/50-B.conf", "[Rule B]\nMatchName=b\nQuota=1\n");
        load_add(&l, "pasidd.conf.d/50-a.conf", "[Rule b]\nMatchName=b\nQuota=1\n");
        /* None of these is read. */
        load_add(&l, "pasidd.conf.d/README", "bogus\n");
        load_add(&l, "pasidd.conf.d/x.conf~", "bogus\n");
        load_add(&l, "pasidd.conf.d/.x.conf", "bogus\n");
        load_add(&l, "pasidd.conf.d/xconf", "bogus\n");

        load_run(&l);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.config->default_quota, 3);
        assert_int_equal(l.config->default_watermark, 1);
        assert_string_equal(l.config->slices[0], "a.slice");
        assert_null(l.config->slices[1]);
        assert_int_equal(l.config->n_rules, 5);
        assert_string_equal(l.config->rules[0].name, "r");
        assert_string_equal(l.config->rules[1].name, "a");
        assert_string_equal(l.config->rules[2].name, "B");
        assert_string_equal(l.config->rules[3].name, "b");
        assert_string_equal(l.config->rules[4].name, "z");
        assert_string_equal(strrchr(l.config->rules[4].file, '/'), "/90-z.conf");
        assert_int_equal(l.config->rules[4].line, 3);
}

/* A link to /dev/null masks a drop-in. */
static void test_load_masked(void **state _unused_) {
        _cleanup_load_ Load l = load_prepare();
        _cleanup_free_ char *link = test_path(l.dir, "pasidd.conf.d/10-a.conf");

        load_add(&l, "pasidd.conf", "[Manager]\nDefaultQuota=1\n");
        assert_int_equal(symlink("/dev/null", link), 0);
        load_run(&l);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.config->default_quota, 1);
}

/* Directories in descending order of precedence. */
static void test_load_precedence(void **state _unused_) {
        _cleanup_rmdir_ char *etc = test_mkdtemp(), *run = test_mkdtemp(), *lib = test_mkdtemp();
        const char *const dirs[] = { etc, run, "/nonexistent", lib, NULL };
        static const struct {
                unsigned dir;
                const char *name;
                const char *text;
        } files[] = {
                { 1, "pasidd.conf", "[Manager]\nDefaultQuota=10\n" },
                { 3, "pasidd.conf", "[Manager]\nDefaultQuota=20\nDefaultWatermark=9\n" }, /* masked */
                /* The same name in all directories: the first one is used, in the order of names. */
                { 0, "pasidd.conf.d/50-a.conf", "[Rule a-etc]\nMatchName=a\nQuota=1\n" },
                { 1, "pasidd.conf.d/50-a.conf", "[Rule a-run]\nMatchName=a\nQuota=1\n" },
                { 3, "pasidd.conf.d/50-a.conf", "[Rule a-lib]\nMatchName=a\nQuota=1\n" },
                /* An empty file, and further below a link to /dev/null, mask those below. */
                { 0, "pasidd.conf.d/60-b.conf", "" },
                { 3, "pasidd.conf.d/60-b.conf", "bogus\n" },
                { 3, "pasidd.conf.d/70-c.conf", "bogus\n" },
                /* Only names determine the order, not directories. */
                { 3, "pasidd.conf.d/40-d.conf", "[Rule d-lib]\nMatchName=d\nQuota=1\n" },
                { 0, "pasidd.conf.d/90-e.conf", "[Rule e-etc]\nMatchName=e\nQuota=1\n" },
                { 1, "pasidd.conf.d/80-f.conf",
                        "[Rule f-run]\nMatchName=f\nQuota=1\n[Slice s.slice]\nLimit=2\n" },
                { 3, "pasidd.conf.d/10-s.conf", "[Slice s.slice]\nLimit=1\nAdmission=warn\n" },
        };
        static const char *const rules[] = { "d-lib", "a-etc", "f-run", "e-etc" };
        _cleanup_free_ char *error = NULL, *link = test_path(run, "pasidd.conf.d/70-c.conf");
        _cleanup_(config_freep) Config *c = NULL;

        for (size_t i = 0; i < ELEMENTSOF(dirs) - 1; i++) {
                _cleanup_free_ char *dropins = test_path(dirs[i], "pasidd.conf.d");

                (void) mkdir(dropins, 0755);
        }
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                free(test_write_text(dirs[files[i].dir], files[i].name, files[i].text));
        assert_int_equal(symlink("/dev/null", link), 0);

        assert_int_equal(config_load(dirs, "pasidd.conf", &c, &error), 0);
        assert_null(error);
        assert_int_equal(c->default_quota, 10);
        assert_int_equal(c->default_watermark, 0);
        assert_int_equal(c->n_rules, ELEMENTSOF(rules));
        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                assert_string_equal(c->rules[i].name, rules[i]);

        /* A later file changes one key of a slice; the other keys stay. */
        assert_int_equal(c->n_slice_sections, 1);
        assert_int_equal(c->slice_sections[0].limit, 2);
        assert_int_equal(c->slice_sections[0].admission, ADMISSION_WARN);
        assert_non_null(strstr(c->slice_sections[0].file, "/80-f.conf"));
}

static void test_load_errors(void **state _unused_) {
        {
                _cleanup_load_ Load l = load_prepare();

                load_add(&l, "pasidd.conf", "[Manager]\nDefaultQuota=x\n");
                assert_load_fails(
                        &l, -EBADMSG, "pasidd.conf:2: DefaultQuota=x: is not a decimal number without sign");
        }
        {
                _cleanup_load_ Load l = load_prepare();

                load_add(&l, "pasidd.conf", "[Manager]\nDefaultQuota=1\n");
                load_add(&l, "pasidd.conf.d/1.conf", "[Manager]\n\nbogus\n");
                load_add(&l, "pasidd.conf.d/2.conf", "also bogus\n");
                assert_load_fails(
                        &l, -EBADMSG, "pasidd.conf.d/1.conf:3: must be [SECTION], KEY=VALUE or a comment");
        }
        {
                /* The message has both locations. */
                _cleanup_load_ Load l = load_prepare();
                _cleanup_free_ char *error = NULL;

                load_add(&l, "pasidd.conf", RULE);
                load_add(&l, "pasidd.conf.d/1.conf", "\n" RULE);
                assert_true(asprintf(&error, "pasidd.conf.d/1.conf:2: rule \"r\" is already defined at %s:1",
                                    l.main_file) > 0);
                assert_load_fails(&l, -EBADMSG, error);
        }
        {
                /* A section ends with the file. */
                _cleanup_load_ Load l = load_prepare();

                load_add(&l, "pasidd.conf", "[Manager]\n");
                load_add(&l, "pasidd.conf.d/1.conf", "DefaultQuota=1\n");
                assert_load_fails(
                        &l, -EBADMSG, "pasidd.conf.d/1.conf:1: DefaultQuota= is outside of any section");
        }
        {
                _cleanup_load_ Load l = load_prepare();

                assert_int_equal(mkdir(l.main_file, 0755), 0);
                assert_load_fails(&l, -EISDIR, "pasidd.conf: cannot read: Is a directory");
        }
        {
                _cleanup_load_ Load l = load_prepare();

                free(test_write_text(l.dir, "pasidd.conf.d", "a file in this place"));
                assert_load_fails(&l, -ENOTDIR, "pasidd.conf.d: cannot read: Not a directory");
        }
        {
                /* Dangling links. */
                _cleanup_load_ Load l = load_prepare();
                _cleanup_free_ char *link = test_path(l.dir, "pasidd.conf.d/1.conf");

                load_add(&l, "pasidd.conf", "");
                assert_int_equal(symlink("nowhere", link), 0);
                assert_load_fails(
                        &l, -ENOENT, "pasidd.conf.d/1.conf: cannot open: No such file or directory");
        }
}

/* A FIFO without a writer must neither block nor fail. */
static void test_load_fifo(void **state _unused_) {
        _cleanup_load_ Load l = load_prepare();

        assert_int_equal(mkfifo(l.main_file, 0600), 0);
        load_run(&l);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.config->default_quota, 1000);
}

static void test_names(void **state _unused_) {
        assert_string_equal(foreign_change_to_string(FOREIGN_CHANGE_REVERT), "revert");
        assert_string_equal(foreign_change_to_string(FOREIGN_CHANGE_ADOPT), "adopt");
        assert_string_equal(foreign_change_to_string(FOREIGN_CHANGE_REPORT), "report");
        assert_null(foreign_change_to_string(_FOREIGN_CHANGE_MAX));
        assert_null(foreign_change_to_string(_FOREIGN_CHANGE_INVALID));
        assert_int_equal(foreign_change_from_string("revert"), FOREIGN_CHANGE_REVERT);
        assert_int_equal(foreign_change_from_string("adopt"), FOREIGN_CHANGE_ADOPT);
        assert_int_equal(foreign_change_from_string("x"), _FOREIGN_CHANGE_INVALID);

        assert_string_equal(admission_to_string(ADMISSION_ENFORCE), "enforce");
        assert_null(admission_to_string(_ADMISSION_MAX));
        assert_int_equal(admission_from_string("warn"), ADMISSION_WARN);
        assert_int_equal(admission_from_string("Warn"), _ADMISSION_INVALID);

        assert_string_equal(hook_without_daemon_to_string(HOOK_WITHOUT_DAEMON_ALLOW), "allow");
        assert_string_equal(hook_without_daemon_to_string(HOOK_WITHOUT_DAEMON_DENY), "deny");
        assert_null(hook_without_daemon_to_string(_HOOK_WITHOUT_DAEMON_MAX));
        assert_null(hook_without_daemon_to_string(_HOOK_WITHOUT_DAEMON_INVALID));
        assert_int_equal(hook_without_daemon_from_string("allow"), HOOK_WITHOUT_DAEMON_ALLOW);
        assert_int_equal(hook_without_daemon_from_string("deny"), HOOK_WITHOUT_DAEMON_DENY);
        assert_int_equal(hook_without_daemon_from_string(""), _HOOK_WITHOUT_DAEMON_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_nul),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_longest),
                cmocka_unit_test(test_metadata_matches),
                cmocka_unit_test(test_admission),
                cmocka_unit_test(test_ratios),
                cmocka_unit_test(test_load_nothing),
                cmocka_unit_test(test_load_dropins),
                cmocka_unit_test(test_load_masked),
                cmocka_unit_test(test_load_precedence),
                cmocka_unit_test(test_load_errors),
                cmocka_unit_test(test_load_fifo),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
