/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What tests/call-path preloads into a daemon that was built with -finstrument-functions. Writes a record of each function that
 * is entered or left, and of each effect: a write to a file, a rename, a message of D-Bus, work for another thread.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct Record {
        uint64_t what; /* 'E' entered, 'X' left, 'W' effect */
        uint64_t thread;
        uint64_t address; /* of the function, in the program's file */
} Record;

/* Opened before the program runs, and by the constructor alone. */
static int trace_fd = -1;
static uintptr_t base;

static int first_object(struct dl_phdr_info *info, size_t size, void *userdata) {
        base = info->dlpi_addr;
        return 1; /* the first one is the program */
}

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("CALL_PATH_TRACE");

        if (!path)
                return;
        (void) dl_iterate_phdr(first_object, NULL);
        trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

/* Not by write(), which is one of the effects. */
static void record(char what, void *address) {
        const Record r = { (uint64_t) what, (uint64_t) gettid(), (uintptr_t) address - (address ? base : 0) };

        if (trace_fd >= 0)
                (void) syscall(SYS_write, trace_fd, &r, sizeof(r));
}

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_enter(void *function, void *site) {
        record('E', function);
}

void __cyg_profile_func_exit(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site) {
        record('X', function);
}

/* The function that this one stands before. */
#define NEXT(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* Not the log on stderr, and not what wakes a thread. */
ssize_t write(int fd, const void *buffer, size_t size) {
        struct stat st;

        if (fstat(fd, &st) >= 0 && S_ISREG(st.st_mode))
                record('W', NULL);
        return NEXT(write)(fd, buffer, size);
}

int rename(const char *from, const char *to) {
        record('W', NULL);
        return NEXT(rename)(from, to);
}

/* dlsym() alone can find the first version of these, which is for another layout of the condition. */
static int (*next_condition(const char *name))(pthread_cond_t *) {
        void *f = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");

        return (int (*)(pthread_cond_t *))(f ? f : dlsym(RTLD_NEXT, name));
}

int pthread_cond_signal(pthread_cond_t *condition) {
        record('W', NULL);
        return next_condition("pthread_cond_signal")(condition);
}

int pthread_cond_broadcast(pthread_cond_t *condition) {
        record('W', NULL);
        return next_condition("pthread_cond_broadcast")(condition);
}

/* Without systemd's headers: what it takes and gives here are pointers and numbers. */
int sd_bus_send(void *bus, void *message, uint64_t *cookie);
int sd_bus_send(void *bus, void *message, uint64_t *cookie) {
        record('W', NULL);
        return NEXT(sd_bus_send)(bus, message, cookie);
}

int sd_bus_message_send(void *message);
int sd_bus_message_send(void *message) {
        record('W', NULL);
        return NEXT(sd_bus_message_send)(message);
}

int sd_bus_emit_properties_changed_strv(void *bus, const char *path, const char *interface, char **names);
int sd_bus_emit_properties_changed_strv(void *bus, const char *path, const char *interface, char **names) {
        record('W', NULL);
        return NEXT(sd_bus_emit_properties_changed_strv)(bus, path, interface, names);
}

int sd_bus_reply_method_returnv(void *call, const char *types, va_list ap);
int sd_bus_reply_method_return(void *call, const char *types, ...);
int sd_bus_reply_method_return(void *call, const char *types, ...) {
        va_list ap;
        int r;

        record('W', NULL);
        va_start(ap, types);
        r = NEXT(sd_bus_reply_method_returnv)(call, types, ap);
        va_end(ap);
        return r;
}

int sd_bus_emit_signalv(void *bus, const char *path, const char *interface, const char *member,
        const char *types, va_list ap);
int sd_bus_emit_signal(
        void *bus, const char *path, const char *interface, const char *member, const char *types, ...);
int sd_bus_emit_signal(
        void *bus, const char *path, const char *interface, const char *member, const char *types, ...) {
        va_list ap;
        int r;

        record('W', NULL);
        va_start(ap, types);
        r = NEXT(sd_bus_emit_signalv)(bus, path, interface, member, types, ap);
        va_end(ap);
        return r;
}
