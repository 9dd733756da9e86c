/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/kcov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz-engine.h"

#define TIMED      16
#define KCOV_WORDS 65536
#define COVER_BITS (1 << 20)

uint64_t fuzz_seed;
unsigned fuzz_threads;
size_t fuzz_page;

static const Fuzzer *fuzzer;
static uint64_t max_calls = 1000000, trace_from = UINT64_MAX;
static unsigned max_seconds = 600;
static bool use_kcov = true, use_kmemleak;
static int kmsg = -1;
static atomic_bool stop;
static atomic_ulong calls_done;
static atomic_uint differences;
static atomic_uchar cover[COVER_BITS];
static atomic_uint n_cover;

/* ---- what is wrong ---- */

static void call_print(const Call *c) {
        printf("%s on %u [%" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 "]",
                fuzzer->ops[c->op].name, c->slot, c->words[0], c->words[1], c->words[2], c->words[3],
                c->words[4], c->words[5]);
}

void differs(const Thread *t, const Call *c, const char *format, ...) {
        va_list ap;

        if (atomic_fetch_add(&differences, 1) > 20)
                return;
        printf("call %" PRIu64 " (seed %" PRIu64 "), ", t->calls, fuzz_seed);
        call_print(c);
        printf(": ");
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
        atomic_store(&stop, true);
}

void fuzz_wrong(void) {
        atomic_fetch_add(&differences, 1);
}

void expect(Expectation *e, int error) {
        if (error < 64)
                e->low |= UINT64_C(1) << error;
        else
                e->high |= UINT64_C(1) << (error - 64);
}

bool expected(const Expectation *e, int r) {
        unsigned n = r < 0 ? (unsigned) -r : 0;

        return e->any || (n < 64 ? e->low >> n & 1 : n < 128 ? e->high >> (n - 64) & 1 : false);
}

bool nothing_expected(const Expectation *e) {
        return e->low == 0 && e->high == 0;
}

static void check_answer(const Thread *t, const Call *c, const Expectation *e, int r) {
        char text[512] = "";

        if (expected(e, r))
                return;
        if (fuzzer->describe)
                fuzzer->describe(text, sizeof(text));
        differs(t, c, "answered %s (%s)", r < 0 ? strerror(-r) : "success", text);
}

/* ---- for calls ---- */

void *fuzz_buffer(Thread *t, Buffer kind, const void *data, size_t size, size_t mapped) {
        unsigned char *p = t->pages + 64;

        switch (kind) {
        case BUFFER_EDGE:
                p = t->pages + fuzz_page - mapped;
                if (size > mapped)
                        size = mapped;
                break;
        case BUFFER_NULL:
                return NULL;
        case BUFFER_KERNEL:
                return (void *) UINT64_C(0xffff888000000000);
        case BUFFER_READ_ONLY:
                memcpy(t->writable + 64, data, size);
                return t->read_only + 64;
        case BUFFER_ODD:
                p++;
                break;
        default:
                break;
        }
        memcpy(p, data, size);
        return p;
}

int fd_place(int fd, int place) {
        int r;

        if (fd < 0)
                return fd;
        if (fd == place)
                return 0;
        r = dup3(fd, place, O_CLOEXEC) < 0 ? -errno : 0;
        close(fd);
        return r;
}

int own_set(uint64_t *ret) {
        static _Atomic uint64_t last;
        uint64_t id = atomic_load(&last);
        char path[128];
        int r;

        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64, id);
        if (id == 0 || access(path, F_OK) < 0) {
                r = sysfs_set_of(getpid(), &id);
                if (r < 0)
                        return r;
                atomic_store(&last, id);
        }
        *ret = id;
        return 0;
}

int write_number(const char *path, uint32_t value, uint32_t style, bool *ret_valid) {
        static const char *const formats[] = { "%" PRIu32, "%" PRIu32 "\n", "+%" PRIu32, "0%" PRIu32,
                " %" PRIu32, "-%" PRIu32, "%" PRIu32 " ", "0x%" PRIx32, "%" PRIu32 "\n\n", "%" PRIu32 "k", "",
                "\n", "max" };
        uint32_t n = style % 100 < 70 ? 0 : style % ELEMENTSOF(formats);
        char text[64];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(text, sizeof(text), formats[n], value);
#pragma GCC diagnostic pop
        /* Plain, with one newline, or with a leading zero. */
        *ret_valid = (n <= 1 || n == 3) && value <= PASID_CAPACITY + 1;
        return file_write(path, text);
}

