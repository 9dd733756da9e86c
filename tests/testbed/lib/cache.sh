# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The cache: $CACHE/KIND-KEY is a finished entry and is never changed; $CACHE/work has unfinished entries and the
# incremental build trees; $CACHE/log the logs of builds; $CACHE/runs one directory for each boot; $CACHE/green the
# tests that have passed (--once).
#
# Locks: KIND-KEY.lock is held shared while an entry is used (QEMU inherits it), so that it is not pruned; KIND.lock is
# held exclusively while an entry is built.

CACHE_KEEP=2
CACHE_KEEP_RUNS=20

cache_init() {
    mkdir -p "$CACHE"/{log,runs,work,locks}
    # Private: the run directories are written by root in the guest.
    chmod 0700 "$CACHE"
    # Left by runs that were killed.
    find "$CACHE/work" -mindepth 1 -maxdepth 1 \( -name 'source-*' -o -name 'view-*' \) -mmin +1440 \
        -exec rm -rf --one-file-system {} +
}

# cache_entry KIND KEY BUILDER…: sets ENTRY to the entry's directory. If it does not exist, creates it with `BUILDER…
# DIR`, where DIR is an empty temporary directory.
cache_entry() {
    local kind=$1 key=$2 aside use build
    shift 2
    ENTRY=$CACHE/$kind-$key

    exec {use}>"$CACHE/locks/$kind-$key.lock"
    flock --shared "$use"
    if [[ -d $ENTRY ]]; then
        touch "$ENTRY"
        return 0
    fi

    # Pruning locks under the build lock only, so the shared lock taken above cannot deadlock with it.
    exec {build}>"$CACHE/locks/${kind%%-*}.lock"
    if ! flock --nonblock "$build"; then
        say "waiting for another run that builds the ${kind%%-*}"
        flock "$build"
    fi
    if [[ ! -d $ENTRY ]]; then
        aside=$CACHE/work/$kind-$key.new
        rm -rf --one-file-system "$aside"
        mkdir -p "$aside"
        step "$kind" "$CACHE/log/$kind-$key.log" "$@" "$aside"
        sync -f "$aside"
        mv -T "$aside" "$ENTRY"
        cache_prune "$kind"
    fi
    exec {build}>&-
}

# cache_prune KIND: removes unused entries except for the latest.
cache_prune() {
    local kind=$1 entry lock n=0
    while IFS= read -r entry; do
        [[ ${entry##*/} =~ ^$kind-[0-9a-f]{16}$ ]] || continue
        ((++n > CACHE_KEEP)) || continue
        exec {lock}>"$CACHE/locks/${entry##*/}.lock"
        if flock --exclusive --nonblock "$lock"; then
            say "dropping the old ${entry##*/}"
            # Renamed first, so that an entry is complete or absent.
            mv -T "$entry" "$CACHE/work/${entry##*/}.old"
            rm -rf --one-file-system "$CACHE/work/${entry##*/}.old" "$CACHE/log/${entry##*/}.log"
        fi
        exec {lock}>&-
    done < <(find "$CACHE" -maxdepth 1 -name "$kind-*" -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2-)
}

# Sets RUN to a new directory for one boot: console, output, kernel log, scenario logs. It is locked until we end: a long run
# is older than many that have ended.
cache_new_run() {
    local old lock
    find "$CACHE/runs" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2- |
        tail -n +$((CACHE_KEEP_RUNS + 1)) |
        while IFS= read -r old; do
            ! flock --exclusive --nonblock "$old" true || rm -rf --one-file-system "$old"
        done
    RUN=$(mktemp -d "$CACHE/runs/$(date +%m%d-%H%M%S)-XXXX")
    exec {lock}<"$RUN"
    flock --shared "$lock"
}

cache_clean() {
    local lock
    for lock in "$CACHE"/locks/*.lock; do
        [[ -e $lock ]] || continue
        flock --exclusive --nonblock "$lock" true || die "in use by another run: ${lock##*/}"
    done
    say "removing $CACHE"
    # By name: PASIDD_TESTBED_CACHE may have been set to a directory that holds other things, too.
    rm -rf --one-file-system "$CACHE"/{green,log,runs,work,locks} "$CACHE"/{root,kernel,userland,initramfs}[-_]*
    rmdir --ignore-fail-on-non-empty "$CACHE"
}
