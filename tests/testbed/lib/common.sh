# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Messages, steps and exit statuses. Everything here goes to stderr: stdout belongs to the command that runs in the guest.

# What the testbed itself answers; anything else is the guest command's own status.
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

# step NAME LOG COMMAND…: run COMMAND with its output in LOG, tell how long it takes, end the run if it fails.
#
# COMMAND may be a function. It runs in a background subshell, so that errexit works in it and a signal to the testbed is
# handled at once; never call step where errexit is off (if, &&, ||).
step() {
    local name=$1 log=$2 begin=$SECONDS next=30 pid status=0
    shift 2

    mkdir -p "${log%/*}"
    say "$name …"
    # Job control gives it a process group, by which step_kill reaches all of it.
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
    # What it left running would go on writing to what the next run builds.
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

# hash_tree DIR [PATH…]: a digest of names, content and executable bits; owners, times and umask do not matter.
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
