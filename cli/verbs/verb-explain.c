/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>

#include "client.h"
#include "quota.h"
#include "table.h"
#include "terminal.h"
#include "verbs.h"
#include "viommu.h"

/* One of the possible sources of the quota, in order of precedence. */
typedef struct Candidate {
        char *source;
        char *name;
        char *origin;
        char *quota_verdict;
        uint32_t quota;
        char *watermark_verdict;
        uint32_t watermark;
        char *reason;
} Candidate;

#define CANDIDATE_FIELD(key, type, member) { key, key, NULL, NULL, type, offsetof(Candidate, member) }

static const InfoField candidate_fields[] = {
        CANDIDATE_FIELD("source", INFO_STRING, source),
        CANDIDATE_FIELD("name", INFO_STRING, name),
        CANDIDATE_FIELD("origin", INFO_STRING, origin),
        CANDIDATE_FIELD("quota_verdict", INFO_STRING, quota_verdict),
        CANDIDATE_FIELD("quota", INFO_U32, quota),
        CANDIDATE_FIELD("watermark_verdict", INFO_STRING, watermark_verdict),
        CANDIDATE_FIELD("watermark", INFO_U32, watermark),
        CANDIDATE_FIELD("reason", INFO_STRING, reason),
};

static const InfoTable candidate_table = {
        .fields = candidate_fields,
        .n_fields = ELEMENTSOF(candidate_fields),
        .size = sizeof(Candidate),
};

/* A limit above the VM, outermost first. */
typedef struct Limit {
        char *slice; /* "" is the whole host */
        char *source;
        char *origin;
        uint32_t limit;
        uint64_t committed;
        uint32_t allocated;
        bool in_force;
} Limit;

#define LIMIT_FIELD(key, type, member) { key, key, NULL, NULL, type, offsetof(Limit, member) }

static const InfoField limit_fields[] = {
        LIMIT_FIELD("slice", INFO_STRING, slice),
        LIMIT_FIELD("source", INFO_STRING, source),
        LIMIT_FIELD("origin", INFO_STRING, origin),
        LIMIT_FIELD("limit", INFO_LIMIT, limit),
        LIMIT_FIELD("committed", INFO_LIMIT64, committed),
        LIMIT_FIELD("allocated", INFO_LIMIT, allocated),
        LIMIT_FIELD("in_force", INFO_BOOL, in_force),
};

static const InfoTable limit_table = {
        .fields = limit_fields,
        .n_fields = ELEMENTSOF(limit_fields),
        .size = sizeof(Limit),
};

typedef struct Explanation {
        VmInfo vm;
        Rows candidates;
        Rows limits;
} Explanation;

static void explanation_clear(Explanation *explanation) {
        vm_info_clear(&explanation->vm);
        rows_clear(&explanation->candidates);
        rows_clear(&explanation->limits);
}

enum {
        COLUMN_TREE,
        COLUMN_QUOTA,
        COLUMN_WATERMARK,
        COLUMN_WHY,
        _COLUMN_MAX,
};

static bool wins(const char *verdict) {
        return streq_ptr(verdict, "wins");
}

static int set_watermark(struct libscols_line *line, uint32_t watermark, const char *mark) {
        if (watermark == 0)
                return table_set_cell(line, COLUMN_WATERMARK, "off%s", mark);
        return table_set_cell(line, COLUMN_WATERMARK, "%" PRIu32 "%s", watermark, mark);
}

