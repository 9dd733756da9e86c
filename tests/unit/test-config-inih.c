/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ini.h>

#include "config-parser.h"
#include "test-util.h"

int __real_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);

/* Simulates an inih with INI_CALL_HANDLER_ON_NEW_SECTION: calls the handler without key and value for each section. */
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user) {
        assert_int_equal(handler(user, "Manager", NULL, NULL), 1);
        return __real_ini_parse_stream(reader, stream, handler, user);
}

static void test_new_section(void **state) {
        _cleanup_(config_freep) Config *config = config_new();
        _cleanup_free_ char *error = NULL;
        static char text[] = "[Manager]\nDefaultQuota=7\n";
        FILE *f = fmemopen(text, sizeof(text) - 1, "r");

        assert_non_null(f);
        assert_non_null(config);
        assert_int_equal(config_parse_stream(config, f, "test.conf", &error), 0);
        assert_int_equal(config->default_quota, 7);
        fclose(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_section),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