/* ---- coverage ---- */

static void kcov_open(Thread *t) {
        t->kcov_fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
        if (t->kcov_fd < 0)
                return;
        if (ioctl(t->kcov_fd, KCOV_INIT_TRACE, (unsigned long) KCOV_WORDS) < 0)
                return;
        t->kcov =
                mmap(NULL, KCOV_WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, t->kcov_fd, 0);
        if (t->kcov == MAP_FAILED) {
                t->kcov = NULL;
                return;
        }
        if (ioctl(t->kcov_fd, KCOV_ENABLE, (unsigned long) KCOV_TRACE_PC) < 0) {
                munmap(t->kcov, KCOV_WORDS * sizeof(uint64_t));
                t->kcov = NULL;
                return;
        }
        t->corpus = calloc(FUZZ_OPS_MAX, sizeof(*t->corpus));
}

static void kcov_collect(Thread *t, const Call *c) {
        uint64_t n = __atomic_load_n(&t->kcov[0], __ATOMIC_RELAXED);
        bool fresh = false;

        for (uint64_t i = 1; i <= n && i < KCOV_WORDS; i++) {
                uint32_t bit = (uint32_t) ((t->kcov[i] * UINT64_C(0x9e3779b97f4a7c15)) >> 44) % COVER_BITS;

                if (atomic_load_explicit(&cover[bit], memory_order_relaxed) == 0 &&
                        atomic_exchange(&cover[bit], 1) == 0) {
                        atomic_fetch_add(&n_cover, 1);
                        fresh = true;
                }
        }
        if (fresh && t->corpus && t->n_corpus[c->op] < FUZZ_CORPUS_MAX)
                t->corpus[c->op][t->n_corpus[c->op]++] = *c;
}

/* ---- threads ---- */

static unsigned pick_op(Random *r) {
        uint32_t n = random_below(r, 100000), sum = 0;

        for (unsigned op = 0; op < fuzzer->n_ops; op++) {
                sum += fuzzer->ops[op].weight;
                if (n < sum)
                        return op;
        }
        return 0;
}

static void call_mutate(Thread *t, Call *c) {
        Random *r = &t->random;
        unsigned n = 1 + random_below(r, 2);

        *c = t->corpus[c->op][random_below(r, (uint32_t) t->n_corpus[c->op])];
        while (n-- > 0) {
                unsigned i = random_below(r, FUZZ_WORDS + 1);

                if (i == FUZZ_WORDS)
                        c->slot = random_below(r, fuzzer->slots);
                else if (random_chance(r, 70))
                        c->words[i] = fuzzer->pick_word(c->op, i, r);
                else
                        c->words[i] ^= UINT32_C(1) << random_below(r, 32);
        }
        fuzzer->mutated(c);
}

static void one_call(Thread *t, Call *c) {
        Expectation e = { .any = true };
        uint64_t begin;
        int r;

        if (t->n_corpus[c->op] > 0 && random_chance(&t->random, 30))
                call_mutate(t, c);
        else
                fuzzer->make(t, c);
        if (t->calls >= trace_from) {
                printf("%" PRIu64 ": ", t->calls);
                call_print(c);
                printf("\n");
        }
        if (t->kcov)
                __atomic_store_n(&t->kcov[0], 0, __ATOMIC_RELAXED);
        /* Under emulation the clock can cost more than a call, so only some are timed. */
        begin = t->calls % TIMED == 0 ? now_ns() : 0;
        r = fuzzer->ops[c->op].run(t, c, &e);
        if (begin > 0)
                t->ns[c->op] += TIMED * (now_ns() - begin);
        if (t->kcov)
                kcov_collect(t, c);
        t->counts[c->op][r < 0 && -r < FUZZ_ERRNO_MAX ? -r : 0]++;
        if (fuzz_threads == 1)
                check_answer(t, c, &e, r);
}

