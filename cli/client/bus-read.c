/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-read.h"

#include "bus-json.h"
#include "bus-names.h"
#include "viommu.h"

static const char sets_signature[] = "(tuuuuut)";

static const char *field_signature(InfoType type) {
        switch (type) {
        case INFO_STRING:
                return "s";
        case INFO_U32:
        case INFO_WATERMARK:
                return "u";
        case INFO_U64:
                return "t";
        case INFO_BOOL:
                return "b";
        case INFO_SETS:
                return "a(tuuuuut)";
        case INFO_LIMIT:
        case INFO_COUNT:
                return "u";
        case INFO_LIMIT64:
        case INFO_TIME:
                return "t";
        case INFO_JSON:
                return "a{sv}";
        case INFO_PERCENT:
        case INFO_WARNINGS:
                break; /* computed from other fields */
        }
        return NULL;
}

static int read_sets(sd_bus_message *m, SetList *ret) {
        _cleanup_free_ SetInfo *sets = NULL;
        size_t n_sets = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', sets_signature);
        if (r < 0)
                return r;

        for (;;) {
                SetInfo set = { .attached = COUNT_NONE, .attached_peak = COUNT_NONE }, *grown;

                r = sd_bus_message_read(m, sets_signature, &set.id, &set.tgid, &set.quota, &set.watermark,
                        &set.allocated, &set.peak, &set.denied);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;

                grown = reallocarray(sets, n_sets + 1, sizeof(*sets));
                if (!grown)
                        return -ENOMEM;
                sets = grown;
                sets[n_sets++] = set;
        }

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        free(ret->sets);
        *ret = (SetList) { TAKE_PTR(sets), n_sets };
        return 0;
}

static int read_value(sd_bus_message *m, const InfoField *field, void *info) {
        const char *signature = field_signature(field->type);
        void *p = (uint8_t *) info + field->offset;
        int r;

        switch (field->type) {
        case INFO_STRING: {
                const char *s;
                char *copy;

                r = sd_bus_message_read_basic(m, 's', &s);
                if (r < 0)
                        return r;
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
                free(*(char **) p);
                *(char **) p = copy;
                return 0;
        }
        case INFO_BOOL: {
                int b; /* sd-bus writes a whole int */

                r = sd_bus_message_read_basic(m, 'b', &b);
                if (r < 0)
                        return r;
                *(bool *) p = b;
                return 0;
        }
        case INFO_SETS:
                return read_sets(m, p);
        case INFO_JSON: {
                json_object *object;

                r = bus_read_json(m, &object);
                if (r < 0)
                        return r;
                json_object_put(*(json_object **) p);
                *(json_object **) p = object;
                return 0;
        }
        default:
                r = sd_bus_message_read_basic(m, *signature, p);
                return r < 0 ? r : 0;
        }
}

