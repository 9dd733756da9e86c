# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Scenarios: their selection, the boots that they need, and the counts at the end.

# test_select [SCENARIO…]: sets SCENARIOS, in order; with --list prints them and exits. Without arguments, all
# scenarios that the kernel supports, and with --ci, of these, those that CI runs on it.
test_select() {
    local all=() name path found
    for path in "$TESTBED_DIR"/scenarios/[0-9][0-9]-*; do
        [[ -x $path ]] && all+=("${path##*/}")
    done
    SCENARIOS=()
    [[ -z $opt_ci ]] || (($# == 0)) || usage_error "--ci selects the scenarios: name none"
    if (($# == 0)); then
        for name in "${all[@]}"; do
            ! test_needs_newer "$name" || continue
            [[ -z $opt_ci || " $(test_header "$name" ci) " == *" $opt_kernel "* ]] || continue
            SCENARIOS+=("$name")
        done
    fi
    for name in "$@"; do
        found=
        for path in "${all[@]}"; do
            # By full name, by number, or by the name without it.
            if [[ $name == "$path" || $name == "${path%%-*}" || $name == "${path#*-}" ]]; then
                SCENARIOS+=("$path")
                found=yes
            fi
        done
        [[ -n $found ]] || usage_error "no scenario \"$name\"; run test --list names them"
        ! test_needs_newer "${SCENARIOS[-1]}" || usage_error "scenario \"$name\" wants --kernel=$BOOT_NESTED_KERNEL"
    done
    if [[ -n $opt_list ]]; then
        for name in "${SCENARIOS[@]}"; do
            printf '%-28s %s\n' "$name" "$(test_header "$name" about)"
        done
        exit 0
    fi
}

# test_header SCENARIO KEY: the value of its "# KEY: value" line.
test_header() {
    sed -n "s/^# $2: //p" "$TESTBED_DIR/scenarios/$1" | head -n 1
}

# test_needs_newer SCENARIO: whether it needs a machine that requires a newer kernel.
test_needs_newer() {
    boot_needs_newer "$(test_header "$1" boot)"
}

# test_boot: the scenarios of test_run's group in a machine of their own.
test_boot() {
    cache_new_run
    # Not in a condition, so that errexit stays on.
    boot_command /usr/libexec/pasidd-testbed/run-scenarios "${group[@]}"
}

test_run() {
    local kind name group passed=0 failed=0 result logs begin moves append=$opt_append
    for kind in bare sva pasid broker nested legacy off; do
        group=()
        for name in "${SCENARIOS[@]}"; do
            [[ $(test_header "$name" boot) == "$kind" ]] || continue
            group+=("$name")
        done
        ((${#group[@]})) || continue

        opt_iommu=$kind opt_bare='' opt_append=$append
        if [[ $kind == bare ]]; then
            opt_iommu=pasid opt_bare=yes
        elif [[ $kind == sva ]]; then
            opt_bare=yes
        else
            # It takes nearly half of the time, and the kernel's own tests above do all that leaves something behind.
            opt_append+=" kmemleak=off"
        fi
        if [[ $kind == broker ]]; then
            opt_iommu=pasid opt_append+=" testbed.broker"
        fi
        begin=$SECONDS moves=$(host_moves)
        test_boot
        if [[ $(host_moves) != "$moves" ]]; then
            say "this host was moved or restored meanwhile, so the guest's clock has jumped: again"
            test_boot
        fi
        logs=$RUN/io/scenarios
        say "boot \"$kind\": $((SECONDS - begin)) s"
        # The runner adds what it looks for after the last one.
        [[ ! -e $logs/kmemleak.result ]] || group+=(kmemleak)
        for name in "${group[@]}"; do
            result=$(cat "$logs/$name.result" 2>/dev/null) || result='not reached'
            if [[ $result == ok ]]; then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
                [[ $result != 'not reached' ]] || printf 'not ok %s (the guest ended before it did), log: %s\n' "$name" "$logs/$name.log"
            fi
        done
        # Failures outside of scenarios count as well: boot, shutdown, the complete kernel log.
        if ((STATUS > 1)); then
            printf 'not ok boot-%s (status %d), files: %s\n' "$kind" "$STATUS" "$RUN/io"
            failed=$((failed + 1))
        fi
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0)) && STATUS=0 || STATUS=1
}