static int add_limit(struct libscols_table *table, struct libscols_line *parent, const Limit *limit,
        struct libscols_line **ret) {
        struct libscols_line *line = scols_table_new_line(table, parent);
        bool host = isempty(limit->slice), origin = !isempty(limit->origin);
        char committed[48] = "";
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set_cell(line, COLUMN_TREE, "%s", host ? "host" : limit->slice);
        if (r < 0)
                return r;

        if (limit->committed != UINT64_MAX)
                snprintf(committed, sizeof(committed), ", %" PRIu64 " committed", limit->committed);
        if (limit->limit == LIMIT_NONE)
                r = table_set_cell(line, COLUMN_WHY, "no limit%s", committed);
        else
                r = table_set_cell(line, COLUMN_WHY, "%s %" PRIu32 "%s%s%s%s%s", host ? "capacity" : "limit",
                        limit->limit, committed, limit->in_force ? "" : ", not in force", origin ? " (" : "",
                        strempty(limit->origin), origin ? ")" : "");
        if (r < 0)
                return r;

        *ret = line;
        return 0;
}

static int add_vm(struct libscols_table *table, struct libscols_line *parent, const VmInfo *vm,
        struct libscols_line **ret) {
        struct libscols_line *line = scols_table_new_line(table, parent);
        const char *why = vm->in_force ? "in force" : vm->quota_error;
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set_cell(line, COLUMN_TREE, "%s", strempty(vm->name));
        if (r >= 0)
                r = table_set_cell(line, COLUMN_QUOTA, "%" PRIu32, vm->quota);
        if (r >= 0)
                r = set_watermark(line, vm->watermark, "");
        if (r >= 0)
                r = table_set_cell(line, COLUMN_WHY, "%s", isempty(why) ? "not in force" : why);
        if (r < 0)
                return r;

        *ret = line;
        return 0;
}

/* Does the source have a quota or watermark? */
static bool speaks(const char *verdict) {
        return !streq_ptr(verdict, "unset") && !streq_ptr(verdict, "no-match");
}

/* "64", "64 *" for the value in effect, "-" for none. */
static int add_candidate(
        struct libscols_table *table, struct libscols_line *parent, const Candidate *candidate, bool colors) {
        struct libscols_line *line = scols_table_new_line(table, parent);
        bool quota = wins(candidate->quota_verdict), watermark = wins(candidate->watermark_verdict);
        bool name = !isempty(candidate->name), origin = !isempty(candidate->origin);
        int r;

        if (!line)
                return -ENOMEM;
        if ((quota || watermark) && colors) {
                r = scols_line_set_color(line, COLOR_GREEN);
                if (r < 0)
                        return r;
        }

        r = table_set_cell(line, COLUMN_TREE, "%s%s%s", strempty(candidate->source), name ? " " : "",
                strempty(candidate->name));
        if (r >= 0)
                r = speaks(candidate->quota_verdict) ? table_set_cell(line, COLUMN_QUOTA, "%" PRIu32 "%s",
                                                               candidate->quota, quota ? " *" : "")
                                                     : table_set_cell(line, COLUMN_QUOTA, "-");
        if (r >= 0)
                r = speaks(candidate->watermark_verdict)
                            ? set_watermark(line, candidate->watermark, watermark ? " *" : "")
                            : table_set_cell(line, COLUMN_WATERMARK, "-");
        if (r >= 0)
                r = table_set_cell(line, COLUMN_WHY, "%s%s%s%s", strempty(candidate->reason),
                        origin ? " (" : "", strempty(candidate->origin), origin ? ")" : "");
        return r;
}

/* Each line is a child of the one above: host, slices, VM, candidates. */
static int print_tree(const Explanation *explanation, const Options *options) {
        static const struct {
                const char *name;
                int flags;
        } columns[_COLUMN_MAX] = {
                [COLUMN_TREE] = { "WHO", SCOLS_FL_TREE },
                [COLUMN_QUOTA] = { "QUOTA", 0 },
                [COLUMN_WATERMARK] = { "WATERMARK", 0 },
                [COLUMN_WHY] = { "WHY", 0 },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = scols_new_table();
        struct libscols_line *parent = NULL;
        int r;

        if (!table)
                return -ENOMEM;
        scols_table_enable_noheadings(table, options->no_legend);
        scols_table_enable_colors(table, options->colors);
        scols_table_enable_noencoding(table, true);
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags))
                        return -ENOMEM;

        for (size_t i = 0; i < explanation->limits.n_rows; i++) {
                r = add_limit(table, parent, (const Limit *) explanation->limits.rows + i, &parent);
                if (r < 0)
                        return r;
        }
        r = add_vm(table, parent, &explanation->vm, &parent);
        if (r < 0)
                return r;
        for (size_t i = 0; i < explanation->candidates.n_rows; i++) {
                r = add_candidate(
                        table, parent, (const Candidate *) explanation->candidates.rows + i, options->colors);
                if (r < 0)
                        return r;
        }

        return scols_print_table(table);
}

