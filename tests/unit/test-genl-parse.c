/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/vfio_pasid.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "genl-parse.h"
#include "test-util.h"

typedef struct nl_msg NlMsg;
DEFINE_CLEANUP_FUNC(NlMsg *, nlmsg_free, nlmsg_freep);
#define _cleanup_nlmsg_ _cleanup_(nlmsg_freep)

typedef struct Attr {
        int type;
        int size;
        uint64_t value;
} Attr;

#define U32(a, v) { VFIO_PASID_A_##a, sizeof(uint32_t), (v) }
#define U64(a, v) { VFIO_PASID_A_##a, sizeof(uint64_t), (v) }

static const Attr set_attrs[] = {
        U64(SET_ID, UINT64_C(0x100000001)),
        U32(SET_TGID, 4711),
        U64(SET_START_TIME, UINT64_C(0x200000002)),
        U64(SET_CGROUP_ID, UINT64_C(0x300000003)),
        U32(SET_QUOTA, 1048576),
        U32(SET_WATERMARK, 0),
        U32(SET_ALLOCATED, 3),
        U32(SET_PEAK, 4),
        U64(SET_DENIED, UINT64_C(0x400000004)),
        U64(SET_SEQ, UINT64_C(0x500000005)),
        U32(SET_REASON, VFIO_PASID_LIMIT_REASON_CGROUP),
        U32(SET_SUPPRESSED, UINT32_MAX),
        U32(SET_ATTACHED, 5),
        U32(SET_ATTACHED_PEAK, 6),
};

/* The attributes of kernels that do not count attached PASIDs. */
#define N_SET_ATTRS_OLD (ELEMENTSOF(set_attrs) - 2)

static const Attr info_attrs[] = {
        U32(INFO_CAPACITY, 1048575),
        U32(INFO_ALLOCATED, 5),
        U32(INFO_DEFAULT_QUOTA, 1000),
        U32(INFO_MAX_SETS, 4096),
        U32(INFO_SETS, 2),
        U64(INFO_SEQ, UINT64_C(0x500000005)),
};

/* Copies attributes, replacing those whose type is in change. A size of -1 omits the attribute. */
static struct nl_msg *make(uint8_t cmd, const Attr *attrs, size_t n, const Attr *change) {
        struct nl_msg *m = nlmsg_alloc();

        assert_non_null(m);
        assert_non_null(genlmsg_put(m, 0, 0, 0x1f, 0, 0, cmd, VFIO_PASID_FAMILY_VERSION));
        for (size_t i = 0; i < n; i++) {
                Attr a = change && change->type == attrs[i].type ? *change : attrs[i];
                uint32_t u32 = (uint32_t) a.value;
                uint8_t data[16] = {};

                if (a.size < 0)
                        continue;
                if (a.size == sizeof(u32))
                        memcpy(data, &u32, sizeof(u32));
                else
                        memcpy(data, &a.value, sizeof(a.value));
                assert_int_equal(nla_put(m, a.type, a.size, data), 0);
        }

        return m;
}

static const struct {
        uint8_t cmd;
        KernelMessageType type;
} commands[] = {
        { VFIO_PASID_CMD_SET_GET, KERNEL_MESSAGE_SET },
        { VFIO_PASID_CMD_SET_ADD_NTF, KERNEL_MESSAGE_SET_ADD },
        { VFIO_PASID_CMD_SET_DEL_NTF, KERNEL_MESSAGE_SET_DEL },
        { VFIO_PASID_CMD_QUOTA_CHANGE_NTF, KERNEL_MESSAGE_QUOTA_CHANGE },
        { VFIO_PASID_CMD_LIMIT_HIT_NTF, KERNEL_MESSAGE_LIMIT_HIT },
        { VFIO_PASID_CMD_WATERMARK_HIT_NTF, KERNEL_MESSAGE_WATERMARK_HIT },
};

