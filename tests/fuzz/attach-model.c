/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach-model.h"

/* The argument of all calls ends there, and what is not of them is zero, for so many bytes. */
#define CLEARED 256

static Expectation answers(int error) {
        Expectation e = {};

        expect(&e, error);
        return e;
}

/* ---- cgroups ---- */

static CgroupIndex parent_of(CgroupIndex i) {
        return i == CGROUP_TOP ? CGROUPS : CGROUP_TOP;
}

uint64_t model_room(const Model *m, CgroupIndex cgroup, Resource resource, uint64_t n) {
        for (CgroupIndex i = cgroup; i < CGROUPS; i = parent_of(i)) {
                const Cgroup *c = m->cgroups + i;
                uint64_t room =
                        c->max[resource] > c->usage[resource] ? c->max[resource] - c->usage[resource] : 0;

                if (room < n)
                        n = room;
        }
        return n;
}

bool model_charge(Model *m, CgroupIndex cgroup, Resource resource) {
        if (model_room(m, cgroup, resource, 1) > 0) {
                for (CgroupIndex i = cgroup; i < CGROUPS; i = parent_of(i))
                        m->cgroups[i].usage[resource]++;
                return true;
        }
        /* The lowest that refuses is told of it, and those above. */
        if (resource == RESOURCE_ATTACH) {
                if (m->cgroups[cgroup].usage[resource] >= m->cgroups[cgroup].max[resource])
                        m->cgroups[cgroup].refused++;
                if (cgroup != CGROUP_TOP)
                        m->cgroups[CGROUP_TOP].refused++;
        }
        return false;
}

void model_uncharge(Model *m, CgroupIndex cgroup, Resource resource, uint64_t n) {
        for (CgroupIndex i = cgroup; i < CGROUPS; i = parent_of(i))
                m->cgroups[i].usage[resource] -= n;
}

/* ---- objects of an iommufd ---- */

Object *model_find(Context *c, uint32_t id) {
        for (unsigned i = 0; i < OBJECTS; i++)
                if (c->objects[i].type != OBJECT_NONE && c->objects[i].id == id)
                        return c->objects + i;
        return NULL;
}

static bool object_fits(const Object *o, ObjectType type, bool for_pasids) {
        return o->type == type && (!for_pasids || o->for_pasids);
}

Object *model_pick(Context *c, ObjectType type, bool for_pasids, uint32_t n) {
        uint32_t found = 0;

        for (unsigned i = 0; i < OBJECTS; i++)
                found += object_fits(c->objects + i, type, for_pasids);
        if (found == 0)
                return NULL;
        n %= found;
        for (unsigned i = 0; i < OBJECTS; i++)
                if (object_fits(c->objects + i, type, for_pasids) && n-- == 0)
                        return c->objects + i;
        return NULL;
}

unsigned model_objects(const Context *c) {
        unsigned n = 0;

        for (unsigned i = 0; i < OBJECTS; i++)
                n += c->objects[i].type != OBJECT_NONE;
        return n;
}

/* NULL if the kernel cannot have given this number. */
static Object *object_add(Context *c, ObjectType type, uint32_t id) {
        if (id == 0 || model_find(c, id))
                return NULL;
        for (unsigned i = 0; i < OBJECTS; i++)
                if (c->objects[i].type == OBJECT_NONE) {
                        c->objects[i] = (Object) { .type = type, .id = id };
                        return c->objects + i;
                }
        return NULL;
}

static Object *hwpt_add(Context *c, Object *ioas, uint32_t id, bool for_pasids, bool automatic) {
        Object *o = object_add(c, OBJECT_HWPT, id);

        if (!o)
                return NULL;
        o->ioas = ioas;
        o->for_pasids = for_pasids;
        o->automatic = automatic;
        ioas->users++;
        return o;
}

static void object_remove(Object *o) {
        if (o->ioas)
                o->ioas->users--;
        *o = (Object) {};
}

static void object_put(Object *o) {
        if (--o->users == 0 && o->automatic)
                object_remove(o);
}

static Object *automatic_of(Context *c, const Object *ioas) {
        for (unsigned i = 0; i < OBJECTS; i++)
                if (c->objects[i].type == OBJECT_HWPT && c->objects[i].automatic &&
                        c->objects[i].ioas == ioas)
                        return c->objects + i;
        return NULL;
}

