/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "journal.h"
#include "stderr-line.h"
#include "test-util.h"

/* A journald that reads on request. */
static int listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        assert_true(strlen(path) < sizeof(address.sun_path));
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

/* Receives one record and appends a NUL; -1 if there is none. */
static ssize_t receive(int fd, char *buf, size_t size) {
        ssize_t n = recv(fd, buf, size - 1, 0);

        if (n >= 0)
                buf[n] = '\0';
        return n;
}

static void test_record(void **state) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "journal");
        _cleanup_close_ int fd = listen_at(path);
        const JournalField fields[] = { { "PASID_VM_NAME", "web" }, { "PASID_SLICE", NULL },
                { "PASID_X", "a\nb" } };
        static const char expected[] =
                "PRIORITY=4\nSYSLOG_IDENTIFIER=test\nMESSAGE=Hello.\nPASID_VM_NAME=web\n"
                "PASID_X\n\3\0\0\0\0\0\0\0a\nb\n";
        char buf[512];

        journal_set_socket(path);
        assert_int_equal(journal_send("test", LOG_WARNING, "Hello.", fields, 3), 0);
        assert_int_equal(receive(fd, buf, sizeof(buf)), sizeof(expected) - 1);
        assert_memory_equal(buf, expected, sizeof(expected));
}

static void test_long(void **state) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "journal");
        _cleanup_close_ int fd = listen_at(path);
        static char text[100000], buf[200000];
        JournalField fields[JOURNAL_FIELDS_MAX + 5];

        /* Characters of two bytes: cut between two characters. */
        for (size_t i = 0; i < sizeof(text) - 2; i += 2)
                memcpy(text + i, "\xc3\xa4", 2);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                fields[i] = (JournalField) { "PASID_VM_NAME", text };

        journal_set_socket(path);
        assert_int_equal(journal_send(text, LOG_WARNING, text, fields, ELEMENTSOF(fields)), 0);
        assert_in_range(receive(fd, buf, sizeof(buf)), JOURNAL_MESSAGE_MAX,
                JOURNAL_MESSAGE_MAX + (JOURNAL_FIELDS_MAX + 2) * (JOURNAL_FIELD_MAX + 32));
        for (const char *p = buf; *p; p++)
                if (*p == '\n')
                        assert_true(p[-1] == '4' || p[-1] == '\xa4');
}

static void test_full(void **state) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "journal");
        _cleanup_close_ int fd = listen_at(path);
        uint64_t before = journal_dropped();
        char buf[512];
        unsigned n = 0;

        journal_set_socket(path);
        while (journal_send("test", LOG_INFO, "One more.", NULL, 0) == 0)
                n++;
        assert_true(n > 0);
        assert_int_equal(journal_send("test", LOG_INFO, "Another.", NULL, 0), -EAGAIN);
        assert_int_equal(journal_dropped(), before + 2);

        while (receive(fd, buf, sizeof(buf)) >= 0)
                assert_non_null(strstr(buf, "One more."));
        assert_int_equal(journal_send("test", LOG_INFO, "Back.", NULL, 0), 0);
        assert_true(receive(fd, buf, sizeof(buf)) > 0);
        assert_non_null(strstr(buf, "MESSAGE=2 records were dropped"));
        assert_true(receive(fd, buf, sizeof(buf)) > 0);
        assert_non_null(strstr(buf, "MESSAGE=Back."));
        /* Reported once. */
        assert_int_equal(journal_send("test", LOG_INFO, "Again.", NULL, 0), 0);
        assert_true(receive(fd, buf, sizeof(buf)) > 0);
        assert_non_null(strstr(buf, "MESSAGE=Again."));
}

static void test_restarted(void **state) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "journal");
        char buf[512];
        int fd;

        journal_set_socket(path);
        assert_int_equal(journal_send("test", LOG_INFO, "Nobody.", NULL, 0), -ENOENT);
        fd = listen_at(path);
        assert_int_equal(journal_send("test", LOG_INFO, "First.", NULL, 0), 0);
        assert_true(receive(fd, buf, sizeof(buf)) > 0);
        close(fd);
        assert_int_equal(journal_send("test", LOG_INFO, "Nobody.", NULL, 0), -ECONNREFUSED);
        assert_int_equal(unlink(path), 0);
        fd = listen_at(path);
        assert_int_equal(journal_send("test", LOG_INFO, "Second.", NULL, 0), 0);
        close(fd);
}

/* stderr as each kind of file that can be full; a blocking write would hang here. */
static void fill_stderr(int writer) {
        int saved = dup(STDERR_FILENO), r = 0;

        assert_true(saved >= 0);
        assert_true(dup2(writer, STDERR_FILENO) >= 0);
        for (unsigned i = 0; r >= 0 && i < 100000; i++)
                r = stderr_line("test", "One more line for nobody.");
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        close(saved);
        assert_int_equal(r, -EAGAIN);
        /* For other processes that share the file, writes still block. */
        assert_false(fcntl(writer, F_GETFL) & O_NONBLOCK);
}

static void test_stderr(void **state) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fill_stderr(fds[1]);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        fill_stderr(fds[1]);
        close(fds[0]);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_record),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_restarted),
                cmocka_unit_test(test_stderr),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
