/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "genl-family.h"

#include <errno.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <linux/vfio_pasid.h>

static uint32_t find_group(struct nlattr *groups) {
        struct nlattr *group;
        int rem;

        nla_for_each_nested(group, groups, rem) {
                struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1];

                if (nla_parse_nested(tb, CTRL_ATTR_MCAST_GRP_MAX, group, NULL) < 0)
                        continue;
                if (tb[CTRL_ATTR_MCAST_GRP_NAME] && tb[CTRL_ATTR_MCAST_GRP_ID] &&
                        nla_strcmp(tb[CTRL_ATTR_MCAST_GRP_NAME], VFIO_PASID_MCGRP_EVENTS) == 0)
                        return nla_get_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
        }

        return 0;
}

int genl_family_parse(struct nlmsghdr *nlh, uint16_t *ret_family, uint32_t *ret_group) {
        static const struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
                [CTRL_ATTR_FAMILY_ID] = { .type = NLA_U16 },
                [CTRL_ATTR_MCAST_GROUPS] = { .type = NLA_NESTED },
        };
        struct nlattr *tb[CTRL_ATTR_MAX + 1];
        uint32_t group;

        if (genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, policy) < 0 || !tb[CTRL_ATTR_FAMILY_ID] ||
                !tb[CTRL_ATTR_MCAST_GROUPS])
                return -EBADMSG;

        group = find_group(tb[CTRL_ATTR_MCAST_GROUPS]);
        if (group == 0)
                return -EBADMSG;

        *ret_family = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
        *ret_group = group;
        return 0;
}

GenlFamilyChange genl_family_change(struct nlmsghdr *nlh) {
        const struct genlmsghdr *header = nlmsg_data(nlh);
        struct nlattr *tb[CTRL_ATTR_MAX + 1];

        if (!genlmsg_valid_hdr(nlh, 0) || genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, NULL) < 0 ||
                !tb[CTRL_ATTR_FAMILY_NAME] ||
                nla_strcmp(tb[CTRL_ATTR_FAMILY_NAME], VFIO_PASID_FAMILY_NAME) != 0)
                return GENL_FAMILY_OTHER;

        switch (header->cmd) {
        case CTRL_CMD_NEWFAMILY:
                return GENL_FAMILY_REGISTERED;
        case CTRL_CMD_DELFAMILY:
                return GENL_FAMILY_UNREGISTERED;
        default:
                return GENL_FAMILY_OTHER;
        }
}
