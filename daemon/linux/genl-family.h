/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <netlink/netlink.h>

/* What netlink's controller says of the family "vfio_pasid". Pure: works on a message in memory. */

/* The controller's answer: the family's number and that of its group of events. Returns 0, or -EBADMSG with both untouched. */
int genl_family_parse(struct nlmsghdr *nlh, uint16_t *ret_family, uint32_t *ret_group);

typedef enum GenlFamilyChange {
        GENL_FAMILY_OTHER, /* about something else */
        GENL_FAMILY_CAME,  /* its module was loaded */
        GENL_FAMILY_WENT,  /* its module was unloaded */
} GenlFamilyChange;

/* What an event of the controller says. */
GenlFamilyChange genl_family_change(struct nlmsghdr *nlh);