static void test_set(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                _cleanup_nlmsg_ struct nl_msg *m =
                        make(commands[i].cmd, set_attrs, ELEMENTSOF(set_attrs), NULL);
                KernelMessage g;

                test_case("command %u", commands[i].cmd);
                assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
                assert_int_equal(g.type, commands[i].type);
                assert_true(g.seq == UINT64_C(0x500000005));
                assert_true(g.set.id == UINT64_C(0x100000001));
                assert_int_equal(g.set.tgid, 4711);
                assert_true(g.set.start_time == UINT64_C(0x200000002));
                assert_true(g.set.cgroup_id == UINT64_C(0x300000003));
                assert_int_equal(g.set.quota, 1048576);
                assert_int_equal(g.set.watermark, 0);
                assert_int_equal(g.set.allocated, 3);
                assert_int_equal(g.set.peak, 4);
                assert_true(g.set.denied == UINT64_C(0x400000004));
                assert_true(g.set.counts_attached);
                assert_int_equal(g.set.attached, 5);
                assert_int_equal(g.set.attached_peak, 6);
                assert_int_equal(g.count, KERNEL_COUNT_PASIDS);
                if (g.type == KERNEL_MESSAGE_LIMIT_HIT) {
                        assert_int_equal(g.reason, KERNEL_LIMIT_CGROUP);
                        assert_true(g.suppressed == UINT32_MAX);
                }
        }
}

/* A kernel that does not count attached PASIDs. */
static void test_old_set(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                _cleanup_nlmsg_ struct nl_msg *m = make(commands[i].cmd, set_attrs, N_SET_ATTRS_OLD, NULL);
                KernelMessage g;

                test_case("command %u", commands[i].cmd);
                assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
                assert_false(g.set.counts_attached);
                assert_int_equal(g.set.attached, 0);
                assert_int_equal(g.count, KERNEL_COUNT_PASIDS);
        }
}

