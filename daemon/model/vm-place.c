/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>

#include "macro.h"
#include "vm-place.h"

/* VMs at the same place: in a cgroup, or in a unit whose cgroup is not known. */
struct VMsAt {
        TAILQ_HEAD(VMsAtList, VM)
        vms;         /* in the order of their numbers; only empty while a VM is being added */
        char name[]; /* a cgroup's path, which begins with "/", or a unit's name */
};

/* The tree has the names. */
static VMsAt *at_of(const char *name) {
        return (VMsAt *) ((uintptr_t) name - offsetof(VMsAt, name));
}

static int compare(const void *a, const void *b) {
        return strcmp(a, b);
}

static VMsAt *find(const World *w, const char *name) {
        char **found = name ? tfind(name, &w->vms_by_place, compare) : NULL;

        return found ? at_of(*found) : NULL;
}

/* Without a VM yet. */
static VMsAt *add(World *w, const char *name) {
        size_t size = strlen(name) + 1;
        VMsAt *at;

        at = malloc(sizeof(*at) + size);
        if (!at)
                return NULL;

        TAILQ_INIT(&at->vms);
        memcpy(at->name, name, size);
        if (!tsearch(at->name, &w->vms_by_place, compare)) {
                free(at);
                return NULL;
        }
        return at;
}

static void leave(VM *vm) {
        VMsAt *at = vm->place.at;

        if (!at)
                return;

        TAILQ_REMOVE(&at->vms, vm, place.of_place);
        vm->place.at = NULL;
        vm->place.cgroup = NULL;
        if (!TAILQ_EMPTY(&at->vms))
                return;

        (void) tdelete(at->name, &vm->world->vms_by_place, compare);
        free(at);
}

static void enter(VM *vm, VMsAt *at) {
        VM *before = TAILQ_LAST(&at->vms, VMsAtList);

        while (before && before->number > vm->number)
                before = TAILQ_PREV(before, VMsAtList, place.of_place);

        if (before)
                TAILQ_INSERT_AFTER(&at->vms, before, vm, place.of_place);
        else
                TAILQ_INSERT_HEAD(&at->vms, vm, place.of_place);
        vm->place.at = at;
}

int vm_place_set(VM *vm, const char *unit, const char *cgroup) {
        const char *name = cgroup ? cgroup : unit;
        char *copy = NULL;
        VMsAt *at = NULL;

        if (unit) {
                copy = strdup(unit);
                if (!copy)
                        return -ENOMEM;
        }
        if (name) {
                at = find(vm->world, name);
                if (!at)
                        at = add(vm->world, name);
                if (!at) {
                        free(copy);
                        return -ENOMEM;
                }
        }

        if (at != vm->place.at) {
                leave(vm);
                if (at)
                        enter(vm, at);
        }
        vm->place.cgroup = cgroup ? at->name : NULL;
        free(vm->place.unit);
        vm->place.unit = copy;
        return 0;
}

void vm_place_clear(VM *vm) {
        leave(vm);
        free(vm->place.unit);
        vm->place.unit = NULL;
}

/* A unit's name could be the path of a cgroup. */
static VM *skip_without_cgroup(VM *vm) {
        while (vm && !vm->place.cgroup)
                vm = TAILQ_NEXT(vm, place.of_place);

        return vm;
}

VM *vm_first_in_cgroup(const World *w, const char *cgroup) {
        const VMsAt *at = find(w, cgroup);

        return at ? skip_without_cgroup(TAILQ_FIRST(&at->vms)) : NULL;
}

VM *vm_next_in_cgroup(const VM *vm) {
        return skip_without_cgroup(TAILQ_NEXT(vm, place.of_place));
}

VM *vm_find_without_cgroup(const World *w, const char *unit) {
        const VMsAt *at = find(w, unit);
        VM *vm;

        if (!at)
                return NULL;

        TAILQ_FOREACH (vm, &at->vms, place.of_place)
                if (vm->machine && !vm->place.cgroup)
                        return vm;

        return NULL;
}

bool vm_shares_cgroup(const VM *vm, const VM *other) {
        return vm != other && vm->kind == VM_KIND_MACHINE && other->kind == VM_KIND_MACHINE &&
               vm->place.cgroup && other->place.cgroup && vm->place.at == other->place.at;
}