static void *thread_main(void *userdata) {
        Thread *t = userdata;

        t->random = random_fork(fuzz_seed, t->index);
        if (t->index == 0 && fuzzer->begin)
                fuzzer->begin(t);
        if (use_kcov)
                kcov_open(t);
        while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
                Call c = { .op = pick_op(&t->random) };

                one_call(t, &c);
                t->calls++;
                if (fuzz_threads == 1 && fuzzer->check && t->calls % fuzzer->check_each == 0)
                        fuzzer->check(t, &c);
                if (t->calls % 64 == 0 && atomic_fetch_add(&calls_done, 64) + 64 >= max_calls)
                        atomic_store(&stop, true);
        }
        if (t->kcov)
                (void) ioctl(t->kcov_fd, KCOV_DISABLE, 0);
        if (fuzzer->end)
                fuzzer->end(t);
        return NULL;
}

/* A page, and then none. */
static unsigned char *page_map(int prot, int flags, int fd) {
        unsigned char *p;

        p = mmap(NULL, 2 * fuzz_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                return NULL;
        return mmap(p, fuzz_page, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED ? NULL : p;
}

static int thread_prepare(Thread *t, unsigned index) {
        int fd;

        t->index = index;
        t->kcov_fd = -1;
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t) fuzz_page) < 0)
                return -errno;
        t->pages = page_map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        t->writable = page_map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
        t->read_only = page_map(PROT_READ, MAP_SHARED, fd);
        close(fd);
        return t->pages && t->writable && t->read_only ? 0 : -ENOMEM;
}

static void report(const Thread *threads, uint64_t ns) {
        uint64_t total = 0;

        for (unsigned op = 0; op < fuzzer->n_ops; op++) {
                uint64_t sum = 0, op_ns = 0, by[FUZZ_ERRNO_MAX] = {};

                for (unsigned i = 0; i < fuzz_threads; i++) {
                        for (unsigned n = 0; n < FUZZ_ERRNO_MAX; n++)
                                by[n] += threads[i].counts[op][n];
                        op_ns += threads[i].ns[op];
                }
                for (unsigned n = 0; n < FUZZ_ERRNO_MAX; n++)
                        sum += by[n];
                total += sum;
                printf("%-20s %10" PRIu64 " in about %3.0f %% of the time: ok %" PRIu64, fuzzer->ops[op].name,
                        sum, 100 * (double) op_ns / ((double) ns * fuzz_threads), by[0]);
                for (unsigned n = 1; n < FUZZ_ERRNO_MAX; n++)
                        if (by[n] > 0)
                                printf(" %s %" PRIu64, strerrorname_np((int) n) ?: "?", by[n]);
                printf("\n");
        }
        printf("%s: seed %" PRIu64 ", %u threads, %" PRIu64 " calls in %.1f s, %.0f a second, ", fuzzer->name,
                fuzz_seed, fuzz_threads, total, (double) ns / 1e9, (double) total * 1e9 / (double) ns);
        if (threads[0].kcov) {
                size_t n = 0;

                for (unsigned i = 0; i < fuzz_threads; i++)
                        for (unsigned op = 0; op < fuzzer->n_ops; op++)
                                n += threads[i].n_corpus[op];
                printf("%u places of the kernel reached, %zu calls kept\n", atomic_load(&n_cover), n);
        } else
                printf("no coverage\n");
}

int fuzz_run(const Fuzzer *f) {
        static Thread threads[FUZZ_THREADS_MAX];
        uint64_t begin;
        int r;

        fuzzer = f;
        printf("%s: seed %" PRIu64 ", %u threads%s\n", f->name, fuzz_seed, fuzz_threads,
                fuzz_threads == 1 ? ", with a model" : "");
        begin = now_ns();
        for (unsigned i = 0; i < fuzz_threads; i++) {
                r = thread_prepare(threads + i, i);
                if (r >= 0)
                        r = -pthread_create(&threads[i].thread, NULL, thread_main, threads + i);
                if (r < 0)
                        return r;
        }
        while (!atomic_load(&stop)) {
                sleep_ms(100);
                if (now_ns() - begin > max_seconds * UINT64_C(1000000000))
                        atomic_store(&stop, true);
        }
        for (unsigned i = 0; i < fuzz_threads; i++)
                pthread_join(threads[i].thread, NULL);
        report(threads, now_ns() - begin);
        return 0;
}

/* ---- begin and end ---- */

