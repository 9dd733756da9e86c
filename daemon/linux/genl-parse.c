/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/vfio_pasid.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include "genl-parse.h"
#include "macro.h"
#include "quota.h"

/* libnl uses the type only as a lower bound of the size, so the upper bound is set as well. */
#define ATTR_U32 { .type = NLA_U32, .minlen = sizeof(uint32_t), .maxlen = sizeof(uint32_t) }
#define ATTR_U64 { .type = NLA_U64, .minlen = sizeof(uint64_t), .maxlen = sizeof(uint64_t) }

static const struct nla_policy set_policy[VFIO_PASID_A_SET_MAX + 1] = {
        [VFIO_PASID_A_SET_ID] = ATTR_U64,
        [VFIO_PASID_A_SET_TGID] = ATTR_U32,
        [VFIO_PASID_A_SET_START_TIME] = ATTR_U64,
        [VFIO_PASID_A_SET_CGROUP_ID] = ATTR_U64,
        [VFIO_PASID_A_SET_QUOTA] = ATTR_U32,
        [VFIO_PASID_A_SET_WATERMARK] = ATTR_U32,
        [VFIO_PASID_A_SET_ALLOCATED] = ATTR_U32,
        [VFIO_PASID_A_SET_PEAK] = ATTR_U32,
        [VFIO_PASID_A_SET_DENIED] = ATTR_U64,
        [VFIO_PASID_A_SET_SEQ] = ATTR_U64,
        [VFIO_PASID_A_SET_REASON] = ATTR_U32,
        [VFIO_PASID_A_SET_SUPPRESSED] = ATTR_U32,
        [VFIO_PASID_A_SET_ATTACHED] = ATTR_U32,
        [VFIO_PASID_A_SET_ATTACHED_PEAK] = ATTR_U32,
};

static const struct nla_policy info_policy[VFIO_PASID_A_INFO_MAX + 1] = {
        [VFIO_PASID_A_INFO_CAPACITY] = ATTR_U32,
        [VFIO_PASID_A_INFO_ALLOCATED] = ATTR_U32,
        [VFIO_PASID_A_INFO_DEFAULT_QUOTA] = ATTR_U32,
        [VFIO_PASID_A_INFO_MAX_SETS] = ATTR_U32,
        [VFIO_PASID_A_INFO_SETS] = ATTR_U32,
        [VFIO_PASID_A_INFO_SEQ] = ATTR_U64,
};

/* Reads a number of PASIDs, which cannot exceed QUOTA_MAX. */
static int get_count(struct nlattr *attr, uint32_t *ret) {
        uint32_t value;

        if (!attr)
                return -EBADMSG;

        value = nla_get_u32(attr);
        if (value > QUOTA_MAX)
                return -EBADMSG;

        *ret = value;
        return 0;
}

/* The kernel has one list of reasons for both counts. */
static void set_reason(KernelMessage *m, uint32_t reason) {
        static const struct {
                KernelLimitReason reason;
                KernelCount count;
        } table[] = {
                [VFIO_PASID_LIMIT_REASON_QUOTA] = { KERNEL_LIMIT_QUOTA, KERNEL_COUNT_PASIDS },
                [VFIO_PASID_LIMIT_REASON_CGROUP] = { KERNEL_LIMIT_CGROUP, KERNEL_COUNT_PASIDS },
                [VFIO_PASID_LIMIT_REASON_RANGE] = { KERNEL_LIMIT_RANGE, KERNEL_COUNT_PASIDS },
                [VFIO_PASID_LIMIT_REASON_ATTACH_QUOTA] = { KERNEL_LIMIT_QUOTA, KERNEL_COUNT_ATTACHED },
                [VFIO_PASID_LIMIT_REASON_ATTACH_CGROUP] = { KERNEL_LIMIT_CGROUP, KERNEL_COUNT_ATTACHED },
        };

        /* A newer kernel may have more reasons. */
        m->reason = reason < ELEMENTSOF(table) ? table[reason].reason : KERNEL_LIMIT_OTHER;
        m->count = reason < ELEMENTSOF(table) ? table[reason].count : KERNEL_COUNT_PASIDS;
}

/* A kernel sends both attributes or neither. */
static int parse_attached(struct nlattr *attached, struct nlattr *peak, KernelSet *set) {
        if (!attached && !peak)
                return 0;

        set->counts_attached = true;
        if (get_count(attached, &set->attached) < 0 || get_count(peak, &set->attached_peak) < 0)
                return -EBADMSG;

        return 0;
}

