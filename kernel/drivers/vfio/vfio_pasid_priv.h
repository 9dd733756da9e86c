/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID sets of VFIO users: shared by the parts of the vfio_pasid module.
 */
#ifndef __VFIO_PASID_PRIV_H__
#define __VFIO_PASID_PRIV_H__

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>

#include "vfio_pasid.h"

/* A PASID has 20 bits, so more than this can never be held. */
#define VFIO_PASID_QUOTA_MAX	BIT(20)
#define VFIO_PASID_LAST		((u32)BIT(20) - 1)

/* PASIDs of one bitmap.  All the bitmaps of a set take 128 KiB. */
#define VFIO_PASID_LEAF_BITS	4096
#define VFIO_PASID_LEAVES	(BIT(20) / VFIO_PASID_LEAF_BITS)

struct vfio_pasid_set {
	u64 id;
	struct mm_struct *mm;		/* the key, see vfio_pasid_bind() */
	struct list_head entry;		/* in vfio_pasid_sets */
	unsigned int users;		/* containers, vfio_pasid_sets_lock */
	struct device *dev;

	/* Of the process that the set was made for, constant. */
	pid_t tgid;
	u64 start_time;			/* clock ticks since boot */
	u64 cgroup_id;

	/* Written by sysfs without a lock. */
	u32 quota;
	u32 watermark;			/* 0: off */

	/*
	 * Under lock, but for readers that only report.  A bit in leaves is a
	 * PASID that the user holds.  Pending is what is being asked for, or
	 * was given but not seen by the user yet: it counts towards the quota,
	 * and nowhere else.
	 */
	spinlock_t lock;
	u32 pending;
	u32 held;
	u32 peak;
	atomic64_t denied;
	bool watermark_due;
	u32 suppressed;			/* refusals not reported */
	struct ratelimit_state limit_rs;
	struct ratelimit_state watermark_rs;

	/* Bitmaps, made when first used and kept until the set goes. */
	unsigned long *leaves[VFIO_PASID_LEAVES];
};

enum vfio_pasid_event {
	VFIO_PASID_EVENT_SET_ADD,
	VFIO_PASID_EVENT_SET_DEL,
	VFIO_PASID_EVENT_QUOTA_CHANGE,
	VFIO_PASID_EVENT_WATERMARK_HIT,
};

extern struct list_head vfio_pasid_sets;	/* by ascending id */
extern struct mutex vfio_pasid_sets_lock;
extern unsigned int vfio_pasid_nr_sets;
extern unsigned int vfio_pasid_max_sets;
extern unsigned int vfio_pasid_default_quota;

extern const struct attribute_group *vfio_pasid_set_groups[];

#if IS_ENABLED(CONFIG_VFIO_PASID_NETLINK)
int __init vfio_pasid_netlink_init(void);
void vfio_pasid_netlink_exit(void);
void vfio_pasid_notify(struct vfio_pasid_set *set, enum vfio_pasid_event event);
void vfio_pasid_notify_limit(struct vfio_pasid_set *set, int err,
			     u32 suppressed);
u64 vfio_pasid_last_seq(void);
#else
static inline int vfio_pasid_netlink_init(void)
{
	return 0;
}

static inline void vfio_pasid_netlink_exit(void)
{
}

static inline void vfio_pasid_notify(struct vfio_pasid_set *set,
				     enum vfio_pasid_event event)
{
}

static inline void vfio_pasid_notify_limit(struct vfio_pasid_set *set, int err,
					   u32 suppressed)
{
}
#endif

#endif /* __VFIO_PASID_PRIV_H__ */