static int read_field(sd_bus_message *m, const InfoField *field, void *info) {
        int r;

        r = sd_bus_message_enter_container(m, 'v', field_signature(field->type));
        if (r < 0)
                return r;
        r = read_value(m, field, info);
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

/* Makes room for one more, zeroed. */
static int rows_grow(Rows *rows, void **ret) {
        size_t size = rows->table->size;
        uint8_t *grown = reallocarray(rows->rows, rows->n_rows + 1, size);

        if (!grown)
                return -ENOMEM;
        rows->rows = grown;
        *ret = memset(grown + rows->n_rows * size, 0, size);
        rows->n_rows++;
        return 0;
}

int bus_read_rows(sd_bus_message *m, Rows *rows) {
        char members[64] = "", signature[sizeof(members) + 2];
        const InfoTable *table = rows->table;
        int r;

        for (size_t i = 0; i < table->n_fields; i++)
                if (table->fields[i].property)
                        strcat(members, field_signature(table->fields[i].type));
        snprintf(signature, sizeof(signature), "(%s)", members);

        r = sd_bus_message_enter_container(m, 'a', signature);
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'r', members)) > 0) {
                void *row;

                r = rows_grow(rows, &row);
                for (size_t i = 0; i < table->n_fields && r >= 0; i++)
                        if (table->fields[i].property)
                                r = read_value(m, table->fields + i, row);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

int bus_read_dictionary(
        sd_bus_message *m, const char *key, const char *value, BusReadEntryFunc func, void *userdata) {
        char entry[32], signature[sizeof(entry) + 2];
        int r;

        snprintf(entry, sizeof(entry), "%s%s", key, value);
        snprintf(signature, sizeof(signature), "{%s}", entry);

        r = sd_bus_message_enter_container(m, 'a', signature);
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', entry)) > 0) {
                const char *name;

                r = sd_bus_message_read_basic(m, *key, &name);
                if (r < 0)
                        return r;
                r = func(m, name, userdata);
                if (r == 0)
                        r = sd_bus_message_skip(m, value);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

/* The interface lists AttachedSets after Sets. */
static int read_attached_sets(sd_bus_message *m, VmInfo *vm) {
        uint32_t attached, peak;
        uint64_t id;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "a(tuu)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(tuu)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(m, "(tuu)", &id, &attached, &peak)) > 0)
                vm_info_set_attached(vm, id, attached, peak);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

/* Reads only the metadata that the hook derived from the domain's XML. */
static int read_viommu(sd_bus_message *m, VmInfo *vm) {
        _cleanup_(metadata_clear) Metadata metadata = {};
        const char *key, *value;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(m, "(ss)", &key, &value)) > 0) {
                if (metadata_add(&metadata, key, value) == -ENOMEM)
                        return -ENOMEM;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        vm->iommufd = viommu_uses_iommufd(&metadata);
        vm->viommu_pasids = viommu_pasids(&metadata);
        return sd_bus_message_exit_container(m);
}

typedef struct PropertyReader {
        const InfoTable *table;
        void *info;
} PropertyReader;

static int read_property(sd_bus_message *m, const char *property, void *userdata) {
        const PropertyReader *reader = userdata;
        int r;

        if (reader->table == &vm_table && streq(property, "AttachedSets")) {
                r = read_attached_sets(m, reader->info);
                return r < 0 ? r : 1;
        }

        if (reader->table == &vm_table && streq(property, "Metadata")) {
                r = read_viommu(m, reader->info);
                return r < 0 ? r : 1;
        }

        for (size_t i = 0; i < reader->table->n_fields; i++)
                if (streq_ptr(reader->table->fields[i].property, property)) {
                        r = read_field(m, reader->table->fields + i, reader->info);
                        return r < 0 ? r : 1;
                }
        return 0;
}

int bus_read_properties(sd_bus_message *m, const InfoTable *table, void *info) {
        PropertyReader reader = { table, info };

        return bus_read_dictionary(m, "s", "v", read_property, &reader);
}

typedef struct ObjectReader {
        BusReadVmFunc func;
        void *userdata;
        VmInfo vm;
        bool found;
} ObjectReader;

static int read_interface(sd_bus_message *m, const char *interface, void *userdata) {
        ObjectReader *reader = userdata;
        int r;

        if (!streq(interface, PASIDD_VM_INTERFACE))
                return 0;
        reader->found = true;
        r = bus_read_properties(m, &vm_table, &reader->vm);
        return r < 0 ? r : 1;
}

static int read_object(sd_bus_message *m, const char *path, void *userdata) {
        ObjectReader *reader = userdata;
        int r;

        reader->found = false;
        r = bus_read_dictionary(m, "s", "a{sv}", read_interface, reader);
        if (r >= 0 && reader->found)
                r = reader->func(path, &reader->vm, reader->userdata);
        vm_info_clear(&reader->vm);
        return r < 0 ? r : 1;
}

int bus_read_managed_vms(sd_bus_message *m, BusReadVmFunc func, void *userdata) {
        ObjectReader reader = { .func = func, .userdata = userdata };

        return bus_read_dictionary(m, "o", "a{sa{sv}}", read_object, &reader);
}