/* ---- what is attached ---- */

int file_device(unsigned file) {
        return (int) (file / FILES_EACH);
}

Device *model_bound(Model *m, unsigned file) {
        Device *d = m->devices + file_device(file);

        return d->file == (int) file ? d : NULL;
}

static Entry *entry_find(Device *d, uint32_t pasid) {
        return pasid < WIDTH_MAX && d->by_pasid[pasid] > 0 ? d->entries + d->by_pasid[pasid] - 1 : NULL;
}

static void entry_add(Model *m, Device *d, uint32_t pasid, Object *o, CgroupIndex cgroup) {
        d->entries[d->n++] = (Entry) { .pasid = pasid, .object = o, .cgroup = cgroup };
        d->by_pasid[pasid] = (uint32_t) d->n;
        o->users++;
        m->attached++;
}

static void entry_remove(Model *m, Device *d, Entry *entry) {
        Entry e = *entry;

        *entry = d->entries[--d->n];
        d->by_pasid[entry->pasid] = (uint32_t) (entry - d->entries) + 1;
        d->by_pasid[e.pasid] = 0;
        m->attached--;
        model_uncharge(m, e.cgroup, RESOURCE_ATTACH, 1);
        object_put(e.object);
}

static void own_remove(Device *d) {
        if (d->own == OWN_NONE)
                return;
        d->own = OWN_NONE;
        object_put(d->own_object);
        d->own_object = NULL;
}

/* Whether a page table goes with what else is attached to the device. */
static bool compatible(const Device *d, bool own, bool for_pasids) {
        if (own)
                return for_pasids || d->n == 0;
        return for_pasids && (d->own == OWN_NONE || d->own_object->for_pasids);
}

/* Which page table it is, and whether it can be. */
static void attach_what(Model *m, AttachPlan *p, uint32_t pt_id) {
        Device *d = p->device;
        Object *o, *current = p->own ? d->own_object : NULL;
        bool for_pasids;

        if (p->exists && !p->own)
                current = entry_find(d, p->pasid)->object;
        o = model_find(d->context, pt_id);
        if (!o || o->type == OBJECT_DEVICE) {
                expect(&p->e, o ? EINVAL : ENOENT);
                return;
        }
        for_pasids = o->for_pasids;
        if (o->type == OBJECT_IOAS) {
                p->ioas = o;
                o = automatic_of(d->context, o);
        }
        p->object = o;

        if (p->exists) {
                if (o != current || !o)
                        expect(&p->e, compatible(d, p->own, for_pasids) ? 0 : EINVAL);
                return;
        }
        if (p->own) {
                if (d->own != OWN_NONE)
                        expect(&p->e, EBUSY);
                else if (!compatible(d, true, for_pasids))
                        expect(&p->e, EINVAL);
                return;
        }
        if (!model_charge(m, p->cgroup, RESOURCE_ATTACH)) {
                expect(&p->e, EAGAIN);
                m->denied++;
                return;
        }
        if (!compatible(d, false, for_pasids) || p->pasid >= m->width) {
                expect(&p->e, EINVAL);
                model_uncharge(m, p->cgroup, RESOURCE_ATTACH, 1);
        }
}

AttachPlan model_attach(Model *m, unsigned file, const AttachArgs *a, Access access, CgroupIndex cgroup) {
        bool with_pasid = a->flags & ATTACH_PASID;
        AttachPlan p = {
                .device = model_bound(m, file), .cgroup = cgroup, .pasid = with_pasid ? a->pasid : 0
        };
        Device *d = p.device;

        p.own = p.pasid == 0;
        p.how = with_pasid ? OWN_PASID_0 : OWN_PLAIN;
        if (!d)
                expect(&p.e, EINVAL);
        else if (access.readable < 12)
                expect(&p.e, EFAULT);
        else if (a->argsz < 12 || a->flags & ~ATTACH_PASID || (with_pasid && a->argsz < 16))
                expect(&p.e, EINVAL);
        else if (with_pasid && access.readable < 16)
                expect(&p.e, EFAULT);
        else if (p.pasid > INT32_MAX)
                expect(&p.e, ENOSPC);
        if (!nothing_expected(&p.e))
                return p;

        p.exists = p.own ? d->own == p.how : entry_find(d, p.pasid) != NULL;
        if (!p.own && !p.exists && m->attached >= m->quota) {
                expect(&p.e, EDQUOT);
                m->denied++;
                return p;
        }
        attach_what(m, &p, a->pt_id);
        if (nothing_expected(&p.e))
                expect(&p.e, 0);
        /* Then it is undone. */
        if (p.e.low == 1 && !access.writable)
                p.e = answers(EFAULT);
        return p;
}

