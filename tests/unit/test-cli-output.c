/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <time.h>

#include "change.h"
#include "event.h"
#include "info.h"
#include "overrides.h"
#include "since.h"
#include "suggest.h"
#include "table.h"
#include "terminal.h"
#include "test-util.h"

static SetInfo sets[] = {
        { .id = 7,
                .tgid = 1234,
                .quota = 4,
                .allocated = 4,
                .peak = 4,
                .denied = 1,
                .attached = COUNT_NONE,
                .attached_peak = COUNT_NONE },
        { .id = UINT64_MAX, .tgid = 1235, .quota = 4, .watermark = 3, .attached = 1, .attached_peak = 2 },
};

static VmInfo vms[] = {
        {
                .uuid = (char *) "22222222-2222-3333-4444-555555555555",
                .name = (char *) "web",
                .state = (char *) "reserved",
                .quota_source = (char *) "default",
                .quota = 1000,
        },
        {
                .uuid = (char *) "11111111-2222-3333-4444-555555555555",
                .name = (char *) "demo",
                .state = (char *) "running",
                .unit = (char *) "machine-qemu\\x2d1\\x2ddemo.scope",
                .quota_source = (char *) "metadata",
                .quota = 4,
                .watermark = 3,
                .allocated = 4,
                .peak = 4,
                .denied = UINT64_MAX,
                .in_force = true,
                .sets = { sets, ELEMENTSOF(sets) },
        },
};

static VmList list = { vms, ELEMENTSOF(vms) };

static void test_json_mode(void **state _unused_) {
        for (int mode = 0; mode < _JSON_MODE_MAX; mode++)
                assert_int_equal(json_mode_from_string(json_mode_to_string(mode)), mode);
        assert_true(json_mode_from_string("") < 0);
        assert_true(json_mode_from_string("shortx") < 0);
        assert_true(json_mode_from_string(NULL) < 0);
        assert_null(json_mode_to_string(_JSON_MODE_MAX));
}

