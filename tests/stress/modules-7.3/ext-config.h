/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT_CONFIG_H
#define EXT_CONFIG_H

#include <linux/types.h>

struct pci_dev;

/**
 * ext_config_give() - Find QEMU's igb anew, with capabilities that it has not
 * @bits: width of its PASIDs
 * @ats: whether it has ATS, too
 *
 * Once only, and there is no way back: who calls this does not unload.
 *
 * Return: The device as it was found, with a reference for the caller, or
 * * -ENODEV - there is none behind VT-d, on the root bus.
 * * -EBUSY - it has been given some before.
 */
struct pci_dev *ext_config_give(unsigned int bits, bool ats);

#endif
