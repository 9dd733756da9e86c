/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID sets of VFIO users: what an IOMMU driver of VFIO calls.
 */
#ifndef __VFIO_PASID_H__
#define __VFIO_PASID_H__

#include <linux/err.h>
#include <linux/types.h>

#include "vfio.h"

struct iommu_group;
struct mm_struct;
struct vfio_container;
struct vfio_pasid_set;

/* Most PASIDs of one allocation. */
#define VFIO_PASID_ALLOC_MAX	64

/**
 * struct vfio_pasid_ops - entry points of the vfio_pasid module
 *
 * Reached with symbol_get(), so that hosts without PASID-capable devices never
 * load the module.  Any call but @bind, @first and @query may sleep.
 *
 * @prepare: Make the set of a process that is running, unless it has one or
 *	there are too many.  Called without any lock, as it waits for others in
 *	the process.
 * @bind: Get the set that was prepared for a process, or an ERR_PTR.
 * @unbind: Put what @bind returned.  The last put frees all that the set holds;
 *	the set stays until the process is gone.  No other call for the set
 *	through the same @bind may be in progress.
 * @alloc: Allocate free PASIDs of [first, last], as many as asked for or none,
 *	charge the current task's cgroup, and write them to user memory.  Nobody
 *	can free one before that is done; if it cannot be done, all are given
 *	back.  The count is at most VFIO_PASID_ALLOC_MAX.  Returns 0 or a
 *	negative errno.
 * @free: Free all PASIDs of [first, last] that the set holds.
 * @first: The lowest PASID that a container of this width can be given.
 * @query: Read the set's quota and how many PASIDs it holds.
 */
struct vfio_pasid_ops {
	void (*prepare)(struct mm_struct *mm);
	struct vfio_pasid_set *(*bind)(struct mm_struct *mm);
	void (*unbind)(struct vfio_pasid_set *set);
	int (*alloc)(struct vfio_pasid_set *set, u32 first, u32 last,
		     u32 __user *result, unsigned int count);
	void (*free)(struct vfio_pasid_set *set, u32 first, u32 last);
	u32 (*first)(u32 max_pasids);
	void (*query)(struct vfio_pasid_set *set, u32 *quota, u32 *allocated);
};

extern const struct vfio_pasid_ops vfio_pasid_ops;

#if IS_ENABLED(CONFIG_VFIO_PASID)
u32 vfio_pasid_group_width(struct iommu_group *iommu_group,
			   enum vfio_group_type type);
void vfio_pasid_prepare(void);
bool vfio_container_has_iommu(struct vfio_container *container);
const struct vfio_pasid_ops *vfio_pasid_ops_get(void);
void vfio_pasid_ops_put(void);
#else
static inline u32 vfio_pasid_group_width(struct iommu_group *iommu_group,
					 enum vfio_group_type type)
{
	return 0;
}

static inline void vfio_pasid_prepare(void)
{
}

static inline bool vfio_container_has_iommu(struct vfio_container *container)
{
	return false;
}

static inline const struct vfio_pasid_ops *vfio_pasid_ops_get(void)
{
	return ERR_PTR(-ENOTTY);
}

static inline void vfio_pasid_ops_put(void)
{
}
#endif

#endif /* __VFIO_PASID_H__ */