static void test_escape(void **state _unused_) {
        static const char *const cases[][2] = {
                { "", "" },
                { "demo", "demo" },
                { "a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f" },
                { "machine-qemu\\x2d1.scope", "machine-qemu\\x2d1.scope" },
                { "sch\xc3\xb6n", "sch\xc3\xb6n" },
                /* U+009B is equivalent to ESC [; U+00A0 and U+011B are printable */
                { "a\xc2\x9b[b", "a\\xc2\\x9b[b" },
                { "\xc2\xa0\xc4\x9b\xc2", "\xc2\xa0\xc4\x9b\\xc2" },
                /* a name that would reverse the rest of its line */
                { "e\xe2\x80\xaevil\xe2\x81\xa9\xe2\x80\xa7",
                        "e\\xe2\\x80\\xaevil\\xe2\\x81\\xa9\xe2\x80\xa7" },
                { "a\xff\x9b\xed\xa0\x80", "a\\xff\\x9b\\xed\\xa0\\x80" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *escaped = text_escape(cases[i][0]);

                assert_string_equal(escaped, cases[i][1]);
        }

        _cleanup_free_ char *lines = text_escape_lines("one\n\x1btwo");
        assert_string_equal(lines, "one\n\\x1btwo");

        _cleanup_free_ char *ascii = text_escape_ascii("sch\xc3\xb6n \\x2d\x1b");
        assert_string_equal(ascii, "sch\\xc3\\xb6n \\x2d\\x1b");
}

static void test_columns(void **state _unused_) {
        static const struct {
                const char *spec;
                size_t n;
                const char *last;
                const char *bad;
        } cases[] = {
                { NULL, 8, "DENIED" },
                { "name", 1, "NAME" },
                { "name,UUID,Watermark", 3, "WATERMARK" },
                { "name,name", 2, "NAME" },
                { "+sets", 9, "SETS" },
                { "+denied", 8, "DENIED" },
                { "+sets,name,Sets", 9, "SETS" },
                { "", 0, NULL, "" },
                { "name,", 0, NULL, "" },
                { ",name", 0, NULL, "" },
                { "nam", 0, NULL, "nam" },
                { "name,namex", 0, NULL, "namex" },
                { "name,+uuid", 0, NULL, "+uuid" },
                { "+", 0, NULL, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(columns_clear) Columns columns = {};
                _cleanup_free_ char *bad = NULL;
                int r;

                test_case("%s", cases[i].spec ?: "(null)");
                r = columns_parse(&vm_table, cases[i].spec, &columns, &bad);
                assert_int_equal(r, cases[i].bad ? -EINVAL : 0);
                assert_int_equal(columns.n_fields, cases[i].n);
                if (cases[i].bad)
                        assert_string_equal(bad, cases[i].bad);
                else
                        assert_string_equal(columns.fields[columns.n_fields - 1]->column, cases[i].last);
        }

        /* By default a record shows all fields. */
        _cleanup_(columns_clear) Columns all = {};
        assert_int_equal(columns_parse(&manager_table, NULL, &all, NULL), 0);
        assert_int_equal(all.n_fields, manager_table.n_fields);
}

/* Returns what the function prints; the caller frees it. */
#define printed(call)                                                                                        \
        ({                                                                                                   \
                char *_text = NULL;                                                                          \
                size_t _size;                                                                                \
                FILE *f = open_memstream(&_text, &_size);                                                    \
                assert_non_null(f);                                                                          \
                assert_int_equal(call, 0);                                                                   \
                assert_int_equal(fclose(f), 0);                                                              \
                _text;                                                                                       \
        })

static void test_table(void **state _unused_) {
        _cleanup_(columns_clear) Columns columns = {}, name = {}, set_columns = {};
        _cleanup_free_ char *bad = NULL, *text = NULL, *bare = NULL, *set_text = NULL, *colored = NULL;
        const Rows rows = { &vm_table, vms, ELEMENTSOF(vms) };

        vm_list_sort(&list);
        assert_int_equal(
                columns_parse(&vm_table, "name,quota,watermark,unit,inforce,sets", &columns, &bad), 0);
        assert_int_equal(columns_parse(&vm_table, "name", &name, &bad), 0);
        assert_int_equal(columns_parse(&set_table, NULL, &set_columns, &bad), 0);

        text = printed(table_print(f, &rows, &columns, true, false));
        assert_string_equal(text, "NAME QUOTA WATERMARK UNIT                            INFORCE SETS\n"
                                  "demo     4         3 machine-qemu\\x2d1\\x2ddemo.scope yes        2\n"
                                  "web   1000       off -                               no         0\n");

        bare = printed(table_print(f, &rows, &name, false, false));
        assert_string_equal(bare, "demo\nweb\n");

        vm_info_judge(vms);
        vm_info_judge(vms + 1);
        colored = printed(table_print(f, &rows, &name, false, true));
        assert_non_null(strstr(colored, COLOR_RED "demo"));
        assert_null(strstr(colored, COLOR_RED "web"));

        set_text = printed(table_print(
                f, &(Rows) { &set_table, vms[0].sets.sets, vms[0].sets.n_sets }, &set_columns, true, false));
        assert_non_null(strstr(set_text, "18446744073709551615 1235     4         3"));
}

static void test_info(void **state _unused_) {
        _cleanup_(columns_clear) Columns columns = {}, all = {};
        _cleanup_json_ json_object *array = NULL, *object = NULL;
        _cleanup_free_ char *bad = NULL, *text = NULL, *values = NULL;
        const Rows rows = { &vm_table, vms, ELEMENTSOF(vms) };

        vm_list_sort(&list);

        object = info_json(&vm_table, vms);
        assert_non_null(object);
        assert_non_null(strstr(json_object_to_json_string_ext(object, 0), "\"denied\":18446744073709551615"));
        assert_non_null(strstr(json_object_to_json_string_ext(object, 0),
                "\"sets\":[{\"id\":7,\"tgid\":1234,\"quota\":4,\"watermark\":0,\"allocated\":4,\"peak\":4,"
                "\"denied\":1},{\"id\":18446744073709551615,"));
        assert_non_null(strstr(json_object_to_json_string_ext(object, 0),
                "\"denied\":0,\"attached\":1,\"attached_peak\":2}]"));

        assert_int_equal(columns_parse(&vm_table, "name,quota,inforce", &columns, &bad), 0);
        array = table_json(&rows, &columns);
        assert_string_equal(json_object_to_json_string_ext(array, 0),
                "[{\"name\":\"demo\",\"quota\":4,\"in_force\":true},"
                "{\"name\":\"web\",\"quota\":1000,\"in_force\":false}]");

        assert_int_equal(columns_parse(&vm_table, "+inforce,cgroup", &all, &bad), 0);
        text = printed(record_print(f, vms, &all, true));
        assert_non_null(strstr(text, "          Name: demo\n"));
        assert_non_null(strstr(text, "Quota In Force: yes\n"));
        assert_non_null(strstr(text, " Control Group: -\n"));
        values = printed(record_print(f, vms, &columns, false));
        assert_string_equal(values, "demo\n4\nyes\n");
}

static void test_warnings(void **state _unused_) {
        static const struct {
                uint32_t quota, allocated;
                uint64_t denied;
                bool in_force;
                const char *state, *warnings;
                uint32_t usage, attached;
        } cases[] = {
                { 10, 8, 0, true, "running", "[]", 80 },
                { 10, 9, 0, true, "running", "[\"high\"]", 90 },
                { 10, 10, 0, true, "running", "[\"high\"]", 100 },
                { 10, 11, 0, true, "running", "[\"over\"]", 110 },
                { 0, 0, 0, true, "running", "[]", 0 },
                { 0, 1, 0, true, "running", "[\"over\"]", 0 },
                { 1048576, 1048576, 1, true, "running", "[\"high\",\"denied\"]", 100 },
                { 10, 0, UINT64_MAX, true, "running", "[\"denied\"]", 0 },
                { 10, 0, 0, false, "running", "[\"not-in-force\"]", 0 },
                { 10, 0, 0, false, "reserved", "[]", 0 },
                /* The quota applies to each of the two counts. */
                { 10, 8, 0, true, "running", "[]", 80, 8 },
                { 10, 2, 0, true, "running", "[\"high\"]", 90, 9 },
                { 10, 9, 0, true, "running", "[\"high\"]", 90, 2 },
                { 10, 0, 0, true, "running", "[\"over\"]", 110, 11 },
        };
        VmInfo many[7] = {};
        VmList some = { many, 2 };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_json_ json_object *object = NULL;
                VmInfo vm = {
                        .quota = cases[i].quota,
                        .allocated = cases[i].allocated,
                        .attached = cases[i].attached,
                        .denied = cases[i].denied,
                        .in_force = cases[i].in_force,
                        .state = (char *) cases[i].state,
                };
                json_object *warnings;

                test_case("%zu", i);
                vm_info_judge(&vm);
                assert_int_equal(vm.usage, cases[i].usage);
                object = info_json(&vm_table, &vm);
                assert_true(json_object_object_get_ex(object, "warnings", &warnings));
                assert_string_equal(json_object_to_json_string_ext(warnings, 0), cases[i].warnings);
        }

        for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                many[i] = (VmInfo) { .name = (char *) "x\n", .state = (char *) "running", .quota = 10 };
                many[i].allocated = i < 1 ? 12 : 9;
                many[i].denied = i == 1 ? 3 : 0;
                many[i].in_force = true;
                vm_info_judge(many + i);
        }

        _cleanup_free_ char *none = vm_list_warnings(&(VmList) {}), *two = vm_list_warnings(&some),
                            *seven = NULL;
        assert_string_equal(none, "");
        assert_string_equal(two, "Over quota: x\\x0a (12 of 10).\n"
                                 "Above 80 % of the quota: x\\x0a (9 of 10).\n"
                                 "PASIDs denied: x\\x0a (3). 'pasidctl set-quota' raises a quota.\n");
        some.n_vms = ELEMENTSOF(many);
        seven = vm_list_warnings(&some);
        assert_non_null(strstr(seven, "x\\x0a (9 of 10) and 1 more.\n"));
}

