/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel is expected to hold, and to answer: devices that are bound to iommufds, page tables, what is attached, and who
 * is charged. It makes no calls.
 *
 * A function model_X() is called before the call and returns what it must answer, with what is needed afterwards;
 * model_X_done() is called after a call that was answered so. */

#include "attach-lib.h"
#include "fuzz-engine.h"

/* Devices that the process itself uses; of each, so many files are open. One device can have its group open instead. */
#define DEVICES      3
#define FILES_EACH   2
#define FILES        (DEVICES * FILES_EACH)
#define TYPE1_DEVICE 2
#define IOMMUFDS     2

/* A closed iommufd lives until its devices are unbound. */
#define CONTEXTS (IOMMUFDS + DEVICES)
#define OBJECTS  64

/* Most PASIDs of an IOMMU. */
#define WIDTH_MAX (UINT32_C(1) << 20)

/* Those that type1 is asked for. */
#define TYPE1_FIRST  1000U
#define TYPE1_PASIDS 1000U

/* Arguments as Linux 7.3 has them, beside those of attach-lib.h; the headers that this is built with can be older. */
#define BIND_TOKEN             (UINT32_C(1) << 0)
#define HWPT_ALLOC_NEST_PARENT (UINT32_C(1) << 0)
#define HWPT_ALLOC_DIRTY       (UINT32_C(1) << 1)
#define HWPT_ALLOC_FAULT_ID    (UINT32_C(1) << 2)
#define FEATURE_PASID_ATTACH   UINT32_C(14)

typedef struct BindArgs {
        uint32_t argsz, flags;
        int32_t iommufd;
        uint32_t out_devid;
        uint64_t token;
} BindArgs;

typedef struct FeatureArgs {
        uint32_t argsz, flags, quota, attached, max_pasids, reserved;
} FeatureArgs;

typedef struct IoasArgs {
        uint32_t size, flags, out_id;
} IoasArgs;

typedef struct HwptArgs {
        uint32_t size, flags, dev_id, pt_id, out_id, reserved, data_type, data_len;
        uint64_t data;
        uint32_t fault_id, reserved2;
} HwptArgs;

typedef struct DestroyArgs {
        uint32_t size, id;
} DestroyArgs;

/* What the kernel can do with the argument of a call. */
typedef struct Access {
        size_t readable;
        bool writable;
        /* What follows the argument is not zero. */
        bool dirty;
} Access;

typedef enum ObjectType {
        OBJECT_NONE,
        OBJECT_DEVICE,
        OBJECT_IOAS,
        OBJECT_HWPT,
} ObjectType;

typedef struct Object {
        ObjectType type;
        uint32_t id;
        unsigned users;
        /* Of a page table. The kernel makes an automatic one for an IOAS that is attached, and destroys it. */
        struct Object *ioas;
        bool for_pasids, automatic;
} Object;

typedef struct Context {
        bool open;
        unsigned devices;
        Object objects[OBJECTS];
} Context;

typedef enum CgroupIndex {
        CGROUP_TOP,
        CGROUP_A,
        CGROUP_B,
        CGROUPS,
} CgroupIndex;

typedef enum Resource {
        RESOURCE_ATTACH,
        RESOURCE_PASID,
        RESOURCES,
} Resource;

typedef struct Cgroup {
        uint64_t max[RESOURCES], usage[RESOURCES];
        /* Of pasid_attach. */
        uint64_t refused;
} Cgroup;

/* A PASID that is attached. */
typedef struct Entry {
        uint32_t pasid;
        Object *object;
        CgroupIndex cgroup;
} Entry;

/* What is attached without a PASID; PASID 0 is another way to say so, and each has to be undone as it was done. */
typedef enum Own {
        OWN_NONE,
        OWN_PLAIN,
        OWN_PASID_0,
} Own;