static void test_reason_numbers(void **state _unused_) {
        static const struct {
                uint32_t number;
                KernelLimitReason reason;
                KernelCount count;
        } cases[] = {
                { 0, KERNEL_LIMIT_QUOTA, KERNEL_COUNT_PASIDS },
                { 1, KERNEL_LIMIT_CGROUP, KERNEL_COUNT_PASIDS },
                { 2, KERNEL_LIMIT_RANGE, KERNEL_COUNT_PASIDS },
                { 3, KERNEL_LIMIT_QUOTA, KERNEL_COUNT_ATTACHED },
                { 4, KERNEL_LIMIT_CGROUP, KERNEL_COUNT_ATTACHED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Attr change = U32(SET_REASON, cases[i].number);
                _cleanup_nlmsg_ struct nl_msg *m =
                        make(VFIO_PASID_CMD_LIMIT_HIT_NTF, set_attrs, ELEMENTSOF(set_attrs), &change);
                _cleanup_nlmsg_ struct nl_msg *old =
                        make(VFIO_PASID_CMD_LIMIT_HIT_NTF, set_attrs, N_SET_ATTRS_OLD, &change);
                KernelMessage g;

                test_case("reason %u", cases[i].number);
                assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
                assert_int_equal(g.reason, cases[i].reason);
                assert_int_equal(g.count, cases[i].count);
                /* Kernels with these reasons count attached PASIDs. */
                assert_int_equal(genl_message_parse(nlmsg_hdr(old), &g),
                        cases[i].count == KERNEL_COUNT_ATTACHED ? -EBADMSG : 0);
        }
}

#define PASIDS   (1U << KERNEL_COUNT_PASIDS)
#define ATTACHED (1U << KERNEL_COUNT_ATTACHED)

static void test_watermark_counts(void **state _unused_) {
        static const struct {
                uint32_t watermark;
                struct {
                        uint32_t allocated, attached;
                } before, now;
                unsigned counts;
        } cases[] = {
                /* One count reaches the watermark. */
                { 5, { 4, 0 }, { 5, 0 }, PASIDS },
                { 5, { 0, 4 }, { 0, 5 }, ATTACHED },
                { 5, { 0, 0 }, { 0, 90 }, ATTACHED },
                /* The other one had reached it before. */
                { 5, { 7, 4 }, { 7, 5 }, ATTACHED },
                { 5, { 4, 7 }, { 5, 7 }, PASIDS },
                /* Both do. */
                { 5, { 4, 4 }, { 5, 5 }, PASIDS | ATTACHED },
                { 5, { 0, 4 }, { 9, 5 }, PASIDS | ATTACHED },
                /* The counters were read between the crossing and the event. */
                { 5, { 5, 1 }, { 5, 1 }, PASIDS },
                { 5, { 1, 5 }, { 1, 5 }, ATTACHED },
                { 5, { 5, 6 }, { 5, 6 }, PASIDS | ATTACHED },
                /* They have fallen since. */
                { 5, { 4, 0 }, { 4, 0 }, PASIDS },
                { 5, { 0, 4 }, { 0, 4 }, ATTACHED },
                { 5, { 4, 4 }, { 4, 4 }, PASIDS },
                /* The watermark is off. */
                { 0, { 1, 0 }, { 2, 3 }, ATTACHED },
                { 0, { 0, 0 }, { 0, 0 }, PASIDS },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* The previous watermark may be different. */
                const KernelSet before = {
                        .watermark = 3,
                        .allocated = cases[i].before.allocated,
                        .attached = cases[i].before.attached,
                };
                const KernelSet now = {
                        .watermark = cases[i].watermark,
                        .allocated = cases[i].now.allocated,
                        .attached = cases[i].now.attached,
                };
                bool counts[_KERNEL_COUNT_MAX];

                test_case("%zu", i);
                kernel_watermark_counts(&before, &now, counts);
                assert_true(counts[KERNEL_COUNT_PASIDS] == !!(cases[i].counts & PASIDS));
                assert_true(counts[KERNEL_COUNT_ATTACHED] == !!(cases[i].counts & ATTACHED));
        }
}

static void test_info(void **state _unused_) {
        _cleanup_nlmsg_ struct nl_msg *m =
                make(VFIO_PASID_CMD_INFO_GET, info_attrs, ELEMENTSOF(info_attrs), NULL);
        KernelMessage g;

        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
        assert_int_equal(g.type, KERNEL_MESSAGE_INFO);
        assert_true(g.seq == UINT64_C(0x500000005));
        assert_int_equal(g.info.capacity, 1048575);
        assert_int_equal(g.info.allocated, 5);
        assert_int_equal(g.info.default_quota, 1000);
        assert_int_equal(g.info.max_sets, 4096);
        assert_int_equal(g.info.sets, 2);
}

/* Changes one attribute at a time. */
static void check_change(uint8_t cmd, const Attr *attrs, size_t n, Attr change, int r) {
        _cleanup_nlmsg_ struct nl_msg *m = make(cmd, attrs, n, &change);
        KernelMessage g = { .seq = 99 };

        test_case("command %u attribute %d size %d value %llu", cmd, change.type, change.size,
                (unsigned long long) change.value);
        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), r);
        if (r < 0)
                assert_true(g.seq == 99);
}

static bool may_lack(uint8_t cmd, int type) {
        switch (type) {
        case VFIO_PASID_A_SET_CGROUP_ID:
                return cmd != VFIO_PASID_CMD_INFO_GET;
        case VFIO_PASID_A_SET_REASON:
        case VFIO_PASID_A_SET_SUPPRESSED:
                return cmd != VFIO_PASID_CMD_LIMIT_HIT_NTF;
        default:
                return false;
        }
}

static void check_malformed(uint8_t cmd, const Attr *attrs, size_t n) {
        for (size_t i = 0; i < n; i++) {
                check_change(cmd, attrs, n, (Attr) { attrs[i].type, -1, 0 },
                        may_lack(cmd, attrs[i].type) ? 0 : -EBADMSG);

                for (int size = 0; size <= 12; size++)
                        check_change(cmd, attrs, n, (Attr) { attrs[i].type, size, attrs[i].value },
                                size == attrs[i].size ? 0 : -EBADMSG);
        }
}

static void test_malformed(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                check_malformed(commands[i].cmd, set_attrs, ELEMENTSOF(set_attrs));
        check_malformed(VFIO_PASID_CMD_INFO_GET, info_attrs, ELEMENTSOF(info_attrs));
}