static void test_suggest(void **state _unused_) {
        static const char *const words[] = { "list", "show", "set-quota", "reset-quota", "set-default",
                "status", "", "schön", "q" };
        static const struct {
                const char *typed, *meant;
        } cases[] = {
                { "lits", "list" },
                { "LIST", "list" },
                { "lsit", "list" },
                { "shw", "show" },
                { "set-qouta", "set-quota" },
                { "setquota", "set-quota" },
                { "resetquota", "reset-quota" },
                { "stat", NULL },
                { "statu", "status" },
                { "x", NULL },
                { "", NULL },
                { "quota", NULL },
                { "frobnicate", NULL },
                { "schöm", "schön" },
        };
        static const struct {
                const char *a, *b;
                size_t distance;
        } distances[] = {
                { "", "", 0 },
                { "", "abc", 3 },
                { "abc", "", 3 },
                { "abc", "ABC", 0 },
                { "abc", "acb", 1 },
                { "abcd", "acbd", 1 },
                { "kitten", "sitting", 3 },
                { "ca", "abc", 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(distances); i++) {
                test_case("%s %s", distances[i].a, distances[i].b);
                assert_int_equal(edit_distance(distances[i].a, distances[i].b), distances[i].distance);
        }
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *meant = suggest(cases[i].typed, words, ELEMENTSOF(words));

                test_case("%s", cases[i].typed);
                if (cases[i].meant)
                        assert_string_equal(meant ?: "(none)", cases[i].meant);
                else
                        assert_null(meant);
        }
}