/* Prints what the hook found in the domain's XML. */
static int print_viommu(const VmInfo *vm) {
        _cleanup_free_ char *text = NULL, *name = text_escape(strempty(vm->name));

        if (!name || viommu_describe(vm->viommu_pasids, vm->quota, &text) < 0)
                return -ENOMEM;

        if (vm->iommufd)
                printf("%s attaches its host devices through iommufd.\n", name);
        if (text)
                printf("%s: %s.\n", name, text);
        return 0;
}

static int add_viommu_json(json_object *object, const VmInfo *vm) {
        int r = 0;

        if (vm->iommufd)
                r = json_add(object, "iommufd", json_object_new_boolean(true));
        if (r >= 0 && vm->viommu_pasids > 0)
                r = json_add(object, "viommu_pasids", json_object_new_uint64(vm->viommu_pasids));
        return r;
}

static json_object *rows_json(const Rows *rows) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;
        for (size_t i = 0; i < rows->n_rows; i++)
                if (json_append(array,
                            info_json(rows->table, (uint8_t *) rows->rows + i * rows->table->size)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}

static CtlExitStatus print_json(const Explanation *explanation, JsonMode mode) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object || json_add(object, "name", json_object_new_string(strempty(explanation->vm.name))) < 0 ||
                json_add(object, "uuid", json_object_new_string(strempty(explanation->vm.uuid))) < 0 ||
                json_add(object, "quota", json_object_new_uint64(explanation->vm.quota)) < 0 ||
                json_add(object, "watermark", json_object_new_uint64(explanation->vm.watermark)) < 0 ||
                add_viommu_json(object, &explanation->vm) < 0 ||
                json_add(object, "candidates", rows_json(&explanation->candidates)) < 0 ||
                json_add(object, "limits", rows_json(&explanation->limits)) < 0)
                return fail_oom();
        json_print(stdout, mode, object);
        return CTL_EXIT_OK;
}

CtlExitStatus verb_explain(const Options *options, int argc, char **argv) {
        _cleanup_(explanation_clear) Explanation explanation = {
                .candidates.table = &candidate_table,
                .limits.table = &limit_table,
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(vm_target_clear) VmTarget target = {};
        CtlExitStatus status;
        const char *path;
        int r;

        status = client_open_vm(options, argv[1], &target);
        if (status != CTL_EXIT_OK)
                return status;
        explanation.vm = target.vm;
        target.vm = (VmInfo) {};

        status = client_call(&target.client, NULL, "Explain", &reply, "s", explanation.vm.uuid);
        if (status == CTL_EXIT_OK)
                status = client_read(reply, "o", &path);
        if (status == CTL_EXIT_OK)
                status = client_read_rows(reply, &explanation.candidates);
        if (status == CTL_EXIT_OK)
                status = client_read_rows(reply, &explanation.limits);
        if (status != CTL_EXIT_OK)
                return status;

        if (options->json != JSON_OFF)
                return print_json(&explanation, options->json);
        r = print_tree(&explanation, options);
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot print the tree: %s.", strerror(-r));
        if (!options->no_legend)
                printf("\n* marks the value that counts: the first match from the top.\n");
        if (!options->no_legend && print_viommu(&explanation.vm) < 0)
                return fail_oom();
        return CTL_EXIT_OK;
}