static void test_impossible(void **state _unused_) {
        static const Attr set_changes[] = {
                U32(SET_QUOTA, 1048577),
                U32(SET_WATERMARK, 1048577),
                U32(SET_ALLOCATED, UINT32_MAX),
                U32(SET_PEAK, 1048577),
                U32(SET_ATTACHED, 1048577),
                U32(SET_ATTACHED_PEAK, UINT32_MAX),
        };
        static const Attr info_changes[] = {
                U32(INFO_CAPACITY, 1048577),
                U32(INFO_ALLOCATED, 1048577),
                U32(INFO_DEFAULT_QUOTA, 1048577),
        };

        for (size_t i = 0; i < ELEMENTSOF(set_changes); i++)
                check_change(VFIO_PASID_CMD_LIMIT_HIT_NTF, set_attrs, ELEMENTSOF(set_attrs), set_changes[i],
                        -EBADMSG);
        for (size_t i = 0; i < ELEMENTSOF(info_changes); i++)
                check_change(VFIO_PASID_CMD_INFO_GET, info_attrs, ELEMENTSOF(info_attrs), info_changes[i],
                        -EBADMSG);

        /* An attribute without a meaning in this message is ignored. */
        check_change(VFIO_PASID_CMD_SET_GET, set_attrs, ELEMENTSOF(set_attrs), (Attr) U32(SET_REASON, 99), 0);
}

/* A later kernel may have reasons unknown to this version. */
static void test_other_reasons(void **state _unused_) {
        static const uint32_t others[] = { VFIO_PASID_LIMIT_REASON_ATTACH_CGROUP + 1, UINT32_MAX };

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                Attr change = U32(SET_REASON, others[i]);
                _cleanup_nlmsg_ struct nl_msg *m =
                        make(VFIO_PASID_CMD_LIMIT_HIT_NTF, set_attrs, ELEMENTSOF(set_attrs), &change);
                KernelMessage g;

                assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
                assert_int_equal(g.reason, KERNEL_LIMIT_OTHER);
                assert_int_equal(g.count, KERNEL_COUNT_PASIDS);
        }
}

static void test_lacks_cgroup(void **state _unused_) {
        Attr without = { VFIO_PASID_A_SET_CGROUP_ID, -1, 0 };
        _cleanup_nlmsg_ struct nl_msg *m =
                make(VFIO_PASID_CMD_SET_GET, set_attrs, ELEMENTSOF(set_attrs), &without);
        KernelMessage g;

        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);
        assert_true(g.set.cgroup_id == 0);
}

/* A later kernel may have more attributes. */
static void test_unknown(void **state _unused_) {
        static const uint8_t unknown[] = { 0, __VFIO_PASID_CMD_MAX, 255 };
        _cleanup_nlmsg_ struct nl_msg *m =
                make(VFIO_PASID_CMD_SET_GET, set_attrs, ELEMENTSOF(set_attrs), NULL);
        KernelMessage g = { .seq = 99 };

        assert_int_equal(nla_put_string(m, VFIO_PASID_A_SET_MAX + 1, "new"), 0);
        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), 0);

        g.seq = 99;
        for (size_t i = 0; i < ELEMENTSOF(unknown); i++) {
                _cleanup_nlmsg_ struct nl_msg *u = make(unknown[i], set_attrs, ELEMENTSOF(set_attrs), NULL);

                /* Its sequence number counts nevertheless. */
                assert_int_equal(genl_message_parse(nlmsg_hdr(u), &g), 0);
                assert_int_equal(g.type, KERNEL_MESSAGE_OTHER);
                assert_true(g.seq == UINT64_C(0x500000005));
        }

        g.seq = 99;
        for (size_t i = 0; i < ELEMENTSOF(unknown); i++) {
                _cleanup_nlmsg_ struct nl_msg *u = make(unknown[i], NULL, 0, NULL);

                assert_int_equal(genl_message_parse(nlmsg_hdr(u), &g), -EOPNOTSUPP);
        }
        assert_true(g.seq == 99);
}