static void test_colors(void **state _unused_) {
        unsetenv("NO_COLOR");
        unsetenv("SYSTEMD_COLORS");
        setenv("TERM", "xterm", 1);
        assert_true(isatty(-1) == 0 && !terminal_has_colors(-1));
        setenv("SYSTEMD_COLORS", "1", 1);
        assert_true(terminal_has_colors(-1));
        setenv("SYSTEMD_COLORS", "Off", 1);
        assert_false(terminal_has_colors(-1));
}

static void test_change(void **state _unused_) {
        static const VmInfo demo = { .name = (char *) "demo", .uuid = (char *) "u", .allocated = 5 },
                            attached = {
                                    .name = (char *) "demo",
                                    .uuid = (char *) "u",
                                    .allocated = 1,
                                    .attached = 5,
                            };
        static const struct {
                QuotaChange change;
                const char *text, *json;
        } cases[] = {
                { { &demo, 4, 6, "persistent", false }, "demo: quota 4 -> 6 (persistent)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":6,\"source\":\"persistent\","
                        "\"allocated\":5,\"exceeds\":false,\"dry_run\":false}" },
                { { &demo, 4, 5, "runtime", true }, "demo: quota would change 4 -> 5 (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":5,\"source\":\"runtime\","
                        "\"allocated\":5,\"exceeds\":false,\"dry_run\":true}" },
                { { &demo, 6, 6, "runtime", false }, "demo: quota 6 as before (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":6,\"source\":\"runtime\","
                        "\"allocated\":5,\"exceeds\":false,\"dry_run\":false}" },
                { { &demo, 6, 6, "runtime", true }, "demo: quota would stay 6 as before (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":6,\"source\":\"runtime\","
                        "\"allocated\":5,\"exceeds\":false,\"dry_run\":true}" },
                { { &demo, 6, 3, "runtime", true },
                        "demo: quota would change 6 -> 3 (runtime)\n"
                        "demo: holds 5 PASIDs already, 2 too many; it would keep them, and would get no more until "
                        "it has freed 3",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":3,\"source\":\"runtime\","
                        "\"allocated\":5,\"exceeds\":true,\"dry_run\":true}" },
                { { &demo, 6, 0, "persistent", false },
                        "demo: quota 6 -> 0 (persistent)\n"
                        "demo: holds 5 PASIDs already, 5 too many; it keeps them, and gets no more",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":0,\"source\":\"persistent\","
                        "\"allocated\":5,\"exceeds\":true,\"dry_run\":false}" },
                { { &attached, 6, 3, "persistent", false },
                        "demo: quota 6 -> 3 (persistent)\n"
                        "demo: has attached 5 PASIDs already, 2 too many; it keeps them, and gets no more until it has "
                        "detached 3",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":3,\"source\":\"persistent\","
                        "\"attached\":5,\"allocated\":1,\"exceeds\":true,\"dry_run\":false}" },
                { { &demo, 6, 6, "runtime", false, NULL, true, 3 },
                        "demo: quota 6 as before (runtime), watermark off -> 3",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":6,\"source\":\"runtime\","
                        "\"previous_watermark\":0,\"watermark\":3,\"allocated\":5,\"exceeds\":false,\"dry_run\":false}" },
                { { &demo, 6, 7, "runtime", false, NULL, true, 0 },
                        "demo: quota 6 -> 7 (runtime), watermark off as before",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":6,\"quota\":7,\"source\":\"runtime\","
                        "\"previous_watermark\":0,\"watermark\":0,\"allocated\":5,\"exceeds\":false,\"dry_run\":false}" },
                { { NULL, UINT32_MAX, 64, "persistent", true, "a.slice" },
                        "a.slice: limit would change none -> 64 (persistent)",
                        "{\"slice\":\"a.slice\",\"quota\":64,\"source\":\"persistent\",\"dry_run\":true}" },
                { { NULL, 64, UINT32_MAX, "none", false, "a.slice" }, "a.slice: limit 64 -> none (none)",
                        "{\"slice\":\"a.slice\",\"previous\":64,\"source\":\"none\",\"dry_run\":false}" },
                { { NULL, 1000, 0, "persistent", false }, "default: quota 1000 -> 0 (persistent)",
                        "{\"previous\":1000,\"quota\":0,\"source\":\"persistent\",\"dry_run\":false}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_json_ json_object *object = quota_change_json(&cases[i].change);
                _cleanup_free_ char *text = quota_change_text(&cases[i].change);

                assert_string_equal(text, cases[i].text);
                assert_string_equal(json_object_to_json_string_ext(object, 0), cases[i].json);
        }
}

static void test_event(void **state _unused_) {
        _cleanup_json_ json_object *event = NULL, *arguments = NULL, *more = NULL;
        _cleanup_free_ char *text = NULL;

        setenv("TZ", "UTC-2", 1);
        tzset();

        event = event_new(UINT64_C(1700000000000042), "QuotaExceeded");
        assert_non_null(event);
        arguments = json_tokener_parse("[\"u-1\",\"a b\\n\\u009b\",\"/p\",7,\"quota\",4,4,0,\"new\"]");
        assert_int_equal(event_add_arguments(event, "QuotaExceeded", arguments), 0);
        more = json_tokener_parse("{\"Quota\":6,\"Status\":\"two words\",\"Empty\":\"\"}");
        assert_int_equal(json_add(event, "changed", json_object_get(more)), 0);

        assert_string_equal(json_object_to_json_string_ext(event, JSON_C_TO_STRING_NOSLASHESCAPE),
                "{\"time\":\"2023-11-15T00:13:20.000042+02:00\",\"event\":\"QuotaExceeded\",\"uuid\":\"u-1\","
                "\"name\":\"a b\\n\xc2\x9b\",\"path\":\"/p\",\"set\":7,\"reason\":\"quota\",\"allocated\":4,\"quota\":4,"
                "\"suppressed\":0,\"arg8\":\"new\","
                "\"changed\":{\"Quota\":6,\"Status\":\"two words\",\"Empty\":\"\"}}");

        text = event_text(event);
        assert_string_equal(text,
                "2023-11-15T00:13:20.000042+02:00 QuotaExceeded \"a b\\n\\xc2\\x9b\" uuid=u-1 set=7 reason=quota allocated=4 "
                "quota=4 suppressed=0 arg8=new Quota=6 Status=\"two words\" Empty=\"\"");
}

static void test_since(void **state _unused_) {
        static const struct {
                const char *s;
                int64_t seconds; /* since the epoch; -1: no time */
                int64_t usec;
        } cases[] = {
                /* 2023-11-15 00:13:20, two hours east of Greenwich. */
                { "now", 1700000000 },
                { "today", 1699999200 },
                { "yesterday", 1699912800 },
                { "2h", 1699992800 },
                { "-2h", 1699992800 },
                { "2h ago", 1699992800 },
                { "2 hours ago", 1699992800 },
                { "1 day ago", 1699913600 },
                { "15minutes", 1699999100 },
                { "90s", 1699999910 },
                { "15min", 1699999100 },
                { "3d", 1699740800 },
                { "1w", 1699395200 },
                { "@1234567890", 1234567890 },
                { "2023-11-14 23:59:59", 1699999199 },
                { "2023-11-14T23:59:59", 1699999199 },
                { "2023-11-14T23:59:59Z", 1700006399 },
                { "2023-11-14T23:59:59.123456+02:00", 1699999199, 123456 },
                { "2023-11-14T23:59:59.0019999Z", 1700006399, 1999 },
                { "2023-11-14T23:59:59-03:30", 1700018999 },
                { "2023-11-14 23:59", 1699999140 },
                { "2023-11-14", 1699912800 },
                { "00:10", 1699999800 },
                { "00:10:01", 1699999801 },
                { "", -1 },
                { "2", -1 },
                { "2x", -1 },
                { "h", -1 },
                { "-2h ago", -1 },
                { "2h later", -1 },
                { "@", -1 },
                { "@1x", -1 },
                { "@99999999999999999999", -1 },
                { "99999999999w", -1 },
                { "2023-13-14", -1 },
                { "2023-11-14 25:00", -1 },
                { "2023-11-14x", -1 },
                { "2023-02-30", -1 },
                { "2023-02-30T00:00:00Z", -1 },
                { "2023-11-14T23:59:59.", -1 },
                { "2023-11-14T23:59:59+02:00x", -1 },
                { "1hourss", -1 },
                { "2 ", -1 },
                { "1ss", -1 },
                { "10:30 ", -1 },
                { "tomorrow", -1 },
        };

        setenv("TZ", "UTC-2", 1);
        tzset();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t usec = 42;
                int r;

                test_case("%s", cases[i].s);
                r = since_parse(cases[i].s, UINT64_C(1700000000000000), &usec);
                assert_int_equal(r, cases[i].seconds < 0 ? -EINVAL : 0);
                assert_int_equal(
                        usec, cases[i].seconds < 0 ? 42 : cases[i].seconds * 1000000 + cases[i].usec);
        }
}