/* Whether the plan was to attach, and only the result could not be told. */
static bool planned(const AttachPlan *p) {
        return p->object || p->ioas;
}

bool model_attach_done(Model *m, const AttachPlan *p, int error, uint32_t id) {
        Device *d = p->device;
        Entry *entry;
        Object *o = p->object;

        if (!planned(p))
                return true;
        if (!p->own && !p->exists && m->attached + 1 > m->attached_peak)
                m->attached_peak = m->attached + 1;
        entry = p->own ? NULL : entry_find(d, p->pasid);
        if (error < 0) {
                if (p->own)
                        own_remove(d);
                else if (entry)
                        entry_remove(m, d, entry);
                else
                        model_uncharge(m, p->cgroup, RESOURCE_ATTACH, 1);
                return true;
        }

        if (!o)
                o = hwpt_add(d->context, p->ioas, id, false, true);
        if (!o || o->id != id)
                return false;
        if (p->own) {
                o->users++;
                if (d->own != OWN_NONE)
                        object_put(d->own_object);
                d->own = p->how;
                d->own_object = o;
        } else if (entry) {
                o->users++;
                object_put(entry->object);
                entry->object = o;
        } else
                entry_add(m, d, p->pasid, o, p->cgroup);
        return true;
}

Expectation model_detach(Model *m, unsigned file, const DetachArgs *a, Access access) {
        bool with_pasid = a->flags & ATTACH_PASID;
        Device *d = model_bound(m, file);
        Entry *entry;

        if (!d)
                return answers(EINVAL);
        if (access.readable < 8)
                return answers(EFAULT);
        if (a->argsz < 8 || a->flags & ~ATTACH_PASID || (with_pasid && a->argsz < 12))
                return answers(EINVAL);
        if (with_pasid && access.readable < 12)
                return answers(EFAULT);
        if (!with_pasid || a->pasid == 0) {
                if (d->own == (with_pasid ? OWN_PASID_0 : OWN_PLAIN))
                        own_remove(d);
                return answers(0);
        }
        entry = entry_find(d, a->pasid);
        if (entry)
                entry_remove(m, d, entry);
        return answers(0);
}

/* ---- devices ---- */

static void set_unuse(Model *m) {
        if (--m->users > 0)
                return;
        for (unsigned i = 0; i < TYPE1_PASIDS; i++)
                if (m->owned[i]) {
                        m->owned[i] = false;
                        model_uncharge(m, m->owner[i], RESOURCE_PASID, 1);
                }
        m->held = 0;
}

static void set_make(Model *m) {
        if (m->has_set)
                return;
        m->has_set = true;
        m->quota = m->default_quota;
}

/* An argument that says how large it is and may be larger than the kernel's, if the rest is zero. Returns false if it is wrong. */
static bool extensible(Expectation *e, uint32_t size, size_t least, size_t known, Access access) {
        if (access.readable < 4)
                expect(e, EFAULT);
        else if (size < least)
                expect(e, EINVAL);
        else if (size > CLEARED || (size > known && size > access.readable)) {
                expect(e, E2BIG);
                expect(e, EFAULT);
        } else if (size > known && access.dirty)
                expect(e, E2BIG);
        else if (access.readable < (size < known ? size : known))
                expect(e, EFAULT);
        return nothing_expected(e);
}

