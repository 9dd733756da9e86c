# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A snapshot of the work tree, so that keys match what is built, even if the work tree changes meanwhile.

# Sets SOURCE. Build directories and version control stay behind.
source_snapshot() {
    local dir prune=(-name .git)
    for dir in "$PROJECT_DIR"/*/meson-private; do
        [[ -d $dir ]] && prune+=(-o -path "./$(basename "${dir%/meson-private}")")
    done
    SOURCE=$(mktemp -d "$CACHE/work/source-XXXXXX")
    # Builds as an ordinary user read the snapshot; the cache stays private.
    chmod 0755 "$SOURCE"
    (cd "$PROJECT_DIR" && find . \( "${prune[@]}" \) -prune -o \( -type f -o -type l \) -print0) |
        tar -C "$PROJECT_DIR" --null --files-from=- -cf - | tar -C "$SOURCE" -xf -
}

# Inputs of the userland: everything but the kernel, documents and the testbed's scripts.
source_userland_key() {
    local paths
    mapfile -t paths < <(cd "$SOURCE" && find . -mindepth 1 \
        \( -path ./kernel -o -path ./docs -o -path ./.ci -o -path './*.md' -o -path ./LICENSES -o -path ./tests/testbed/lib \
        -o -path ./tests/testbed/guest -o -path ./tests/testbed/scenarios -o -path ./tests/testbed/run \) -prune \
        -o \( -type f -o -type l \) -print | LC_ALL=C sort)
    ((${#paths[@]})) || paths=(tests)
    hash_tree "$SOURCE" "${paths[@]}"
}
