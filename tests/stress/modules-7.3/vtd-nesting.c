// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let a virtual machine on an emulated machine have PASIDs, for tests.
 *
 * QEMU gives PASIDs to a virtual machine if the host's IOMMU can nest page
 * tables and if the device that is passed through has a PASID capability. Of
 * what QEMU emulates itself, nothing has either. So say that VT-d can nest,
 * which the emulated one is never asked to do, as the device does no DMA. And
 * let a device have another extended configuration space than its own, with a
 * PASID capability, and one before it that VFIO shows to its users, without
 * which QEMU adds none. The device is then found anew, so that everybody
 * believes it. What a virtual machine attaches goes all the way through the
 * kernel to the IOMMU's PASID table.
 *
 * The device is QEMU's igb: it has to be a PCI Express one.
 */

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "iommu.h"

#define PCI_DEVICE_ID_INTEL_82576	0x10c9

#define CAP_DSN		PCI_CFG_SPACE_SIZE
#define CAP_PASID	(CAP_DSN + 0x10)

/* VT-d's ECAP_REG */
#define ECAP_NEST	BIT_ULL(26)

static unsigned int bits = 15;
module_param(bits, uint, 0444);
MODULE_PARM_DESC(bits, "Width of the device's PASIDs (15)");

/* The device's bus, how to reach what is on it, and how to pretend. */
static struct pci_bus *bus;
static struct pci_ops *bus_ops;
static struct pci_ops nesting_ops;
static unsigned int devfn;
static u16 control;

static bool is_ours(unsigned int fn, int where)
{
	return fn == devfn && where >= PCI_CFG_SPACE_SIZE;
}

static u32 word_of(int where)
{
	switch (where) {
	case CAP_DSN:
		return PCI_EXT_CAP_ID_DSN | 1 << 16 | CAP_PASID << 20;
	case CAP_PASID:
		return PCI_EXT_CAP_ID_PASID | 1 << 16;
	case CAP_PASID + PCI_PASID_CAP:
		return bits << 8 | (u32)control << 16;
	default:
		return 0;
	}
}

static int nesting_read(struct pci_bus *b, unsigned int fn, int where, int size,
			u32 *val)
{
	if (!is_ours(fn, where))
		return bus_ops->read(b, fn, where, size, val);

	*val = word_of(where & ~3) >> (8 * (where & 3));
	if (size < 4)
		*val &= BIT(8 * size) - 1;
	return 0;
}

static int nesting_write(struct pci_bus *b, unsigned int fn, int where,
			 int size, u32 val)
{
	if (!is_ours(fn, where))
		return bus_ops->write(b, fn, where, size, val);
	if (where == CAP_PASID + PCI_PASID_CTRL)
		control = val & (PCI_PASID_CTRL_ENABLE | PCI_PASID_CTRL_EXEC |
				 PCI_PASID_CTRL_PRIV);
	return 0;
}

/* As sysfs does it for "remove" and "rescan". */
static void find_anew(struct pci_dev *pdev)
{
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
}

static int __init vtd_nesting_init(void)
{
	struct device_domain_info *info;
	struct pci_dev *pdev;

	pdev = pci_get_device(PCI_VENDOR_ID_INTEL, PCI_DEVICE_ID_INTEL_82576,
			      NULL);
	if (!pdev)
		return -ENODEV;
	info = dev_iommu_priv_get(&pdev->dev);
	if (!info || !pci_is_root_bus(pdev->bus)) {
		pci_dev_put(pdev);
		return -ENODEV;
	}

	info->iommu->ecap |= ECAP_NEST;

	bus = pdev->bus;
	devfn = pdev->devfn;
	nesting_ops = *bus->ops;
	nesting_ops.read = nesting_read;
	nesting_ops.write = nesting_write;
	bus_ops = bus->ops;
	pci_bus_set_ops(bus, &nesting_ops);
	find_anew(pdev);
	pci_dev_put(pdev);
	return 0;
}

module_init(vtd_nesting_init);

/* No way back: it does not unload. */

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Nested translation and a device with PASIDs on an emulated VT-d, for tests");
