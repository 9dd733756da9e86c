/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Datagrams of the family vfio_pasid as received from the socket: several messages, valid or not. */

#include <netlink/msg.h>

#include "fuzz.h"
#include "genl-parse.h"
#include "macro.h"
#include "quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        GenlSequence sequence = {};
        struct nlmsghdr *nlh;
        int left = (int) size;
        void *buffer;

        /* Aligned, as the receive buffer is. */
        if (size == 0 || size > 65536 || posix_memalign(&buffer, 64, size) != 0)
                return 0;
        memcpy(buffer, data, size);

        for (nlh = buffer; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
                KernelMessage message;
                int r;

                r = genl_message_parse(nlh, &message);
                FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -EOPNOTSUPP);
                if (r < 0)
                        continue;

                if (message.type == KERNEL_MESSAGE_INFO)
                        genl_sequence_reset(&sequence, message.seq);
                else
                        (void) genl_sequence_next(&sequence, message.seq);
                FUZZ_CHECK(message.set.quota <= QUOTA_MAX && message.set.allocated <= QUOTA_MAX &&
                           message.set.peak <= QUOTA_MAX && message.info.capacity <= QUOTA_MAX);
                FUZZ_CHECK(kernel_limit_reason_to_string(message.reason));
        }

        free(buffer);
        return 0;
}