static int parse_set(struct nlmsghdr *nlh, KernelMessage *m) {
        struct nlattr *tb[VFIO_PASID_A_SET_MAX + 1];

        if (genlmsg_parse(nlh, 0, tb, VFIO_PASID_A_SET_MAX, set_policy) < 0)
                return -EBADMSG;

        if (!tb[VFIO_PASID_A_SET_ID] || !tb[VFIO_PASID_A_SET_TGID] || !tb[VFIO_PASID_A_SET_START_TIME] ||
                !tb[VFIO_PASID_A_SET_DENIED] || !tb[VFIO_PASID_A_SET_SEQ])
                return -EBADMSG;

        if (get_count(tb[VFIO_PASID_A_SET_QUOTA], &m->set.quota) < 0 ||
                get_count(tb[VFIO_PASID_A_SET_WATERMARK], &m->set.watermark) < 0 ||
                get_count(tb[VFIO_PASID_A_SET_ALLOCATED], &m->set.allocated) < 0 ||
                get_count(tb[VFIO_PASID_A_SET_PEAK], &m->set.peak) < 0 ||
                parse_attached(tb[VFIO_PASID_A_SET_ATTACHED], tb[VFIO_PASID_A_SET_ATTACHED_PEAK], &m->set) <
                        0)
                return -EBADMSG;

        m->set.id = nla_get_u64(tb[VFIO_PASID_A_SET_ID]);
        m->set.tgid = nla_get_u32(tb[VFIO_PASID_A_SET_TGID]);
        m->set.start_time = nla_get_u64(tb[VFIO_PASID_A_SET_START_TIME]);
        m->set.denied = nla_get_u64(tb[VFIO_PASID_A_SET_DENIED]);
        m->seq = nla_get_u64(tb[VFIO_PASID_A_SET_SEQ]);
        if (tb[VFIO_PASID_A_SET_CGROUP_ID])
                m->set.cgroup_id = nla_get_u64(tb[VFIO_PASID_A_SET_CGROUP_ID]);

        if (m->type == KERNEL_MESSAGE_LIMIT_HIT) {
                if (!tb[VFIO_PASID_A_SET_REASON] || !tb[VFIO_PASID_A_SET_SUPPRESSED])
                        return -EBADMSG;

                set_reason(m, nla_get_u32(tb[VFIO_PASID_A_SET_REASON]));
                if (m->count == KERNEL_COUNT_ATTACHED && !m->set.counts_attached)
                        return -EBADMSG;

                m->suppressed = nla_get_u32(tb[VFIO_PASID_A_SET_SUPPRESSED]);
        }

        return 0;
}

static int parse_info(struct nlmsghdr *nlh, KernelMessage *m) {
        struct nlattr *tb[VFIO_PASID_A_INFO_MAX + 1];

        if (genlmsg_parse(nlh, 0, tb, VFIO_PASID_A_INFO_MAX, info_policy) < 0)
                return -EBADMSG;

        if (!tb[VFIO_PASID_A_INFO_MAX_SETS] || !tb[VFIO_PASID_A_INFO_SETS] || !tb[VFIO_PASID_A_INFO_SEQ])
                return -EBADMSG;

        if (get_count(tb[VFIO_PASID_A_INFO_CAPACITY], &m->info.capacity) < 0 ||
                get_count(tb[VFIO_PASID_A_INFO_ALLOCATED], &m->info.allocated) < 0 ||
                get_count(tb[VFIO_PASID_A_INFO_DEFAULT_QUOTA], &m->info.default_quota) < 0)
                return -EBADMSG;

        m->info.max_sets = nla_get_u32(tb[VFIO_PASID_A_INFO_MAX_SETS]);
        m->info.sets = nla_get_u32(tb[VFIO_PASID_A_INFO_SETS]);
        m->seq = nla_get_u64(tb[VFIO_PASID_A_INFO_SEQ]);
        return 0;
}

/* Of an unknown event only the sequence number is used, so that it does not count as lost. */
static int parse_other(struct nlmsghdr *nlh, KernelMessage *m) {
        struct nlattr *tb[VFIO_PASID_A_SET_MAX + 1];

        if (genlmsg_parse(nlh, 0, tb, VFIO_PASID_A_SET_MAX, set_policy) < 0 || !tb[VFIO_PASID_A_SET_SEQ])
                return -EOPNOTSUPP;

        m->seq = nla_get_u64(tb[VFIO_PASID_A_SET_SEQ]);
        return 0;
}

static KernelMessageType command_to_type(uint8_t cmd) {
        static const KernelMessageType types[VFIO_PASID_CMD_MAX + 1] = {
                [VFIO_PASID_CMD_INFO_GET] = KERNEL_MESSAGE_INFO,
                [VFIO_PASID_CMD_SET_GET] = KERNEL_MESSAGE_SET,
                [VFIO_PASID_CMD_SET_ADD_NTF] = KERNEL_MESSAGE_SET_ADD,
                [VFIO_PASID_CMD_SET_DEL_NTF] = KERNEL_MESSAGE_SET_DEL,
                [VFIO_PASID_CMD_QUOTA_CHANGE_NTF] = KERNEL_MESSAGE_QUOTA_CHANGE,
                [VFIO_PASID_CMD_LIMIT_HIT_NTF] = KERNEL_MESSAGE_LIMIT_HIT,
                [VFIO_PASID_CMD_WATERMARK_HIT_NTF] = KERNEL_MESSAGE_WATERMARK_HIT,
        };

        return cmd == 0 || cmd > VFIO_PASID_CMD_MAX ? KERNEL_MESSAGE_OTHER : types[cmd];
}

int genl_message_parse(struct nlmsghdr *nlh, KernelMessage *ret) {
        KernelMessage m = {};
        int r;

        if (!genlmsg_valid_hdr(nlh, 0))
                return -EBADMSG;

        m.type = command_to_type(genlmsg_hdr(nlh)->cmd);
        if (m.type == KERNEL_MESSAGE_INFO)
                r = parse_info(nlh, &m);
        else if (m.type == KERNEL_MESSAGE_OTHER)
                r = parse_other(nlh, &m);
        else
                r = parse_set(nlh, &m);
        if (r < 0)
                return r;

        *ret = m;
        return 0;
}

void genl_sequence_reset(GenlSequence *s, uint64_t seq) {
        *s = (GenlSequence) { .last = seq, .valid = true };
}

GenlSequenceResult genl_sequence_next(GenlSequence *s, uint64_t seq) {
        if (!s->valid)
                return GENL_SEQUENCE_GAP;

        /* Compare the distance, because the counter may wrap around. */
        int64_t distance = (int64_t) (seq - s->last);

        if (distance <= 0)
                return GENL_SEQUENCE_STALE;

        s->last = seq;
        return distance == 1 ? GENL_SEQUENCE_OK : GENL_SEQUENCE_GAP;
}
