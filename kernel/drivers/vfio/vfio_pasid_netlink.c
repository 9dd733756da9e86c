// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets of VFIO users: the generic netlink family
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include <kunit/visibility.h>
#include <uapi/linux/vfio_pasid.h>

#include "vfio_pasid_nl.h"
#include "vfio_pasid_priv.h"

/*
 * Orders the events: each one gets its number, reads the set and is queued to
 * the listeners under this lock.  The memory for it is allocated before.  A
 * change is made before its event is numbered, so whoever reads the sequence
 * number and then the sets has seen the effect of all events up to that number.
 */
static DEFINE_SPINLOCK(vfio_pasid_event_lock);
static u64 vfio_pasid_event_seq;

u64 vfio_pasid_last_seq(void)
{
	u64 seq;

	spin_lock(&vfio_pasid_event_lock);
	seq = vfio_pasid_event_seq;
	spin_unlock(&vfio_pasid_event_lock);
	return seq;
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_last_seq);

static int vfio_pasid_put_set(struct sk_buff *skb, struct vfio_pasid_set *set,
			      u64 seq)
{
	if (nla_put_u64_64bit(skb, VFIO_PASID_A_SET_ID, set->id,
			      VFIO_PASID_A_SET_PAD) ||
	    nla_put_u32(skb, VFIO_PASID_A_SET_TGID, set->tgid) ||
	    nla_put_u64_64bit(skb, VFIO_PASID_A_SET_START_TIME,
			      set->start_time, VFIO_PASID_A_SET_PAD) ||
	    nla_put_u64_64bit(skb, VFIO_PASID_A_SET_CGROUP_ID, set->cgroup_id,
			      VFIO_PASID_A_SET_PAD) ||
	    nla_put_u32(skb, VFIO_PASID_A_SET_QUOTA, READ_ONCE(set->quota)) ||
	    nla_put_u32(skb, VFIO_PASID_A_SET_WATERMARK,
			READ_ONCE(set->watermark)) ||
	    nla_put_u32(skb, VFIO_PASID_A_SET_ALLOCATED,
			READ_ONCE(set->held)) ||
	    nla_put_u32(skb, VFIO_PASID_A_SET_PEAK, READ_ONCE(set->peak)) ||
	    nla_put_u64_64bit(skb, VFIO_PASID_A_SET_DENIED,
			      atomic64_read(&set->denied),
			      VFIO_PASID_A_SET_PAD) ||
	    nla_put_u64_64bit(skb, VFIO_PASID_A_SET_SEQ, seq,
			      VFIO_PASID_A_SET_PAD))
		return -EMSGSIZE;
	return 0;
}

int vfio_pasid_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 capacity, allocated, nr_sets;
	struct sk_buff *msg;
	void *hdr;
	u64 seq;

	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	hdr = genlmsg_iput(msg, info);
	if (!hdr)
		goto err_free;

	seq = vfio_pasid_last_seq();
	allocated = iommu_global_pasid_usage(&capacity);
	spin_lock(&vfio_pasid_sets_lock);
	nr_sets = vfio_pasid_nr_sets;
	spin_unlock(&vfio_pasid_sets_lock);

	if (nla_put_u32(msg, VFIO_PASID_A_INFO_CAPACITY, capacity) ||
	    nla_put_u32(msg, VFIO_PASID_A_INFO_ALLOCATED, allocated) ||
	    nla_put_u32(msg, VFIO_PASID_A_INFO_DEFAULT_QUOTA,
			READ_ONCE(vfio_pasid_default_quota)) ||
	    nla_put_u32(msg, VFIO_PASID_A_INFO_MAX_SETS,
			READ_ONCE(vfio_pasid_max_sets)) ||
	    nla_put_u32(msg, VFIO_PASID_A_INFO_SETS, nr_sets) ||
	    nla_put_u64_64bit(msg, VFIO_PASID_A_INFO_SEQ, seq,
			      VFIO_PASID_A_INFO_PAD))
		goto err_free;

	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);

err_free:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

int vfio_pasid_nl_set_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vfio_pasid_set *set;
	struct sk_buff *msg;
	int ret = -ENOENT;
	void *hdr;
	u64 seq;
	u64 id;

	if (GENL_REQ_ATTR_CHECK(info, VFIO_PASID_A_SET_ID))
		return -EINVAL;
	id = nla_get_u64(info->attrs[VFIO_PASID_A_SET_ID]);

	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	hdr = genlmsg_iput(msg, info);
	if (!hdr) {
		ret = -EMSGSIZE;
		goto err_free;
	}

	seq = vfio_pasid_last_seq();
	spin_lock(&vfio_pasid_sets_lock);
	list_for_each_entry(set, &vfio_pasid_sets, entry) {
		if (set->id == id) {
			ret = vfio_pasid_put_set(msg, set, seq);
			break;
		}
	}
	spin_unlock(&vfio_pasid_sets_lock);
	if (ret == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[VFIO_PASID_A_SET_ID],
				    "no such set");
	if (ret)
		goto err_free;

	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);