BindPlan model_bind(Model *m, unsigned file, const BindArgs *a, int slot, Access access) {
        BindPlan p = { .device = m->devices + file_device(file), .file = file };
        Device *d = p.device;

        if (!extensible(&p.e, a->argsz, 16, sizeof(*a), access))
                return p;
        if (a->iommufd < 0 || a->flags & ~BIND_TOKEN)
                expect(&p.e, EINVAL);
        else if (m->type1 && file_device(file) == TYPE1_DEVICE)
                expect(&p.e, EBUSY);
        else if (d->file == (int) file)
                expect(&p.e, EINVAL);
        else if (slot < 0)
                expect(&p.e, -slot);
        if (!nothing_expected(&p.e))
                return p;

        set_make(m);
        if (a->flags & BIND_TOKEN) {
                expect(&p.e, EFAULT);
                expect(&p.e, EINVAL);
        } else if (d->file >= 0)
                expect(&p.e, EINVAL);
        else if (!access.writable)
                expect(&p.e, EFAULT);
        else {
                expect(&p.e, 0);
                p.context = m->of_slot[slot];
        }
        return p;
}

bool model_bind_done(Model *m, const BindPlan *p, uint32_t id) {
        Device *d = p->device;

        d->self = object_add(p->context, OBJECT_DEVICE, id);
        if (!d->self)
                return false;
        d->file = (int) p->file;
        d->context = p->context;
        d->context->devices++;
        m->users++;
        return true;
}

static void context_put(Context *c) {
        if (!c->open && c->devices == 0)
                memset(c->objects, 0, sizeof(c->objects));
}

void model_close_file(Model *m, unsigned file) {
        Device *d = model_bound(m, file);

        if (!d)
                return;
        while (d->n > 0)
                entry_remove(m, d, d->entries + d->n - 1);
        own_remove(d);
        object_remove(d->self);
        d->file = -1;
        d->context->devices--;
        context_put(d->context);
        set_unuse(m);
}

void model_close_iommufd(Model *m, unsigned slot) {
        Context *c = m->of_slot[slot];

        c->open = false;
        context_put(c);
        for (unsigned i = 0; i < CONTEXTS; i++)
                if (!m->contexts[i].open && m->contexts[i].devices == 0) {
                        m->contexts[i].open = true;
                        m->of_slot[slot] = m->contexts + i;
                        return;
                }
}

Expectation model_feature(Model *m, unsigned file, const FeatureArgs *a, Access access) {
        const uint32_t get = VFIO_DEVICE_FEATURE_GET, set = VFIO_DEVICE_FEATURE_SET,
                       probe = VFIO_DEVICE_FEATURE_PROBE;
        Expectation e = {};

        if (!model_bound(m, file))
                return answers(EINVAL);
        if (access.readable < 8)
                return answers(EFAULT);
        if (a->argsz < 8 || a->flags & ~(VFIO_DEVICE_FEATURE_MASK | get | set | probe) ||
                (a->flags & (get | set | probe)) == (get | set))
                return answers(EINVAL);
        if ((a->flags & VFIO_DEVICE_FEATURE_MASK) != FEATURE_PASID_ATTACH) {
                e.any = true;
                return e;
        }
        if (a->flags & set)
                return answers(EINVAL);
        if (a->flags & probe)
                return answers(0);
        if (!(a->flags & get) || a->argsz < sizeof(*a))
                return answers(EINVAL);
        return answers(access.writable && access.readable >= sizeof(*a) ? 0 : EFAULT);
}

/* ---- calls of an iommufd ---- */

Expectation model_ioas_alloc(Model *m, unsigned slot, const IoasArgs *a, Access access) {
        Expectation e = {};

        if (!extensible(&e, a->size, sizeof(*a), sizeof(*a), access))
                return e;
        return answers(a->flags ? EOPNOTSUPP : access.writable ? 0 : EFAULT);
}

bool model_ioas_alloc_done(Model *m, unsigned slot, uint32_t id) {
        return object_add(m->of_slot[slot], OBJECT_IOAS, id);
}

Expectation model_hwpt_alloc(Model *m, unsigned slot, const HwptArgs *a, Access access) {
        const Object *device = model_find(m->of_slot[slot], a->dev_id);
        const Object *o = model_find(m->of_slot[slot], a->pt_id);
        Expectation e = {};

        if (!extensible(&e, a->size, 24, sizeof(*a), access))
                return e;
        if (a->reserved)
                return answers(EOPNOTSUPP);
        if (!device || device->type != OBJECT_DEVICE)
                return answers(ENOENT);
        if (!o || o->type == OBJECT_DEVICE)
                return answers(EINVAL);
        /* A page table can be nested in another, but not with the page tables of the first stage that this machine has. */
        if (o->type == OBJECT_HWPT)
                return answers(EOPNOTSUPP);
        if (a->flags & ~(HWPT_ALLOC_FAULT_ID | HWPT_ALLOC_PASID))
                return answers(EOPNOTSUPP);
        /* Nothing here makes a queue of faults. */
        if (a->flags & HWPT_ALLOC_FAULT_ID)
                return answers(ENOENT);
        return answers(access.writable ? 0 : EFAULT);
}

