/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID sets of VFIO users: shared by the parts of the vfio_pasid module.
 */
#ifndef __VFIO_PASID_PRIV_H__
#define __VFIO_PASID_PRIV_H__

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cgroup.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>

#include "vfio_pasid.h"

/* A PASID has 20 bits, so more than this can never be held. */
#define VFIO_PASID_QUOTA_MAX	BIT(20)
#define VFIO_PASID_LAST		((u32)BIT(20) - 1)

/* PASIDs of one bitmap.  All the bitmaps of a set take 128 KiB. */
#define VFIO_PASID_LEAF_BITS	4096
#define VFIO_PASID_LEAVES	(BIT(20) / VFIO_PASID_LEAF_BITS)

/* Bitmaps of PASIDs, made when first used and kept until the map goes. */
struct vfio_pasid_map {
	unsigned long *leaves[VFIO_PASID_LEAVES];
};

struct vfio_pasid_set {
	u64 id;
	struct mmu_notifier notifier;	/* of the mm that is the key */
	struct device *dev;

	/* Under vfio_pasid_sets_lock. */
	struct list_head entry;		/* in vfio_pasid_sets */
	struct hlist_node by_mm;
	unsigned int users;		/* containers */
	unsigned int releasing;		/* threads that free what was held */
	bool mm_gone;

	/* Of the process that the set was made for, constant. */
	pid_t tgid;
	u64 start_time;			/* clock ticks since boot */
	u64 cgroup_id;

	/* Written by sysfs without a lock. */
	u32 quota;
	u32 watermark;			/* 0: off */

	/*
	 * What counts towards the quota: what the user holds, what is being
	 * asked for or was given but not seen by the user yet, and what is
	 * being given back.
	 */
	atomic_t charged;
	atomic64_t denied;

	/*
	 * Under lock, but for readers that only report.  A bit in map is a
	 * PASID that the user holds, held is their number.
	 */
	spinlock_t lock;
	struct vfio_pasid_map *map;
	u32 held;
	u32 peak;
	bool watermark_due;
	u32 suppressed;			/* refusals not reported */
	struct ratelimit_state limit_rs;
	struct ratelimit_state watermark_rs;
};

enum vfio_pasid_event {
	VFIO_PASID_EVENT_SET_ADD,
	VFIO_PASID_EVENT_SET_DEL,
	VFIO_PASID_EVENT_QUOTA_CHANGE,
	VFIO_PASID_EVENT_WATERMARK_HIT,
};

extern struct list_head vfio_pasid_sets;	/* by ascending id */
extern spinlock_t vfio_pasid_sets_lock;
extern unsigned int vfio_pasid_nr_sets;
extern unsigned int vfio_pasid_nr_used;
extern unsigned int vfio_pasid_max_sets;
extern unsigned int vfio_pasid_default_quota;

extern const struct attribute_group *vfio_pasid_set_groups[];

#ifdef CONFIG_CGROUPS
static inline u64 vfio_pasid_task_cgroup_id(struct task_struct *task)
{
	return cgroup_id(task_dfl_cgroup(task));
}
#else
static inline u64 vfio_pasid_task_cgroup_id(struct task_struct *task)
{
	return 0;
}
#endif

#if IS_ENABLED(CONFIG_KUNIT)
int vfio_pasid_reserve(struct vfio_pasid_set *set, u32 first, u32 last,
		       u32 *pasids, unsigned int count);
void vfio_pasid_commit(struct vfio_pasid_set *set, const u32 *pasids,
		       unsigned int count);
void vfio_pasid_cancel(struct vfio_pasid_set *set, const u32 *pasids,
		       unsigned int count);
#endif

#if IS_ENABLED(CONFIG_VFIO_PASID_NETLINK)
int __init vfio_pasid_netlink_init(void);
void vfio_pasid_notify(struct vfio_pasid_set *set, enum vfio_pasid_event event);
void vfio_pasid_notify_limit(struct vfio_pasid_set *set, int err,
			     u32 suppressed);
u64 vfio_pasid_last_seq(void);
#else
static inline int vfio_pasid_netlink_init(void)
{
	return 0;
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
