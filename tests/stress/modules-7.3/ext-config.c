// SPDX-License-Identifier: GPL-2.0-only
/*
 * Give QEMU's igb an extended configuration space other than its own, for
 * tests.
 *
 * No device that QEMU emulates has a PASID capability, and it has to be a PCI
 * Express device to get one. It is found anew with it, so that everybody
 * believes it. Before it comes a capability that VFIO shows to its users,
 * without which QEMU adds none for a virtual machine.
 */

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "ext-config.h"

#define PCI_DEVICE_ID_INTEL_82576	0x10c9

#define CAP_DSN		PCI_CFG_SPACE_SIZE
#define CAP_PASID	(CAP_DSN + 0x10)
#define CAP_ATS		(CAP_PASID + 0x10)

/* The device's bus, how to reach what is on it, and how to pretend. */
static struct pci_bus *bus;
static struct pci_ops *bus_ops;
static struct pci_ops pretend_ops;
static unsigned int devfn;

static unsigned int pasid_bits;
static bool has_ats;
static u16 pasid_control;
static u16 ats_control;

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
		return PCI_EXT_CAP_ID_PASID | 1 << 16 |
		       (has_ats ? CAP_ATS << 20 : 0);
	case CAP_PASID + PCI_PASID_CAP:
		return pasid_bits << 8 | (u32)pasid_control << 16;
	case CAP_ATS:
		return has_ats ? PCI_EXT_CAP_ID_ATS | 1 << 16 : 0;
	case CAP_ATS + PCI_ATS_CAP:
		/* VT-d enables no other. */
		return has_ats ? PCI_ATS_CAP_PAGE_ALIGNED |
				 (u32)ats_control << 16 : 0;
	default:
		return 0;
	}
}

static int pretend_read(struct pci_bus *b, unsigned int fn, int where, int size,
			u32 *val)
{
	if (!is_ours(fn, where))
		return bus_ops->read(b, fn, where, size, val);

	*val = word_of(where & ~3) >> (8 * (where & 3));
	if (size < 4)
		*val &= BIT(8 * size) - 1;
	return 0;
}

static int pretend_write(struct pci_bus *b, unsigned int fn, int where,
			 int size, u32 val)
{
	if (!is_ours(fn, where))
		return bus_ops->write(b, fn, where, size, val);

	if (where == CAP_PASID + PCI_PASID_CTRL)
		pasid_control = val & (PCI_PASID_CTRL_ENABLE |
				       PCI_PASID_CTRL_EXEC |
				       PCI_PASID_CTRL_PRIV);
	else if (where == CAP_ATS + PCI_ATS_CTRL)
		ats_control = val;
	return 0;
}

/* As sysfs does it for "remove" and "rescan". */
static struct pci_dev *find_anew(struct pci_dev *pdev)
{
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pdev = pci_get_slot(bus, devfn);
	pci_unlock_rescan_remove();
	return pdev ?: ERR_PTR(-ENODEV);
}

struct pci_dev *ext_config_give(unsigned int bits, bool ats)
{
	struct pci_dev *pdev, *found;

	if (bus)
		return ERR_PTR(-EBUSY);

	pdev = pci_get_device(PCI_VENDOR_ID_INTEL, PCI_DEVICE_ID_INTEL_82576,
			      NULL);
	if (!pdev)
		return ERR_PTR(-ENODEV);
	if (!device_iommu_mapped(&pdev->dev) || !pci_is_root_bus(pdev->bus)) {
		pci_dev_put(pdev);
		return ERR_PTR(-ENODEV);
	}

	pasid_bits = bits;
	has_ats = ats;
	bus = pdev->bus;
	devfn = pdev->devfn;
	pretend_ops = *bus->ops;
	pretend_ops.read = pretend_read;
	pretend_ops.write = pretend_write;
	bus_ops = bus->ops;
	pci_bus_set_ops(bus, &pretend_ops);
	found = find_anew(pdev);
	pci_dev_put(pdev);
	return found;
}
EXPORT_SYMBOL_GPL(ext_config_give);

/* There is no way back, and so no function that would let it unload. */
static int __init ext_config_init(void)
{
	return 0;
}
module_init(ext_config_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Extended configuration space with PASIDs for QEMU's igb, for tests");
