/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event-log.h"
#include "test-util.h"

static uint64_t add(EventLog *log, EventType type, const char *message) {
        return event_log_add(log, &(Event) { .type = type, .message = message });
}

static void test_empty(void **state) {
        EventLog *log;

        assert_int_equal(event_log_new(4, 100, &log), 0);
        assert_int_equal(event_log_last_sequence(log), 100);
        assert_null(event_log_next(log, 0));
        assert_false(event_log_missed(log, 0));
        assert_false(event_log_missed(log, 100));
        /* Numbers up to last_sequence belong to an earlier run. */
        assert_true(event_log_missed(log, 99));
        event_log_free(log);
        assert_null(event_log_free(NULL));
}

static void test_copies(void **state) {
        char name[] = "web", message[] = "hello", text[] = "quota";
        EventDetail details[] = {
                { .name = "reason", .type = 's', .text = text },
                { .name = "set", .type = 't', .number = UINT64_MAX },
        };
        const Event *event;
        EventLog *log;

        assert_int_equal(event_log_new(4, 7, &log), 0);
        assert_int_equal(event_log_add(log,
                                 &(Event) {
                                         .sequence = 55,
                                         .usec = 12,
                                         .type = EVENT_QUOTA_EXCEEDED,
                                         .uuid = "3f5bd5c6-6a0c-4a30-a6c0-6c2f3c3e9d10",
                                         .name = name,
                                         .message = message,
                                         .details = details,
                                         .n_details = 2,
                                 }),
                8);
        memset(name, 'x', 3);
        memset(message, 'x', 5);
        memset(text, 'x', 5);
        memset(details, 0, sizeof(details));

        event = event_log_next(log, 0);
        assert_int_equal(event->sequence, 8);
        assert_int_equal(event->usec, 12);
        assert_int_equal(event->type, EVENT_QUOTA_EXCEEDED);
        assert_string_equal(event->uuid, "3f5bd5c6-6a0c-4a30-a6c0-6c2f3c3e9d10");
        assert_string_equal(event->name, "web");
        assert_string_equal(event->message, "hello");
        assert_int_equal(event->n_details, 2);
        assert_string_equal(event->details[0].name, "reason");
        assert_string_equal(event->details[0].text, "quota");
        assert_int_equal(event->details[1].type, 't');
        assert_true(event->details[1].number == UINT64_MAX);
        assert_null(event->details[1].text);
        assert_null(event_log_next(log, 8));
        event_log_free(log);
}

static void test_ring(void **state) {
        const Event *event;
        EventLog *log;
        uint64_t since = 0;

        assert_int_equal(event_log_new(4, 100, &log), 0);
        for (int i = 1; i <= 4; i++)
                assert_int_equal(add(log, EVENT_RESYNC, "x"), 100 + i);
        assert_false(event_log_missed(log, 100));
        assert_int_equal(event_log_next(log, 100)->sequence, 101);

        assert_int_equal(add(log, EVENT_QUOTA_CHANGED, "y"), 105);
        assert_int_equal(add(log, EVENT_RESYNC, "z"), 106);
        assert_int_equal(event_log_last_sequence(log), 106);

        /* 101 and 102 have left the ring. */
        assert_true(event_log_missed(log, 100));
        assert_true(event_log_missed(log, 101));
        assert_false(event_log_missed(log, 102));
        assert_false(event_log_missed(log, 0));

        for (uint64_t expected = 103; (event = event_log_next(log, since)); since = event->sequence)
                assert_int_equal(event->sequence, expected++);
        assert_int_equal(since, 106);
        assert_string_equal(event_log_next(log, 105)->message, "z");
        assert_string_equal(event_log_next(log, 104)->message, "y");
        assert_null(event_log_next(log, 106));
        assert_false(event_log_missed(log, 106));

        /* A number of a run whose clock was ahead: its owner has seen nothing of this run. */
        assert_int_equal(event_log_next(log, 107)->sequence, 103);
        assert_int_equal(event_log_next(log, UINT64_MAX)->sequence, 103);
        assert_true(event_log_missed(log, 107));

        assert_int_equal(event_log_count(log, EVENT_RESYNC), 5);
        assert_int_equal(event_log_count(log, EVENT_QUOTA_CHANGED), 1);
        assert_int_equal(event_log_count(log, EVENT_OVERCOMMITTED), 0);
        event_log_free(log);
}

static void test_names(void **state) {
        for (EventType a = 0; a < _EVENT_TYPE_MAX; a++)
                for (EventType b = 0; b < a; b++)
                        assert_string_not_equal(event_type_to_string(a), event_type_to_string(b));
        assert_string_equal(event_type_to_string(EVENT_QUOTA_EXCEEDED), "quota-exceeded");
        assert_string_equal(event_type_to_string(EVENT_RESYNC), "resync");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_ring),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
