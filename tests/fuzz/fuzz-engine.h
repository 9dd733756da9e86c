/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzzers share: options, threads that make random calls, what a call is expected to answer, coverage, the report and
 * the look at the kernel's log at the end.
 *
 * A call is an operation and a few words, made by a weighted grammar that knows the interesting values of each word. Where the
 * kernel was built with KCOV, calls that reached new code are kept and mutated. With one thread, the same seed makes the same
 * calls. */

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "vfio-lib.h"

#define FUZZ_WORDS       6
#define FUZZ_OPS_MAX     32
#define FUZZ_THREADS_MAX 64
#define FUZZ_ERRNO_MAX   134
#define FUZZ_CORPUS_MAX  256

typedef struct Call {
        unsigned op;
        unsigned slot;
        uint32_t words[FUZZ_WORDS];
} Call;

typedef struct Expectation {
        /* Bit E: errno E is right; bit 0: success is right. */
        uint64_t low, high;
        bool any;
} Expectation;

typedef struct Thread {
        pthread_t thread;
        unsigned index;
        Random random;
        uint64_t calls;
        uint64_t counts[FUZZ_OPS_MAX][FUZZ_ERRNO_MAX], ns[FUZZ_OPS_MAX];
        /* One page, then none; and one page that is seen twice, writable and not, then none. */
        unsigned char *pages, *read_only, *writable;
        uint64_t *kcov;
        int kcov_fd;
        /* Calls that reached new code, by operation: which operation is next is up to the weights alone, since some take a
         * thousand times as long as others. */
        Call (*corpus)[FUZZ_CORPUS_MAX];
        size_t n_corpus[FUZZ_OPS_MAX];
} Thread;

/* Makes the call. With a model, says in E what is right, where all is at first. */
typedef int (*FuzzCall)(Thread *t, const Call *c, Expectation *e);

typedef struct FuzzOp {
        const char *name;
        /* Of 100 000 calls. */
        unsigned weight;
        FuzzCall run;
} FuzzOp;

/* An option with a number that the other fuzzers do not have. */
typedef struct FuzzOption {
        const char *name, *help;
        uint64_t max;
        uint64_t value;
} FuzzOption;

typedef struct Fuzzer {
        const char *name, *about;
        const FuzzOp *ops;
        unsigned n_ops, slots;
        FuzzOption *option;
        /* Chooses slot and words of a call whose operation is known; one word of it; what a mutated call must still keep to. */
        void (*make)(Thread *t, Call *c);
        uint32_t (*pick_word)(unsigned op, unsigned i, Random *r);
        void (*mutated)(Call *c);
        /* The rest is optional. The first runs before all calls, in the first thread. */
        void (*begin)(Thread *t);
        void (*end)(Thread *t);
        /* Compares the model with what the kernel tells, each so many calls. */
        void (*check)(Thread *t, const Call *c);
        unsigned check_each;
        /* What the model holds, for a message. */
        void (*describe)(char *text, size_t size);
} Fuzzer;

/* What the options say. */
extern uint64_t fuzz_seed;
extern unsigned fuzz_threads;
extern size_t fuzz_page;

/* -1, or the status to end with. */
int fuzz_options(const Fuzzer *f, int argc, char *argv[]);
/* The kernel's log is looked at from here on. */
void fuzz_begin(void);
/* Makes the calls and prints what came of them. */
int fuzz_run(const Fuzzer *f);
/* Looks for leaks and warnings, prints the last word and returns the exit status. */
int fuzz_finish(void);

/* Says what is wrong, and ends the calls. */
void differs(const Thread *t, const Call *c, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Something is wrong that was printed already. */
void fuzz_wrong(void);

void expect(Expectation *e, int error);
bool expected(const Expectation *e, int r);
bool nothing_expected(const Expectation *e);

/* Where the argument of a call is. */
typedef enum Buffer {
        BUFFER_PLAIN,
        /* Its first bytes are mapped, what follows is not. */
        BUFFER_EDGE,
        BUFFER_NULL,
        BUFFER_KERNEL,
        BUFFER_READ_ONLY,
        BUFFER_ODD,
        _BUFFER_MAX,
} Buffer;

/* Puts SIZE bytes there and returns their address; of an edge, MAPPED ones can be read. The rest of the page is not cleared. */
void *fuzz_buffer(Thread *t, Buffer kind, const void *data, size_t size, size_t mapped);

/* Puts FD where its users expect it, closing what is there in the same step. */
int fd_place(int fd, int place);

/* This process's set; there is at most one, as nothing here calls exec. Looked for only when the last one found has gone. */
int own_set(uint64_t *ret);
/* Writes VALUE to a file, as STYLE says: sometimes not as a number that is valid. */
int write_number(const char *path, uint32_t value, uint32_t style, bool *ret_valid);