static void test_overrides(void **state _unused_) {
        static const char good[] =
                "{\"version\":1,\"overrides\":["
                "{\"layer\":\"persistent\",\"kind\":\"vm\",\"key\":\"u-1\",\"name\":\"sch\u00f6n\","
                "\"values\":{\"quota\":0,\"watermark\":1048576}},"
                "{\"layer\":\"runtime\",\"kind\":\"default\",\"key\":\"\",\"name\":\"\",\"values\":{\"quota\":5}}]}";
        static const struct {
                const char *from, *to, *error;
        } cases[] = {
                { "\"version\":1", "\"version\":2", "version 2 is not 1" },
                { "\"version\":1,", "", "no version" },
                { "\"overrides\":", "\"override\":", "no list" },
                { "persistent", "permanent", "override 1: the layer \"permanent\"" },
                { "default", "host", "override 2: the kind \"host\"" },
                { "\"key\":\"u-1\",", "", "override 1: \"key\" is not a string" },
                { "\"key\":\"u-1\"", "\"key\":1", "override 1: \"key\" is not a string" },
                { "\"quota\":5", "\"quota\":-1", "override 2: quota -1 is not a number" },
                { "\"quota\":5", "\"quota\":1048577", "1048577 is not a number from 0 to 1048576" },
                { "\"quota\":5", "\"quota\":\"5\"", "quota \"5\" is not a number" },
                { "\"quota\":5", "\"quota\":5.5", "5.5 is not a number" },
                { "\"quota\":5", "\"qouta\":5", "the value \"qouta\" is missing" },
                { "\"quota\":5", "", "must be a non-empty object" },
                { "\"values\":{\"quota\":5}", "\"value\":{}", "has no \"values\"" },
                { "\"layer\":\"runtime\"", "\"extra\":1,\"layer\":\"runtime\"", "an unknown key" },
                { "\"overrides\":[",
                        "\"overrides\":[{\"layer\":\"runtime\",\"kind\":\"default\",\"key\":\"\","
                        "\"name\":\"\",\"values\":{\"quota\":6}},",
                        "override 3: duplicate of an earlier override of default" },
                { "}]}", "}]", "not a JSON object" },
                { "}]}", "}]}{}", "unexpected data after the JSON object: \"{}\"" },
                { "}]}", "}]} \n.", "unexpected data after the JSON object: \".\"" },
                { "}]}", "}],\"more\":1}", "keys other than version and overrides" },
                { "sch", "\xff", "not a JSON object" },
                { good, "1", "not a JSON object" },
                { good, "", "not a JSON object" },
        };
        _cleanup_(rows_clear) Rows rows = { .table = &override_table };
        _cleanup_json_ json_object *again = NULL;
        _cleanup_free_ char *error = NULL;

        assert_int_equal(overrides_parse(good, &rows, &error), 0);
        assert_int_equal(rows.n_rows, 2);
        again = overrides_format(&rows);
        assert_string_equal(json_object_to_json_string_ext(again, 0), good);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(rows_clear) Rows bad_rows = { .table = &override_table };
                _cleanup_free_ char *text = NULL, *why = NULL;
                const char *at = strstr(good, cases[i].from);

                test_case("%s", cases[i].to);
                assert_non_null(at);
                assert_true(asprintf(&text, "%.*s%s%s", (int) (at - good), good, cases[i].to,
                                    at + strlen(cases[i].from)) >= 0);
                assert_int_equal(overrides_parse(text, &bad_rows, &why), -EBADMSG);
                assert_non_null(strstr(why, cases[i].error));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_mode),
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_suggest),
                cmocka_unit_test(test_colors),
                cmocka_unit_test(test_change),
                cmocka_unit_test(test_event),
                cmocka_unit_test(test_since),
                cmocka_unit_test(test_overrides),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
