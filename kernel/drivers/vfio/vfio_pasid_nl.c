// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfio_pasid.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "vfio_pasid_nl.h"

#include <uapi/linux/vfio_pasid.h>

/* VFIO_PASID_CMD_SET_GET - do */
static const struct nla_policy vfio_pasid_set_get_nl_policy[VFIO_PASID_A_SET_ID + 1] = {
	[VFIO_PASID_A_SET_ID] = { .type = NLA_U64, },
};

/* Ops table for vfio_pasid */
static const struct genl_split_ops vfio_pasid_nl_ops[] = {
	{
		.cmd	= VFIO_PASID_CMD_INFO_GET,
		.doit	= vfio_pasid_nl_info_get_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VFIO_PASID_CMD_SET_GET,
		.doit		= vfio_pasid_nl_set_get_doit,
		.policy		= vfio_pasid_set_get_nl_policy,
		.maxattr	= VFIO_PASID_A_SET_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= VFIO_PASID_CMD_SET_GET,
		.dumpit	= vfio_pasid_nl_set_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group vfio_pasid_nl_mcgrps[] = {
	[VFIO_PASID_NLGRP_EVENTS] = { "events", .flags = GENL_MCAST_CAP_NET_ADMIN, },
};

struct genl_family vfio_pasid_nl_family __ro_after_init = {
	.name		= VFIO_PASID_FAMILY_NAME,
	.version	= VFIO_PASID_FAMILY_VERSION,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= vfio_pasid_nl_ops,
	.n_split_ops	= ARRAY_SIZE(vfio_pasid_nl_ops),
	.mcgrps		= vfio_pasid_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(vfio_pasid_nl_mcgrps),
};