static void usage(const Fuzzer *f) {
        printf("Usage: %s [OPTIONS]\n\n%s\n\n", f->name, f->about);
        puts("  --calls N       end after N calls (1000000)\n"
             "  --seconds N     or after N seconds (600)\n"
             "  --seed N        for the random choices (from the clock)\n"
             "  --threads N     threads (two for each CPU); with 1, a model checks every answer and a seed can be replayed");
        if (f->option)
                printf("  --%s N%*s%s\n", f->option->name, (int) (12 - strlen(f->option->name)), "",
                        f->option->help);
        puts("  --no-kcov       do not use the kernel's coverage; with one thread it is only used with --kcov\n"
             "  --kcov          use it\n"
             "  --trace-from N  print every call from the Nth on\n"
             "  --kmemleak      look for leaks at the end\n\n"
             "Exit status: 0, 1 if something was wrong, 2 on a usage error, 77 without PASID hardware.");
}

int fuzz_options(const Fuzzer *f, int argc, char *argv[]) {
        enum {
                ARG_CALLS = 1000,
                ARG_SECONDS,
                ARG_SEED,
                ARG_THREADS,
                ARG_KCOV,
                ARG_NO_KCOV,
                ARG_TRACE,
                ARG_KMEMLEAK,
                ARG_OWN,
        };
        const struct option options[] = {
                { "calls", required_argument, NULL, ARG_CALLS },
                { "seconds", required_argument, NULL, ARG_SECONDS },
                { "seed", required_argument, NULL, ARG_SEED },
                { "threads", required_argument, NULL, ARG_THREADS },
                { "kcov", no_argument, NULL, ARG_KCOV },
                { "no-kcov", no_argument, NULL, ARG_NO_KCOV },
                { "trace-from", required_argument, NULL, ARG_TRACE },
                { "kmemleak", no_argument, NULL, ARG_KMEMLEAK },
                { "help", no_argument, NULL, 'h' },
                { f->option ? f->option->name : NULL, required_argument, NULL, ARG_OWN },
                {},
        };
        bool kcov_asked = false;
        int c;

        fuzz_seed = now_ns();
        fuzz_page = (size_t) sysconf(_SC_PAGESIZE);
        fuzz_threads = 2 * (unsigned) sysconf(_SC_NPROCESSORS_ONLN);
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_CALLS:
                        max_calls = option_number("calls", optarg, 1, UINT64_MAX);
                        break;
                case ARG_SECONDS:
                        max_seconds = (unsigned) option_number("seconds", optarg, 1, 1000000);
                        break;
                case ARG_SEED:
                        fuzz_seed = option_number("seed", optarg, 0, UINT64_MAX);
                        break;
                case ARG_THREADS:
                        fuzz_threads = (unsigned) option_number("threads", optarg, 1, FUZZ_THREADS_MAX);
                        break;
                case ARG_KCOV:
                        kcov_asked = true;
                        break;
                case ARG_NO_KCOV:
                        use_kcov = false;
                        break;
                case ARG_TRACE:
                        trace_from = option_number("trace-from", optarg, 0, UINT64_MAX);
                        break;
                case ARG_KMEMLEAK:
                        use_kmemleak = true;
                        break;
                case ARG_OWN:
                        f->option->value = option_number(f->option->name, optarg, 0, f->option->max);
                        break;
                case 'h':
                        usage(f);
                        return 0;
                default:
                        return 2;
                }
        if (fuzz_threads > FUZZ_THREADS_MAX)
                fuzz_threads = FUZZ_THREADS_MAX;
        if (fuzz_threads == 1 && !kcov_asked)
                use_kcov = false;
        setvbuf(stdout, NULL, _IOLBF, 0);
        return -1;
}

void fuzz_begin(void) {
        kmsg = kmsg_cursor();
        if (use_kmemleak)
                (void) kmemleak_clear();
}

int fuzz_finish(void) {
        int r;

        if (use_kmemleak) {
                r = kmemleak_check();
                printf("kmemleak: %s\n", r < 0 ? strerror(-r) : r > 0 ? "leaks" : "nothing");
                if (r > 0)
                        fuzz_wrong();
        }
        if (kmsg >= 0 && kmsg_check(kmsg) > 0)
                fuzz_wrong();
        printf("%s: %s\n", fuzzer->name, atomic_load(&differences) > 0 ? "FAILED" : "ok");
        return atomic_load(&differences) > 0;
}