bool model_hwpt_alloc_done(Model *m, unsigned slot, const HwptArgs *a, uint32_t id) {
        Context *c = m->of_slot[slot];

        return hwpt_add(c, model_find(c, a->pt_id), id, a->flags & HWPT_ALLOC_PASID, false);
}

Expectation model_destroy(Model *m, unsigned slot, const DestroyArgs *a, Access access) {
        Object *o = model_find(m->of_slot[slot], a->id);
        Expectation e = {};

        if (!extensible(&e, a->size, sizeof(*a), sizeof(*a), access))
                return e;
        if (!o)
                return answers(ENOENT);
        if (o->type == OBJECT_DEVICE || o->users > 0)
                return answers(EBUSY);
        object_remove(o);
        return answers(0);
}

/* ---- type1 ---- */

Expectation model_type1_open(Model *m) {
        if (m->type1 || m->devices[TYPE1_DEVICE].file >= 0)
                return answers(EBUSY);
        m->type1 = true;
        if (m->device_width > 0) {
                set_make(m);
                m->users++;
        }
        return answers(0);
}

void model_type1_close(Model *m) {
        if (m->type1 && m->device_width > 0)
                set_unuse(m);
        m->type1 = false;
}

static bool any_free(const Model *m, uint32_t min, uint32_t max) {
        for (uint32_t p = min; p <= max; p++)
                if (!m->owned[p - TYPE1_FIRST])
                        return true;
        return false;
}

Expectation model_pasid_alloc(Model *m, uint32_t min, uint32_t max) {
        if (!m->type1)
                return answers(EBADF);
        if (m->held >= m->quota) {
                m->denied++;
                return answers(EDQUOT);
        }
        if (!any_free(m, min, max)) {
                m->denied++;
                return answers(ENOSPC);
        }
        if (!model_charge(m, m->cgroup, RESOURCE_PASID)) {
                m->denied++;
                return answers(EBUSY);
        }
        return answers(0);
}

bool model_pasid_alloc_done(Model *m, uint32_t pasid) {
        uint32_t i = pasid - TYPE1_FIRST;

        if (i >= TYPE1_PASIDS || m->owned[i])
                return false;
        m->owned[i] = true;
        m->owner[i] = m->cgroup;
        m->held++;
        if (m->held > m->peak)
                m->peak = m->held;
        return true;
}

Expectation model_pasid_free(Model *m, uint32_t min, uint32_t max) {
        if (!m->type1)
                return answers(EBADF);
        for (uint32_t i = min - TYPE1_FIRST; i <= max - TYPE1_FIRST; i++)
                if (m->owned[i]) {
                        m->owned[i] = false;
                        m->held--;
                        model_uncharge(m, m->owner[i], RESOURCE_PASID, 1);
                }
        return answers(0);
}

Model *model_new(unsigned bits, uint32_t default_quota) {
        Model *m = calloc(1, sizeof(*m));

        if (!m)
                return NULL;
        for (unsigned i = 0; i < DEVICES; i++) {
                m->devices[i].file = -1;
                m->devices[i].by_pasid = calloc(WIDTH_MAX, sizeof(uint32_t));
                m->devices[i].entries = calloc(WIDTH_MAX, sizeof(Entry));
                if (!m->devices[i].by_pasid || !m->devices[i].entries)
                        return NULL;
        }
        for (unsigned i = 0; i < IOMMUFDS; i++) {
                m->contexts[i].open = true;
                m->of_slot[i] = m->contexts + i;
        }
        for (unsigned i = 0; i < CGROUPS; i++)
                for (unsigned r = 0; r < RESOURCES; r++)
                        m->cgroups[i].max[r] = UINT64_MAX;
        m->cgroup = CGROUP_A;
        m->width = bits > 0 ? UINT32_C(1) << bits : WIDTH_MAX;
        m->device_width = bits > 0 ? UINT32_C(1) << bits : 0;
        m->default_quota = default_quota;
        return m;
}
