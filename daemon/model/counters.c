/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "counters.h"

/*
 * The format: one record per line, fields separated by blanks.
 *
 *   pasidd-counters 1
 *   resyncs N
 *   event TYPE N
 *   vm UUID GONE-DENIED GONE-PEAK
 *   set ID START DENIED PEAK        (of the VM above; older versions omit START)
 */
#define HEADER    "pasidd-counters 1"
#define WORDS_MAX 5U

int counters_new(Counters **ret) {
        Counters *c;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        *ret = c;
        return 0;
}

Counters *counters_free(Counters *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_vms; i++)
                free(c->vms[i].sets);
        free(c->vms);
        free(c);
        return NULL;
}

/* Makes room for one more element. Doubles the array when its size reaches a power of two. */
static void *grow(void *array, size_t n, size_t size) {
        if (n & (n - 1))
                return array;

        return reallocarray(array, n > 0 ? n * 2 : 1, size);
}

int counters_add_vm(Counters *c, const char *uuid, CountersVM **ret) {
        CountersVM *vms;

        vms = grow(c->vms, c->n_vms, sizeof(CountersVM));
        if (!vms)
                return -ENOMEM;

        c->vms = vms;
        *ret = &vms[c->n_vms++];
        **ret = (CountersVM) {};
        snprintf((*ret)->uuid, sizeof((*ret)->uuid), "%s", uuid);
        return 0;
}

int counters_add_set(CountersVM *vm, const CountersSet *set) {
        CountersSet *sets;

        sets = grow(vm->sets, vm->n_sets, sizeof(CountersSet));
        if (!sets)
                return -ENOMEM;

        vm->sets = sets;
        sets[vm->n_sets++] = *set;
        return 0;
}

CountersVM *counters_find_vm(const Counters *c, const char *uuid) {
        for (size_t i = 0; i < c->n_vms; i++)
                if (streq(c->vms[i].uuid, uuid))
                        return &c->vms[i];

        return NULL;
}

bool counters_set_is(const CountersSet *set, uint64_t id, uint64_t start_time) {
        return set->id == id && (set->start_time == 0 || set->start_time == start_time);
}

int counters_format(const Counters *c, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        fprintf(f, HEADER "\nresyncs %" PRIu64 "\n", c->resyncs);
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                fprintf(f, "event %s %" PRIu64 "\n", event_type_to_string(type), c->events[type]);

        for (size_t i = 0; i < c->n_vms; i++) {
                const CountersVM *vm = &c->vms[i];

                fprintf(f, "vm %s %" PRIu64 " %" PRIu64 "\n", vm->uuid, vm->gone_denied, vm->gone_peak);
                for (size_t k = 0; k < vm->n_sets; k++)
                        fprintf(f, "set %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", vm->sets[k].id,
                                vm->sets[k].start_time, vm->sets[k].denied, vm->sets[k].peak);
        }

        if (fclose(f) != 0)
                return -ENOMEM;

        *ret = TAKE_PTR(text);
        return 0;
}

static int parse_number(const char *s, uint64_t *ret) {
        uint64_t value = 0;

        if (isempty(s))
                return -EBADMSG;

        for (; *s; s++)
                if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (*s - '0'), &value))
                        return -EBADMSG;

        *ret = value;
        return 0;
}

static int parse_event(char *words[static WORDS_MAX], Counters *c) {
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                if (streq(words[1], event_type_to_string(type)))
                        return parse_number(words[2], &c->events[type]);

        return 0;
}

static int parse_vm(char *words[static WORDS_MAX], Counters *c) {
        char uuid[UUID_STRING_SIZE];
        CountersVM *vm;
        int r;

        if (uuid_canonical(words[1], uuid) < 0 || counters_find_vm(c, uuid))
                return -EBADMSG;

        r = counters_add_vm(c, uuid, &vm);
        if (r >= 0)
                r = parse_number(words[2], &vm->gone_denied);
        if (r >= 0)
                r = parse_number(words[3], &vm->gone_peak);
        return r;
}

static int parse_set(char *words[static WORDS_MAX], Counters *c) {
        size_t next = 2;
        CountersSet set = {};
        uint64_t peak;

        if (c->n_vms == 0 || parse_number(words[1], &set.id) < 0)
                return -EBADMSG;
        if (words[4] && parse_number(words[next++], &set.start_time) < 0)
                return -EBADMSG;
        if (parse_number(words[next], &set.denied) < 0 || parse_number(words[next + 1], &peak) < 0 ||
                peak > UINT32_MAX)
                return -EBADMSG;

        set.peak = (uint32_t) peak;
        return counters_add_set(&c->vms[c->n_vms - 1], &set);
}

static int parse_line(char *line, Counters *c) {
        static const struct {
                const char *kind;
                size_t n_words;
                int (*parse)(char *words[static WORDS_MAX], Counters *c);
        } table[] = {
                { "event", 3, parse_event },
                { "vm", 4, parse_vm },
                { "set", 4, parse_set },
                { "set", 5, parse_set },
        };
        char *words[WORDS_MAX] = {}, *saveptr = NULL;
        bool known = false;
        size_t n = 0;

        for (char *word = strtok_r(line, " ", &saveptr); word && n < WORDS_MAX;
                word = strtok_r(NULL, " ", &saveptr))
                words[n++] = word;

        if (n == 2 && streq(words[0], "resyncs"))
                return parse_number(words[1], &c->resyncs);

        for (size_t i = 0; n > 0 && i < ELEMENTSOF(table); i++) {
                if (!streq(words[0], table[i].kind))
                        continue;
                if (n == table[i].n_words)
                        return table[i].parse(words, c);
                known = true;
        }

        return known ? -EBADMSG : 0;
}

int counters_parse(const char *text, Counters **ret) {
        _cleanup_(counters_freep) Counters *c = NULL;
        _cleanup_free_ char *copy = NULL;
        char *line, *saveptr = NULL;
        int r;

        copy = strdup(text);
        if (!copy)
                return -ENOMEM;

        line = strtok_r(copy, "\n", &saveptr);
        if (!streq_ptr(line, HEADER))
                return -EBADMSG;

        r = counters_new(&c);
        while (r >= 0 && (line = strtok_r(NULL, "\n", &saveptr)))
                r = parse_line(line, c);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}
