/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <netlink/netlink.h>

/* Messages of the netlink controller about the family "vfio_pasid". Pure. */

/*
 * Parses the controller's reply: ids of the family and of its multicast group. Returns 0, or -EBADMSG with both
 * untouched.
 */
int genl_family_parse(struct nlmsghdr *nlh, uint16_t *ret_family, uint32_t *ret_group);

typedef enum GenlFamilyChange {
        GENL_FAMILY_OTHER,        /* not about this family */
        GENL_FAMILY_REGISTERED,   /* the module was loaded */
        GENL_FAMILY_UNREGISTERED, /* the module was unloaded */
} GenlFamilyChange;

/* Parses an event of the controller. */
GenlFamilyChange genl_family_change(struct nlmsghdr *nlh);