err_free:
	nlmsg_free(msg);
	return ret;
}

struct vfio_pasid_dump_ctx {
	u64 seq;
	u64 last_id;
	bool begun;
};

int vfio_pasid_nl_set_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct vfio_pasid_dump_ctx *ctx = (void *)cb->ctx;
	const struct genl_info *info = genl_info_dump(cb);
	struct vfio_pasid_set *set;
	int ret = 0;
	void *hdr;

	BUILD_BUG_ON(sizeof(*ctx) > sizeof(cb->ctx));

	if (!ctx->begun) {
		ctx->seq = vfio_pasid_last_seq();
		ctx->begun = true;
	}

	spin_lock(&vfio_pasid_sets_lock);
	list_for_each_entry(set, &vfio_pasid_sets, entry) {
		if (set->id <= ctx->last_id)
			continue;

		ret = -EMSGSIZE;
		hdr = genlmsg_iput(skb, info);
		if (!hdr)
			break;
		ret = vfio_pasid_put_set(skb, set, ctx->seq);
		if (ret) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		ctx->last_id = set->id;
	}
	spin_unlock(&vfio_pasid_sets_lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_nl_set_get_dumpit);

static u32 vfio_pasid_limit_reason(int err)
{
	switch (err) {
	case -EDQUOT:
		return VFIO_PASID_LIMIT_REASON_QUOTA;
	case -EBUSY:
		return VFIO_PASID_LIMIT_REASON_CGROUP;
	default:
		return VFIO_PASID_LIMIT_REASON_RANGE;
	}
}

static bool vfio_pasid_has_listeners(void)
{
	return genl_has_listeners(&vfio_pasid_nl_family, &init_net,
				  VFIO_PASID_NLGRP_EVENTS);
}

static int vfio_pasid_put_event(struct sk_buff *msg, struct vfio_pasid_set *set,
				u8 cmd, int err, u32 suppressed)
{
	void *hdr;

	hdr = genlmsg_put(msg, 0, 0, &vfio_pasid_nl_family, 0, cmd);
	if (!hdr || vfio_pasid_put_set(msg, set, vfio_pasid_event_seq))
		return -EMSGSIZE;
	if (err && (nla_put_u32(msg, VFIO_PASID_A_SET_REASON,
				vfio_pasid_limit_reason(err)) ||
		    nla_put_u32(msg, VFIO_PASID_A_SET_SUPPRESSED, suppressed)))
		return -EMSGSIZE;

	genlmsg_end(msg, hdr);
	return 0;
}

/* @err is the refusal of a limit-hit event, and 0 for all others. */
static void vfio_pasid_send(struct vfio_pasid_set *set, u8 cmd, int err,
			    u32 suppressed)
{
	struct sk_buff *msg = NULL;

	/* Guests' threads come here: nobody waits for their memory. */
	if (vfio_pasid_has_listeners())
		msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	spin_lock(&vfio_pasid_event_lock);
	vfio_pasid_event_seq++;
	if (!vfio_pasid_has_listeners())
		goto out_unlock;

	if (!msg || vfio_pasid_put_event(msg, set, cmd, err, suppressed)) {
		/*
		 * An event that cannot be sent leaves a gap, like one that a
		 * listener loses; and is reported in the same way, as the next
		 * one may be long in coming.
		 */
		genl_set_err(&vfio_pasid_nl_family, &init_net, 0,
			     VFIO_PASID_NLGRP_EVENTS, -ENOBUFS);
		goto out_unlock;
	}

	genlmsg_multicast(&vfio_pasid_nl_family, msg, 0,
			  VFIO_PASID_NLGRP_EVENTS, GFP_ATOMIC);
	msg = NULL;

out_unlock:
	spin_unlock(&vfio_pasid_event_lock);
	nlmsg_free(msg);
}

void vfio_pasid_notify(struct vfio_pasid_set *set, enum vfio_pasid_event event)
{
	static const u8 cmds[] = {
		[VFIO_PASID_EVENT_SET_ADD] = VFIO_PASID_CMD_SET_ADD_NTF,
		[VFIO_PASID_EVENT_SET_DEL] = VFIO_PASID_CMD_SET_DEL_NTF,
		[VFIO_PASID_EVENT_QUOTA_CHANGE] =
			VFIO_PASID_CMD_QUOTA_CHANGE_NTF,
		[VFIO_PASID_EVENT_WATERMARK_HIT] =
			VFIO_PASID_CMD_WATERMARK_HIT_NTF,
	};

	vfio_pasid_send(set, cmds[event], 0, 0);
}

void vfio_pasid_notify_limit(struct vfio_pasid_set *set, int err,
			     u32 suppressed)
{
	vfio_pasid_send(set, VFIO_PASID_CMD_LIMIT_HIT_NTF, err, suppressed);
}

int __init vfio_pasid_netlink_init(void)
{
	return genl_register_family(&vfio_pasid_nl_family);
}

MODULE_ALIAS_GENL_FAMILY(VFIO_PASID_FAMILY_NAME);