typedef struct Device {
        /* The file that it is bound by, or -1. */
        int file;
        Context *context;
        Object *self;
        Own own;
        Object *own_object;
        Entry *entries;
        size_t n;
        /* By PASID, the number of its entry plus one. */
        uint32_t *by_pasid;
} Device;

typedef struct Model {
        Device devices[DEVICES];
        Context contexts[CONTEXTS];
        Context *of_slot[IOMMUFDS];
        Cgroup cgroups[CGROUPS];
        /* Where the process is. */
        CgroupIndex cgroup;
        /* How wide PASIDs are that can be attached, and that the devices say. */
        uint32_t width, device_width;

        bool has_set;
        /* Bound devices, and a container. */
        unsigned users;
        uint32_t quota, watermark, attached, attached_peak, held, peak, default_quota;
        uint64_t denied;

        bool type1;
        bool owned[TYPE1_PASIDS];
        CgroupIndex owner[TYPE1_PASIDS];
} Model;

Model *model_new(unsigned bits, uint32_t default_quota);

int file_device(unsigned file);
/* The device if it is bound by this file, or NULL. */
Device *model_bound(Model *m, unsigned file);
Object *model_find(Context *c, uint32_t id);
/* The Nth object, modulo their number, that is of TYPE, and if so wanted of those for PASIDs; or NULL. */
Object *model_pick(Context *c, ObjectType type, bool for_pasids, uint32_t n);
unsigned model_objects(const Context *c);

typedef struct AttachPlan {
        Expectation e;
        Device *device;
        CgroupIndex cgroup;
        uint32_t pasid;
        bool own, exists;
        Own how;
        /* What is attached then; NULL is a new automatic page table of IOAS. */
        Object *object, *ioas;
} AttachPlan;

AttachPlan model_attach(Model *m, unsigned file, const AttachArgs *a, Access access, CgroupIndex cgroup);
/* ERROR is 0 or -EFAULT. Returns false if ID cannot be. */
bool model_attach_done(Model *m, const AttachPlan *p, int error, uint32_t id);
Expectation model_detach(Model *m, unsigned file, const DetachArgs *a, Access access);

typedef struct BindPlan {
        Expectation e;
        Device *device;
        Context *context;
        unsigned file;
} BindPlan;

/* SLOT is the iommufd, -EBADF for no file, -EBADFD for another kind of file. */
BindPlan model_bind(Model *m, unsigned file, const BindArgs *a, int slot, Access access);
bool model_bind_done(Model *m, const BindPlan *p, uint32_t id);
void model_close_file(Model *m, unsigned file);
void model_close_iommufd(Model *m, unsigned slot);

Expectation model_feature(Model *m, unsigned file, const FeatureArgs *a, Access access);
Expectation model_ioas_alloc(Model *m, unsigned slot, const IoasArgs *a, Access access);
bool model_ioas_alloc_done(Model *m, unsigned slot, uint32_t id);
Expectation model_hwpt_alloc(Model *m, unsigned slot, const HwptArgs *a, Access access);
bool model_hwpt_alloc_done(Model *m, unsigned slot, const HwptArgs *a, uint32_t id);
Expectation model_destroy(Model *m, unsigned slot, const DestroyArgs *a, Access access);

/* How many more can be charged there, N at most. */
uint64_t model_room(const Model *m, CgroupIndex cgroup, Resource resource, uint64_t n);
/* Charges, or does not and counts that. */
bool model_charge(Model *m, CgroupIndex cgroup, Resource resource);
void model_uncharge(Model *m, CgroupIndex cgroup, Resource resource, uint64_t n);

Expectation model_type1_open(Model *m);
void model_type1_close(Model *m);
Expectation model_pasid_alloc(Model *m, uint32_t min, uint32_t max);
/* Returns false if the process holds it already. */
bool model_pasid_alloc_done(Model *m, uint32_t pasid);
Expectation model_pasid_free(Model *m, uint32_t min, uint32_t max);
