/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-index.h"
#include "cgroup.h"

typedef struct IndexEntry {
        uint64_t id;
        size_t unit;
} IndexEntry;

struct CgroupIndex {
        char **units;
        size_t n_units;
        IndexEntry *entries;
        size_t n_entries, n_allocated;
        bool sorted;
};

int cgroup_index_new(CgroupIndex **ret) {
        CgroupIndex *index;

        index = calloc(1, sizeof(*index));
        if (!index)
                return -ENOMEM;

        *ret = index;
        return 0;
}

CgroupIndex *cgroup_index_free(CgroupIndex *index) {
        if (!index)
                return NULL;

        for (size_t i = 0; i < index->n_units; i++)
                free(index->units[i]);
        free(index->units);
        free(index->entries);
        free(index);
        return NULL;
}

static int on_cgroup(uint64_t id, void *userdata) {
        CgroupIndex *index = userdata;

        if (index->n_entries >= index->n_allocated) {
                size_t n = index->n_allocated > 0 ? index->n_allocated * 2 : 64;
                IndexEntry *bigger;

                bigger = reallocarray(index->entries, n, sizeof(IndexEntry));
                if (!bigger)
                        return -ENOMEM;
                index->entries = bigger;
                index->n_allocated = n;
        }

        index->entries[index->n_entries++] = (IndexEntry) { .id = id, .unit = index->n_units - 1 };
        index->sorted = false;
        return 0;
}

int cgroup_index_add(CgroupIndex *index, const char *root, const char *unit_path) {
        char **bigger, *copy;
        int r;

        copy = strdup(unit_path);
        bigger = reallocarray(index->units, index->n_units + 1, sizeof(char *));
        if (bigger)
                index->units = bigger;
        if (!copy || !bigger) {
                free(copy);
                return -ENOMEM;
        }
        index->units[index->n_units++] = copy;

        r = cgroup_walk(root, unit_path, on_cgroup, index);
        return r == -ENOENT ? 0 : r;
}

static int compare_entries(const void *a, const void *b) {
        const IndexEntry *x = a, *y = b;

        return x->id < y->id ? -1 : x->id > y->id;
}

const char *cgroup_index_find(CgroupIndex *index, uint64_t id) {
        const IndexEntry wanted = { .id = id };
        const IndexEntry *found;

        if (index->n_entries == 0)
                return NULL;

        if (!index->sorted)
                qsort(index->entries, index->n_entries, sizeof(IndexEntry), compare_entries);
        index->sorted = true;

        found = bsearch(&wanted, index->entries, index->n_entries, sizeof(IndexEntry), compare_entries);
        return found ? index->units[found->unit] : NULL;
}
