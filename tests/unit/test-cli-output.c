/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <time.h>

#include "change.h"
#include "event.h"
#include "info.h"
#include "test-util.h"

static SetInfo sets[] = {
        { .id = 7, .tgid = 1234, .quota = 4, .allocated = 4, .peak = 4, .denied = 1 },
        { .id = UINT64_MAX, .tgid = 1235, .quota = 4, .watermark = 3 },
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
                /* U+009B is what ESC [ is; the byte alone, and before U+00A0, is not */
                { "a\xc2\x9b[b", "a\\xc2\\x9b[b" },
                { "\xc2\xa0\xc4\x9b\xc2", "\xc2\xa0\xc4\x9b\xc2" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *escaped = text_escape(cases[i][0]);

                assert_string_equal(escaped, cases[i][1]);
        }

        _cleanup_free_ char *lines = text_escape_lines("one\n\x1btwo");
        assert_string_equal(lines, "one\n\\x1btwo");
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
                { "", 0, NULL, "" },
                { "name,", 0, NULL, "" },
                { ",name", 0, NULL, "" },
                { "nam", 0, NULL, "nam" },
                { "name,namex", 0, NULL, "namex" },
                { "name,+uuid", 0, NULL, "+uuid" },
                { "+", 0, NULL, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ const InfoField **columns = NULL;
                _cleanup_free_ char *bad = NULL;
                size_t n = 0;
                int r;

                test_case("%s", cases[i].spec ?: "(null)");
                r = vm_columns_parse(cases[i].spec, &columns, &n, &bad);
                assert_int_equal(r, cases[i].bad ? -EINVAL : 0);
                assert_int_equal(n, cases[i].n);
                if (cases[i].bad)
                        assert_string_equal(bad, cases[i].bad);
                else
                        assert_string_equal(columns[n - 1]->column, cases[i].last);
        }
}

/* What the function prints, to be freed. */
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
        _cleanup_free_ const InfoField **columns = NULL;
        _cleanup_free_ char *bad = NULL, *text = NULL, *bare = NULL, *set_text = NULL;
        size_t n;

        vm_list_sort(&list);
        assert_int_equal(vm_columns_parse("name,quota,watermark,unit,inforce,sets", &columns, &n, &bad), 0);

        text = printed(vm_table_print(f, &list, columns, n, true));
        assert_string_equal(text, "NAME QUOTA WATERMARK UNIT                            INFORCE SETS\n"
                                  "demo     4         3 machine-qemu\\x2d1\\x2ddemo.scope yes        2\n"
                                  "web   1000       off -                               no         0\n");

        bare = printed(vm_table_print(f, &list, columns, 1, false));
        assert_string_equal(bare, "demo\nweb\n");

        set_text = printed(set_table_print(f, &vms[0].sets, true));
        assert_non_null(strstr(set_text, "18446744073709551615 1235     4         3"));
}

static void test_info(void **state _unused_) {
        _cleanup_free_ const InfoField **columns = NULL;
        _cleanup_json_ json_object *array = NULL, *object = NULL;
        _cleanup_free_ char *bad = NULL, *text = NULL;
        size_t n;

        vm_list_sort(&list);

        object = info_json(vm_fields, n_vm_fields, vms);
        assert_non_null(object);
        assert_non_null(strstr(json_object_to_json_string_ext(object, 0), "\"denied\":18446744073709551615"));
        assert_non_null(strstr(json_object_to_json_string_ext(object, 0),
                "\"sets\":[{\"id\":7,\"tgid\":1234,\"quota\":4,\"watermark\":0,\"allocated\":4,\"peak\":4,"
                "\"denied\":1},{\"id\":18446744073709551615,"));

        assert_int_equal(vm_columns_parse("name,quota,inforce", &columns, &n, &bad), 0);
        array = vm_table_json(&list, columns, n);
        assert_string_equal(json_object_to_json_string_ext(array, 0),
                "[{\"name\":\"demo\",\"quota\":4,\"in_force\":true},"
                "{\"name\":\"web\",\"quota\":1000,\"in_force\":false}]");

        text = printed(info_print(f, vm_fields, n_vm_fields, vms));
        assert_non_null(strstr(text, "          Name: demo\n"));
        assert_non_null(strstr(text, "Quota In Force: yes\n"));
        assert_non_null(strstr(text, " Control Group: -\n"));
}

static void test_change(void **state _unused_) {
        static const struct {
                QuotaChange change;
                const char *text, *json;
        } cases[] = {
                { { "demo", "u", 4, 6, "persistent", false }, "demo: quota 4 -> 6 (persistent)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":6,\"source\":\"persistent\","
                        "\"dry_run\":false}" },
                { { "demo", "u", 4, 6, "runtime", true }, "demo: quota would change 4 -> 6 (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":6,\"source\":\"runtime\","
                        "\"dry_run\":true}" },
                { { "demo", "u", 4, 4, "runtime", false }, "demo: quota 4 as before (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":4,\"source\":\"runtime\","
                        "\"dry_run\":false}" },
                { { "demo", "u", 4, 4, "runtime", true }, "demo: quota would stay 4 as before (runtime)",
                        "{\"name\":\"demo\",\"uuid\":\"u\",\"previous\":4,\"quota\":4,\"source\":\"runtime\","
                        "\"dry_run\":true}" },
                { { NULL, NULL, 1000, 0, "persistent", false }, "default: quota 1000 -> 0 (persistent)",
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
        arguments = json_tokener_parse("[\"u-1\",\"a b\\n\",\"/p\",7,\"quota\",4,4,0,\"new\"]");
        assert_int_equal(event_add_arguments(event, "QuotaExceeded", arguments), 0);
        more = json_tokener_parse("{\"Quota\":6,\"Status\":\"two words\",\"Empty\":\"\"}");
        assert_int_equal(json_add(event, "changed", json_object_get(more)), 0);

        assert_string_equal(json_object_to_json_string_ext(event, JSON_C_TO_STRING_NOSLASHESCAPE),
                "{\"time\":\"2023-11-15T00:13:20.000042+02:00\",\"event\":\"QuotaExceeded\",\"uuid\":\"u-1\","
                "\"name\":\"a b\\n\",\"path\":\"/p\",\"set\":7,\"reason\":\"quota\",\"allocated\":4,\"quota\":4,"
                "\"suppressed\":0,\"arg8\":\"new\","
                "\"changed\":{\"Quota\":6,\"Status\":\"two words\",\"Empty\":\"\"}}");

        text = event_text(event);
        assert_string_equal(text,
                "2023-11-15T00:13:20.000042+02:00 QuotaExceeded \"a b\\n\" uuid=u-1 set=7 reason=quota allocated=4 "
                "quota=4 suppressed=0 arg8=new Quota=6 Status=\"two words\" Empty=\"\"");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_mode),
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_change),
                cmocka_unit_test(test_event),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
