// SPDX-License-Identifier: GPL-2.0-only
/*
 * Give QEMU's edu PCI devices a PASID capability, for tests.
 *
 * No device that QEMU emulates has one. What the kernel asks for is not the
 * device's configuration space but what the IOMMU core has read from it, once,
 * when the device was added; so say it there. The IOMMU still bounds it.
 *
 * The parameter bits can be written at any time: 0 takes the capability away.
 * It counts for groups that are attached afterwards.
 */

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>

#define PCI_VENDOR_ID_QEMU	0x1234
#define PCI_DEVICE_ID_EDU	0x11e8

static unsigned int bits = 20;
static bool loaded;

static void pasid_cap_set(struct pci_dev *pdev)
{
	struct dev_iommu *param = pdev->dev.iommu;
	u32 width = bits ? BIT(bits) : 0;

	/* As dev_iommu_get_max_pasids() does. */
	if (param && param->iommu_dev)
		param->max_pasids = min(width, param->iommu_dev->max_pasids);
}

static void pasid_cap_set_all(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_QEMU, PCI_DEVICE_ID_EDU,
				      pdev)))
		pasid_cap_set(pdev);
}

/* A device that was removed and found again. */
static int pasid_cap_notify(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (action == BUS_NOTIFY_BIND_DRIVER &&
	    pdev->vendor == PCI_VENDOR_ID_QEMU &&
	    pdev->device == PCI_DEVICE_ID_EDU)
		pasid_cap_set(pdev);
	return NOTIFY_DONE;
}

static struct notifier_block pasid_cap_nb = {
	.notifier_call = pasid_cap_notify,
};

static int bits_set(const char *val, const struct kernel_param *kp)
{
	int ret;

	ret = param_set_uint_minmax(val, kp, 0, 20);
	if (!ret && loaded)
		pasid_cap_set_all();
	return ret;
}

static const struct kernel_param_ops bits_ops = {
	.set = bits_set,
	.get = param_get_uint,
};
module_param_cb(bits, &bits_ops, &bits, 0644);
MODULE_PARM_DESC(bits, "Width of the PASIDs of all devices (20), 0 for no capability");

static int __init pasid_cap_init(void)
{
	int ret;

	ret = bus_register_notifier(&pci_bus_type, &pasid_cap_nb);
	if (ret)
		return ret;
	loaded = true;
	pasid_cap_set_all();
	return 0;
}

static void __exit pasid_cap_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &pasid_cap_nb);
	bits = 0;
	pasid_cap_set_all();
}

module_init(pasid_cap_init);
module_exit(pasid_cap_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PASID capability for QEMU's edu device, for tests");
