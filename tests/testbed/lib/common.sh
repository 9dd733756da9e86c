# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Messages, steps and exit statuses. All output goes to stderr: stdout is for the command in the guest.

# Exit statuses of the testbed; all others come from the guest's command.
# shellcheck disable=SC2034 # used by the other files
EXIT_KERNEL_LOG=123 EXIT_TIMEOUT=124 EXIT_TESTBED=125

say() {
    printf 'testbed: [%4d s] %s\n' "$SECONDS" "$*" >&2
}

die() {
    say "error: $*"
    exit "$EXIT_TESTBED"
}

usage_error() {
    printf 'testbed: %s; see --help\n' "$*" >&2
    exit 2
}

# step NAME LOG COMMAND…: runs COMMAND with its output in LOG, prints its duration, and ends the run if it fails.
#
# COMMAND can be a function. It runs in a background subshell, so that errexit works and a signal to the testbed is
# handled at once. Do not call step where errexit is off (if, &&, ||).
step() {
    local name=$1 log=$2 begin=$SECONDS next=30 pid status=0
    shift 2

    mkdir -p "${log%/*}"
    say "$name …"
    # Job control gives it a process group, which step_kill kills.
    set -m
    if [[ -n ${opt_verbose-} ]]; then
        (trap - ERR; set -e; "$@") </dev/null > >(tee "$log" >&2) 2>&1 &
    else
        (trap - ERR; set -e; "$@") </dev/null >"$log" 2>&1 &
    fi
    pid=$!
    set +m
    STEP_PID=$pid
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - begin >= next)); then
            say "$name … still at it after $((SECONDS - begin)) s: $(tail -n 1 "$log" | cut -c -100)"
            next=$((next * 2))
        fi
    done
    wait "$pid" || status=$?
    # Its remaining processes would write to the build of the next run.
    step_kill
    if ((status != 0)); then
        tail -n 15 "$log" | sed 's/^/    /' >&2
        die "step \"$name\" failed with status $status; log: $log"
    fi
    say "$name: done in $((SECONDS - begin)) s"
}

STEP_PID=

step_kill() {
    [[ -z $STEP_PID ]] || kill -TERM -- "-$STEP_PID" 2>/dev/null || true
    STEP_PID=
}

# hash_tree DIR [PATH…]: digest of names, contents and executable bits, independent of owners, times and umask.
hash_tree() {
    local dir=$1
    shift
    (($#)) || set -- .
    tar -C "$dir" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='a=rX,u+w' -cf - "$@" |
        sha256sum | cut -c -16
}

hash_text() {
    printf '%s\0' "$@" | sha256sum | cut -c -16
}
