// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let processes share their address spaces with a device (SVA), for tests.
 *
 * /dev/sva-bind: who writes "bind" to an open file shares its address space
 * with the device, until somebody writes "unbind" to that file or it is closed
 * for the last time. What can be read is the PASID. A file has one binding.
 *
 * The device is QEMU's igb, which gets the PASID capability and the ATS that
 * VT-d wants for this. It does no DMA, and is told of no PASID. What VT-d wants
 * of itself, the emulated one has but for a bit that says that it sees what is
 * in the CPU's caches, which it does.
 */

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ext-config.h"
#include "iommu.h"

static unsigned int bits = 15;
module_param(bits, uint, 0444);
MODULE_PARM_DESC(bits, "Width of the device's PASIDs (15)");

static struct pci_dev *sva_dev;

struct sva_file {
	struct mutex lock;	/* for bond */
	struct iommu_sva *bond;	/* NULL if there is none */
};

static int sva_file_bind(struct sva_file *f)
{
	struct iommu_sva *bond;

	/* Unlike the errors of binding. */
	if (f->bond)
		return -EEXIST;

	bond = iommu_sva_bind_device(&sva_dev->dev, current->mm);
	if (IS_ERR(bond))
		return PTR_ERR(bond);

	f->bond = bond;
	return 0;
}

static int sva_file_unbind(struct sva_file *f)
{
	if (!f->bond)
		return -ENOENT;

	iommu_sva_unbind_device(f->bond);
	f->bond = NULL;
	return 0;
}

static ssize_t sva_write(struct file *file, const char __user *buf,
			 size_t count, loff_t *pos)
{
	struct sva_file *f = file->private_data;
	char word[8] = { };
	int ret;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;

	guard(mutex)(&f->lock);
	if (sysfs_streq(word, "bind"))
		ret = sva_file_bind(f);
	else if (sysfs_streq(word, "unbind"))
		ret = sva_file_unbind(f);
	else
		ret = -EINVAL;
	return ret ?: count;
}

/* One line, and then the end. */
static ssize_t sva_read(struct file *file, char __user *buf, size_t count,
			loff_t *pos)
{
	struct sva_file *f = file->private_data;
	char line[16];
	int len;

	guard(mutex)(&f->lock);
	if (!f->bond)
		return -ENOENT;

	len = scnprintf(line, sizeof(line), "%u\n",
			iommu_sva_get_pasid(f->bond));
	return simple_read_from_buffer(buf, count, pos, line, len);
}

static int sva_open(struct inode *inode, struct file *file)
{
	struct sva_file *f;

	f = kzalloc_obj(*f);
	if (!f)
		return -ENOMEM;

	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int sva_release(struct inode *inode, struct file *file)
{
	struct sva_file *f = file->private_data;

	if (f->bond)
		sva_file_unbind(f);
	kfree(f);
	return 0;
}

static const struct file_operations sva_fops = {
	.owner = THIS_MODULE,
	.open = sva_open,
	.release = sva_release,
	.read = sva_read,
	.write = sva_write,
};

static struct miscdevice sva_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "sva-bind",
	.mode = 0600,
	.fops = &sva_fops,
};

static int __init sva_bind_init(void)
{
	struct device_domain_info *info;
	int ret;

	sva_dev = ext_config_give(bits, true);
	if (IS_ERR(sva_dev))
		return PTR_ERR(sva_dev);

	info = dev_iommu_priv_get(&sva_dev->dev);
	info->iommu->flags |= VTD_FLAG_SVM_CAPABLE;

	ret = misc_register(&sva_misc);
	if (ret)
		pci_dev_put(sva_dev);
	return ret;
}

module_init(sva_bind_init);

/* No way back: it does not unload. */

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Address spaces shared with a device on an emulated VT-d, for tests");
