# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the kernel must not say. The same patterns serve host and guest: this file is also sourced by the scenarios' runner.

KMSG_BAD='WARNING: |BUG: |BUG at |Oops|kernel BUG|general protection fault|KASAN: |KCSAN: |KFENCE: |UBSAN: |KMSAN: '
KMSG_BAD+='|possible circular locking|possible recursive locking|inconsistent lock state|possible irq lock inversion'
KMSG_BAD+='|suspicious RCU usage|held lock freed|still has locks held|lock held when returning|bad unlock balance'
KMSG_BAD+='|INFO: task .* blocked for more than|INFO: trying to register non-static key|ODEBUG: |refcount_t: '
KMSG_BAD+='|sleeping function called from invalid context|scheduling while atomic|list_(add|del) corruption'
KMSG_BAD+='|kmemleak: [0-9]+ new suspected|unreferenced object 0x|Kernel panic|Unable to handle kernel'
KMSG_BAD+='|page allocation failure|Out of memory: Killed|segfault at|traps: .* trap '

# Upstream's own: the flush after a map that failed at its first page shifts by -1, which injected failures bring about.
KMSG_HARMLESS='UBSAN: shift-out-of-bounds in .*drivers/iommu/intel/iommu\.h'

# kmsg_scan FILE…: prints the bad lines of kernel logs; fails if there is one. Only lines with a time stamp count, because
# the console carries the user space's messages too.
kmsg_scan() {
    local bad
    bad=$(grep -hE '^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\]' -- "$@" 2>/dev/null | tr -d '\r' | grep -E -- "$KMSG_BAD" |
        grep -vE -- "$KMSG_HARMLESS|\\] systemd(-[a-z]+)?\\[[0-9]+\\]:" | sort -u) || true
    [[ -z $bad ]] || {
        printf '%s\n' "$bad"
        return 1
    }
}
