// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets of VFIO users: what is in the core of VFIO, for the module
 * vfio_pasid may be absent.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "vfio.h"
#include "vfio_pasid.h"

/* Why the module was not there when it was last asked for. */
static int vfio_pasid_load_error = -ENOTTY;

/*
 * What the device and its IOMMU both support.  Some count PASID 0, for untagged
 * requests, where there is no other.
 */
static int vfio_pasid_dev_width(struct device *dev, void *data)
{
	u32 *width = data;

	if (dev && dev->iommu && dev->iommu->max_pasids > 1)
		*width = min_not_zero(*width, dev->iommu->max_pasids);
	return 0;
}

/* A mediated device does DMA through the device that it is a part of. */
static int vfio_pasid_parent_width(struct device *dev, void *data)
{
	return vfio_pasid_dev_width(dev->parent, data);
}

/**
 * vfio_pasid_group_width() - How many PASIDs the devices of a group can use
 * @iommu_group: the group
 * @type: how VFIO uses it
 *
 * Return: The number, PASID 0 included, or 0 if PASIDs are not supported.
 */
u32 vfio_pasid_group_width(struct iommu_group *iommu_group,
			   enum vfio_group_type type)
{
	u32 width = 0;

	if (type != VFIO_NO_IOMMU)
		iommu_group_for_each_dev(iommu_group, &width,
					 type == VFIO_EMULATED_IOMMU ?
					 vfio_pasid_parent_width :
					 vfio_pasid_dev_width);
	return width;
}
EXPORT_SYMBOL_GPL(vfio_pasid_group_width);

/**
 * vfio_pasid_prepare() - Have the module vfio_pasid, and the process's set in it
 *
 * To be called before a capable group is attached, without any lock: both user
 * space that loads the module and the process itself may take their time.  What
 * could not be done is told by vfio_pasid_ops_get() and by binding the set.
 */
void vfio_pasid_prepare(void)
{
	const struct vfio_pasid_ops *ops = symbol_get(vfio_pasid_ops);
	int ret;

	if (!ops) {
		ret = request_module("vfio_pasid");
		/* A kernel that has no such module does not know the ioctl. */
		if (ret >= 0 || ret == -ENOENT)
			ret = -ENOTTY;
		WRITE_ONCE(vfio_pasid_load_error, ret);

		ops = symbol_get(vfio_pasid_ops);
		if (!ops)
			return;
	}

	ops->prepare(current->mm);
	symbol_put(vfio_pasid_ops);
}

/**
 * vfio_pasid_ops_get() - Get the entry points of the module vfio_pasid
 *
 * Return: The operations, to be given back with vfio_pasid_ops_put(), or an
 * ERR_PTR with the reason why the module was not loaded.
 */
const struct vfio_pasid_ops *vfio_pasid_ops_get(void)
{
	const struct vfio_pasid_ops *ops = symbol_get(vfio_pasid_ops);

	return ops ?: ERR_PTR(READ_ONCE(vfio_pasid_load_error));
}
EXPORT_SYMBOL_GPL(vfio_pasid_ops_get);

/** vfio_pasid_ops_put() - Give back what vfio_pasid_ops_get() returned */
void vfio_pasid_ops_put(void)
{
	symbol_put(vfio_pasid_ops);
}
EXPORT_SYMBOL_GPL(vfio_pasid_ops_put);
