// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices on top of QEMU's edu PCI device, for tests.
 *
 * The samples in samples/vfio-mdev/ have a virtual device without an IOMMU as
 * their parent. The parent here is a PCI device behind whatever IOMMU the
 * machine has, so that a container can get its PASID capability from a
 * mediated device alone. The mediated devices themselves do nothing.
 *
 * Binds only where driver_override asks for it: the same devices serve as
 * vfio-pci devices in other tests.
 */

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

struct mdev_edu_parent {
	struct mdev_parent parent;
	struct mdev_type type;
	struct mdev_type *types;
};

struct mdev_edu {
	struct vfio_device vdev;
};

static long mdev_edu_ioctl(struct vfio_device *vdev, unsigned int cmd,
			   unsigned long arg)
{
	struct vfio_device_info info = { };
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);

	if (cmd != VFIO_DEVICE_GET_INFO)
		return -ENOTTY;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	info.flags = VFIO_DEVICE_FLAGS_PCI;
	info.num_regions = 0;
	info.num_irqs = 0;
	info.cap_offset = 0;
	if (copy_to_user((void __user *)arg, &info, minsz))
		return -EFAULT;
	return 0;
}

static const struct vfio_device_ops mdev_edu_ops = {
	.name = "mdev-edu",
	.ioctl = mdev_edu_ioctl,
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
};

static int mdev_edu_probe(struct mdev_device *mdev)
{
	struct mdev_edu *edu;
	int ret;

	edu = vfio_alloc_device(mdev_edu, vdev, &mdev->dev, &mdev_edu_ops);
	if (IS_ERR(edu))
		return PTR_ERR(edu);

	ret = vfio_register_emulated_iommu_dev(&edu->vdev);
	if (ret) {
		vfio_put_device(&edu->vdev);
		return ret;
	}

	dev_set_drvdata(&mdev->dev, edu);
	return 0;
}

static void mdev_edu_remove(struct mdev_device *mdev)
{
	struct mdev_edu *edu = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(&edu->vdev);
	vfio_put_device(&edu->vdev);
}

static ssize_t mdev_edu_show_description(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "mediated device that does nothing\n");
}

static struct mdev_driver mdev_edu_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = 4096,
	.driver = {
		.name = "mdev-edu",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
	},
	.probe = mdev_edu_probe,
	.remove = mdev_edu_remove,
	.show_description = mdev_edu_show_description,
};

static int mdev_edu_pci_probe(struct pci_dev *pdev,
			      const struct pci_device_id *id)
{
	struct mdev_edu_parent *p;
	int ret;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;

	p->type.sysfs_name = "1";
	p->type.pretty_name = "mdev-edu";
	p->types = &p->type;
	ret = mdev_register_parent(&p->parent, &pdev->dev, &mdev_edu_driver,
				   &p->types, 1);
	if (ret) {
		kfree(p);
		return ret;
	}

	pci_set_drvdata(pdev, p);
	return 0;
}

static void mdev_edu_pci_remove(struct pci_dev *pdev)
{
	struct mdev_edu_parent *p = pci_get_drvdata(pdev);

	mdev_unregister_parent(&p->parent);
	kfree(p);
}

static const struct pci_device_id mdev_edu_pci_ids[] = {
	{ PCI_DEVICE_DRIVER_OVERRIDE(0x1234, 0x11e8,
				     PCI_ID_F_VFIO_DRIVER_OVERRIDE) },
	{ }
};

static struct pci_driver mdev_edu_pci_driver = {
	.name = "mdev-edu",
	.id_table = mdev_edu_pci_ids,
	.probe = mdev_edu_pci_probe,
	.remove = mdev_edu_pci_remove,
	/* The parent does no DMA, and a test may give siblings to vfio-pci. */
	.driver_managed_dma = true,
};

static int __init mdev_edu_init(void)
{
	int ret;

	ret = mdev_register_driver(&mdev_edu_driver);
	if (ret)
		return ret;

	ret = pci_register_driver(&mdev_edu_pci_driver);
	if (ret)
		mdev_unregister_driver(&mdev_edu_driver);
	return ret;
}

static void __exit mdev_edu_exit(void)
{
	pci_unregister_driver(&mdev_edu_pci_driver);
	mdev_unregister_driver(&mdev_edu_driver);
}

module_init(mdev_edu_init)
module_exit(mdev_edu_exit)

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Mediated devices behind a PCI device's IOMMU, for tests");
MODULE_SOFTDEP("pre: mdev");
