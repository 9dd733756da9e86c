// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let a virtual machine on an emulated machine have PASIDs, for tests.
 *
 * QEMU gives PASIDs to a virtual machine if the host's IOMMU can nest page
 * tables and if the device that is passed through has a PASID capability. Of
 * what QEMU emulates itself, nothing has either. So say that VT-d can nest,
 * which the emulated one is never asked to do, as the device does no DMA, and
 * give the device the capability. What a virtual machine attaches goes all the
 * way through the kernel to the IOMMU's PASID table.
 */

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "ext-config.h"
#include "iommu.h"

/* VT-d's ECAP_REG */
#define ECAP_NEST	BIT_ULL(26)

static unsigned int bits = 15;
module_param(bits, uint, 0444);
MODULE_PARM_DESC(bits, "Width of the device's PASIDs (15)");

static int __init vtd_nesting_init(void)
{
	struct device_domain_info *info;
	struct pci_dev *pdev;

	pdev = ext_config_give(bits, false);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);

	info = dev_iommu_priv_get(&pdev->dev);
	info->iommu->ecap |= ECAP_NEST;
	pci_dev_put(pdev);
	return 0;
}

module_init(vtd_nesting_init);

/* No way back: it does not unload. */

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Nested translation and a device with PASIDs on an emulated VT-d, for tests");
