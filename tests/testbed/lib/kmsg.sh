# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Kernel messages that fail a run. The scenarios' runner in the guest sources this file as well.

KMSG_BAD='WARNING: |BUG: |BUG at |Oops|kernel BUG|general protection fault|KASAN: |KCSAN: |KFENCE: |UBSAN: |KMSAN: '
KMSG_BAD+='|possible circular locking|possible recursive locking|inconsistent lock state|possible irq lock inversion'
KMSG_BAD+='|suspicious RCU usage|held lock freed|still has locks held|lock held when returning|bad unlock balance'
KMSG_BAD+='|INFO: task .* blocked for more than|INFO: trying to register non-static key|ODEBUG: |refcount_t: '
KMSG_BAD+='|sleeping function called from invalid context|scheduling while atomic|list_(add|del) corruption'
KMSG_BAD+='|kmemleak: [0-9]+ new suspected|unreferenced object 0x|Kernel panic|Unable to handle kernel'
KMSG_BAD+='|page allocation failure|Out of memory: Killed|segfault at|traps: .* trap '
KMSG_BAD+='|rcu: INFO: .* stall|soft lockup|hard LOCKUP|Call Trace:'

# Upstream's own, and only while memory is made to fail: the flush after a map that failed at its first page shifts by -1.
KMSG_HARMLESS_SCENARIO=61-fail-nth
KMSG_HARMLESS='UBSAN: shift-out-of-bounds in .*drivers/iommu/intel/iommu\.h'

# kmsg_scan FILE…: prints bad lines of kernel logs; fails if there are any. Only checks lines with a time stamp,
# because the console also has messages of user space.
kmsg_scan() {
    local file bad
    bad=$(for file; do
        [[ -e $file ]] || continue
        # The line for the begin of a scenario determines which messages are allowed from there on.
        tr -d '\r' <"$file" | BAD=$KMSG_BAD HARMLESS=$KMSG_HARMLESS SCENARIO=$KMSG_HARMLESS_SCENARIO awk '
            !/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\]/ { next }
            / testbed: scenario / { scenario = $NF; trace = 0; next }
            / testbed: scenarios end$/ { scenario = ""; next }
            /\] systemd(-[a-z]+)?\[[0-9]+\]:/ { next }
            scenario == ENVIRON["SCENARIO"] && $0 ~ ENVIRON["HARMLESS"] { trace = 1; next }
            /Call Trace:/ && trace { trace = 0; next }
            $0 ~ ENVIRON["BAD"]'
    done | sort -u)
    [[ -z $bad ]] || {
        printf '%s\n' "$bad"
        return 1
    }
}
