/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfio_pasid.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_VFIO_PASID_GEN_H
#define _LINUX_VFIO_PASID_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vfio_pasid.h>

int vfio_pasid_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfio_pasid_nl_set_get_doit(struct sk_buff *skb, struct genl_info *info);
int vfio_pasid_nl_set_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	VFIO_PASID_NLGRP_EVENTS,
};

extern struct genl_family vfio_pasid_nl_family;

#endif /* _LINUX_VFIO_PASID_GEN_H */
