/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID sets of VFIO users: what an IOMMU driver of VFIO calls.
 */
#ifndef __VFIO_PASID_H__
#define __VFIO_PASID_H__

#include <linux/types.h>

struct mm_struct;
struct vfio_pasid_set;

/**
 * struct vfio_pasid_ops - entry points of the vfio_pasid module
 *
 * Reached with symbol_get(), so that hosts without a PASID-capable IOMMU never
 * load the module.  The caller keeps the symbol for as long as it has a set.
 * Any call but @query may sleep.
 *
 * @bind: Get the set of a process, which is made if it has none.  Returns an
 *	ERR_PTR if that is not possible.
 * @unbind: Put what @bind returned.  The last put frees all that the set holds.
 *	No other call for the set through the same @bind may be in progress.
 * @alloc: Allocate the lowest free PASID of [min, max] and charge the current
 *	task's cgroup.  Until committed, the PASID cannot be freed by anyone
 *	else.  Returns it or a negative errno.
 * @commit: Make an allocated PASID the set's own.
 * @abort: Give an allocated PASID back instead.
 * @free: Free all committed PASIDs of [min, max] that the set owns.
 * @query: Read the set's quota and how many PASIDs it holds.
 */
struct vfio_pasid_ops {
	struct vfio_pasid_set *(*bind)(struct mm_struct *mm);
	void (*unbind)(struct vfio_pasid_set *set);
	int (*alloc)(struct vfio_pasid_set *set, u32 min, u32 max);
	void (*commit)(struct vfio_pasid_set *set, u32 pasid);
	void (*abort)(struct vfio_pasid_set *set, u32 pasid);
	void (*free)(struct vfio_pasid_set *set, u32 min, u32 max);
	void (*query)(struct vfio_pasid_set *set, u32 *quota, u32 *allocated);
};

extern const struct vfio_pasid_ops vfio_pasid_ops;

#endif /* __VFIO_PASID_H__ */