/* Truncated at every length: never read past the end (sanitizers detect that), never accepted. */
static void test_truncated(void **state _unused_) {
        _cleanup_nlmsg_ struct nl_msg *m =
                make(VFIO_PASID_CMD_LIMIT_HIT_NTF, set_attrs, N_SET_ATTRS_OLD, NULL);
        uint32_t len = nlmsg_hdr(m)->nlmsg_len;

        for (uint32_t n = sizeof(struct nlmsghdr); n < len; n++) {
                _cleanup_free_ struct nlmsghdr *cut = malloc(n);
                KernelMessage g = { .seq = 99 };

                memcpy(cut, nlmsg_hdr(m), n);
                cut->nlmsg_len = n;
                test_case("%u of %u bytes", n, len);
                assert_int_equal(genl_message_parse(cut, &g), -EBADMSG);
                assert_true(g.seq == 99);
        }
}

/* An attribute that claims to be longer than the message. */
static void test_overlong(void **state _unused_) {
        _cleanup_nlmsg_ struct nl_msg *m =
                make(VFIO_PASID_CMD_SET_GET, set_attrs, ELEMENTSOF(set_attrs), NULL);
        struct nlattr *first = genlmsg_attrdata(genlmsg_hdr(nlmsg_hdr(m)), 0);
        KernelMessage g;

        first->nla_len = UINT16_MAX;
        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), -EBADMSG);
        first->nla_len = 0;
        assert_int_equal(genl_message_parse(nlmsg_hdr(m), &g), -EBADMSG);
}

static void test_reasons(void **state _unused_) {
        assert_string_equal(kernel_limit_reason_to_string(KERNEL_LIMIT_QUOTA), "quota");
        assert_string_equal(kernel_limit_reason_to_string(KERNEL_LIMIT_CGROUP), "limit");
        assert_string_equal(kernel_limit_reason_to_string(KERNEL_LIMIT_RANGE), "range");
        assert_string_equal(kernel_limit_reason_to_string(KERNEL_LIMIT_OTHER), "other");
        assert_null(kernel_limit_reason_to_string((KernelLimitReason) 4));
}

static void test_sequence(void **state _unused_) {
        GenlSequence s = {};

        /* Before the first reset. */
        assert_int_equal(genl_sequence_next(&s, 1), GENL_SEQUENCE_GAP);
        assert_int_equal(genl_sequence_next(&s, 2), GENL_SEQUENCE_GAP);

        genl_sequence_reset(&s, 10);
        assert_int_equal(genl_sequence_next(&s, 9), GENL_SEQUENCE_STALE);
        assert_int_equal(genl_sequence_next(&s, 10), GENL_SEQUENCE_STALE);
        assert_int_equal(genl_sequence_next(&s, 11), GENL_SEQUENCE_OK);
        assert_int_equal(genl_sequence_next(&s, 11), GENL_SEQUENCE_STALE);
        assert_int_equal(genl_sequence_next(&s, 12), GENL_SEQUENCE_OK);

        /* Continues after a gap. */
        assert_int_equal(genl_sequence_next(&s, 14), GENL_SEQUENCE_GAP);
        assert_int_equal(genl_sequence_next(&s, 15), GENL_SEQUENCE_OK);
        assert_int_equal(genl_sequence_next(&s, 13), GENL_SEQUENCE_STALE);

        /* A dump that is newer than events in the socket's buffer. */
        genl_sequence_reset(&s, 20);
        assert_int_equal(genl_sequence_next(&s, 16), GENL_SEQUENCE_STALE);
        assert_int_equal(genl_sequence_next(&s, 21), GENL_SEQUENCE_OK);

        /* When the module is reloaded, the sequence starts again. */
        genl_sequence_reset(&s, 0);
        assert_int_equal(genl_sequence_next(&s, 1), GENL_SEQUENCE_OK);

        genl_sequence_reset(&s, UINT64_MAX);
        assert_int_equal(genl_sequence_next(&s, 0), GENL_SEQUENCE_OK);
        assert_int_equal(genl_sequence_next(&s, UINT64_MAX), GENL_SEQUENCE_STALE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_old_set),
                cmocka_unit_test(test_reason_numbers),
                cmocka_unit_test(test_watermark_counts),
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_impossible),
                cmocka_unit_test(test_lacks_cgroup),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_overlong),
                cmocka_unit_test(test_other_reasons),
                cmocka_unit_test(test_reasons),
                cmocka_unit_test(test_sequence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
