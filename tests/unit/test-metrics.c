/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metrics.h"
#include "test-util.h"

static const uint64_t events[_EVENT_TYPE_MAX] = { [EVENT_QUOTA_EXCEEDED] = 4 };

static char *format(const MetricsVM *vms, size_t n_vms) {
        const Metrics metrics = {
                .version = "1.2",
                .capacity = 100,
                .default_quota = 5,
                .allocated = 7,
                .attached = 9,
                .committed = 12,
                .resyncs = 2,
                .events = events,
                .vms = vms,
                .n_vms = n_vms,
        };
        char *text;

        assert_int_equal(metrics_format(&metrics, &text), 0);
        return text;
}

static void assert_line(const char *text, const char *line) {
        size_t n = strlen(line);

        for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
                if (strncmp(p, line, n) == 0 && p[n] == '\n')
                        return;

        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_host(void **state _unused_) {
        _cleanup_free_ char *text = format(NULL, 0);

        assert_line(text, "pasidd_build_info{version=\"1.2\"} 1");
        assert_line(text, "pasidd_capacity 100");
        assert_line(text, "pasidd_default_quota 5");
        assert_line(text, "pasidd_allocated 7");
        assert_line(text, "pasidd_attached 9");
        assert_line(text, "pasidd_committed 12");
        assert_line(text, "pasidd_vms{state=\"running\"} 0");
        assert_line(text, "pasidd_resyncs_total 2");
        assert_line(text, "pasidd_events_total{type=\"quota-exceeded\"} 4");
        assert_line(text, "pasidd_events_total{type=\"resync\"} 0");
        assert_line(text, "# TYPE pasidd_vm_denied_total counter");
}

static void test_vms(void **state _unused_) {
        const MetricsVM vms[] = {
                {
                        .uuid = "u1",
                        .name = "web",
                        .running = true,
                        .in_force = true,
                        .quota = 4,
                        .watermark = 3,
                        .allocated = 2,
                        .attached = 11,
                        .peak = 3,
                        .denied = UINT64_MAX,
                        .n_sets = 1,
                },
                { .uuid = "u2", .name = "" },
        };
        _cleanup_free_ char *text = format(vms, ELEMENTSOF(vms));

        assert_line(text, "pasidd_vms{state=\"running\"} 1");
        assert_line(text, "pasidd_vms{state=\"reserved\"} 1");
        assert_line(text, "pasidd_vm_quota{uuid=\"u1\",name=\"web\"} 4");
        assert_line(text, "pasidd_vm_watermark{uuid=\"u1\",name=\"web\"} 3");
        assert_line(text, "pasidd_vm_quota_in_force{uuid=\"u1\",name=\"web\"} 1");
        assert_line(text, "pasidd_vm_allocated{uuid=\"u1\",name=\"web\"} 2");
        assert_line(text, "pasidd_vm_attached{uuid=\"u1\",name=\"web\"} 11");
        assert_line(text, "pasidd_vm_peak{uuid=\"u1\",name=\"web\"} 3");
        assert_line(text, "pasidd_vm_sets{uuid=\"u1\",name=\"web\"} 1");
        assert_line(text, "pasidd_vm_denied_total{uuid=\"u1\",name=\"web\"} 18446744073709551615");
        assert_line(text, "pasidd_vm_quota_in_force{uuid=\"u2\",name=\"\"} 0");
}

static void test_labels(void **state _unused_) {
        static const struct {
                const char *name, *label;
        } cases[] = {
                { "a\"b\\c\nd", "a\\\"b\\\\c\\nd" },
                { "{x=\"1\"} 5", "{x=\\\"1\\\"} 5" },
                { "\303\244\360\237\230\200", "\303\244\360\237\230\200" },
                { "a\377b\303", "a\357\277\275b\357\277\275" },
                { "\300\200", "\357\277\275\357\277\275" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const MetricsVM vm = { .uuid = "u", .name = cases[i].name };
                _cleanup_free_ char *text = format(&vm, 1), *line = NULL;

                test_case("row %zu", i);
                assert_true(asprintf(&line, "pasidd_vm_quota{uuid=\"u\",name=\"%s\"} 0", cases[i].label) > 0);
                assert_line(text, line);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_host),
                cmocka_unit_test(test_vms),
                cmocka_unit_test(test_labels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
