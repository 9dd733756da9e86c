/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process of its own that holds a VFIO container and allocates PASIDs in it, wherever it is put. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "pasid-request.h"

enum { DEVICES_MAX = 8 };

static int fail(const char *what) {
        fprintf(stderr, "pasid-client: %s: %s\n", what, strerror(errno));
        return -1;
}

/* Opens the group of a PCI device that is bound to vfio-pci. */
static int group_open(const char *device) {
        char path[256], target[256];
        const char *group;
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", device);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return fail(path);
        target[n] = '\0';
        group = strrchr(target, '/');
        if (!group) {
                errno = EINVAL;
                return fail(target);
        }

        snprintf(path, sizeof(path), "/dev/vfio/%.200s", group + 1);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? fail(path) : fd;
}

static int cgroup_enter(const char *cgroup) {
        char path[PATH_MAX];
        int fd, r;

        snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return fail(path);
        r = write(fd, "0", 1) == 1 ? 0 : fail(path);
        close(fd);
        return r;
}

static int run_line(int container, const char *line) {
        if (strcmp(line, "hold") == 0) {
                printf("hold\n");
                fflush(stdout);
                pause();
                return 0;
        }
        return pasid_request_line(container, line, stdout);
}

static void usage(FILE *out) {
        fprintf(out,
                "Usage: pasid-client [--no-iommu] [--cgroup DIRECTORY] [--device PCI-ADDRESS]… [COMMAND…]\n"
                "\n"
                "Attaches the devices, which must be bound to vfio-pci, to a container of its own and runs the commands there;\n"
                "without any, those that come as lines on standard input.\n"
                "\n"
                "  alloc [N] [MIN MAX], free MIN MAX, probe-alloc [MIN MAX], probe-free MIN MAX, info, extension,\n"
                "  raw ARGSZ FLAGS [WORD…], raw-null, hold (wait for a signal)\n"
                "\n"
                "  --cgroup DIRECTORY  move there once the devices are open, which the cgroup may forbid\n"
                "  --no-iommu          leave VFIO_SET_IOMMU out\n"
                "\n"
                "Exit status: 0 if all succeeded, 1 if the kernel refused one, 2 for a usage error, 3 if it cannot set up.\n");
}

static void on_signal(int signal) {
        (void) signal;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "device", required_argument, NULL, 'd' },
                { "cgroup", required_argument, NULL, 'c' },
                { "no-iommu", no_argument, NULL, 'n' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        const char *devices[DEVICES_MAX];
        struct sigaction action = { .sa_handler = on_signal };
        const char *cgroup = NULL;
        int groups[DEVICES_MAX];
        bool set_iommu = true;
        size_t n_devices = 0;
        int container, c, result = 0;

        while ((c = getopt_long(argc, argv, "+d:c:nh", options, NULL)) >= 0)
                switch (c) {
                case 'd':
                        if (n_devices >= DEVICES_MAX) {
                                fprintf(stderr, "pasid-client: too many devices\n");
                                return 2;
                        }
                        devices[n_devices++] = optarg;
                        break;
                case 'c':
                        cgroup = optarg;
                        break;
                case 'n':
                        set_iommu = false;
                        break;
                case 'h':
                        usage(stdout);
                        return 0;
                default:
                        usage(stderr);
                        return 2;
                }

        /* hold ends with a signal, and the process normally after it. */
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        setvbuf(stdout, NULL, _IOLBF, 0);

        container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
        if (container < 0) {
                fail("/dev/vfio/vfio");
                return 3;
        }
        for (size_t i = 0; i < n_devices; i++) {
                groups[i] = group_open(devices[i]);
                if (groups[i] < 0)
                        return 3;
        }
        if (cgroup && cgroup_enter(cgroup) < 0)
                return 3;
        for (size_t i = 0; i < n_devices; i++)
                if (ioctl(groups[i], VFIO_GROUP_SET_CONTAINER, &container) < 0) {
                        fail("VFIO_GROUP_SET_CONTAINER");
                        return 3;
                }
        if (set_iommu && n_devices > 0 &&
                ioctl(container, VFIO_SET_IOMMU, (unsigned long) VFIO_TYPE1v2_IOMMU) < 0) {
                fail("VFIO_SET_IOMMU");
                return 3;
        }

        if (optind < argc) {
                for (int i = optind; i < argc; i++) {
                        int r = run_line(container, argv[i]);

                        if (r > result)
                                result = r;
                }
        } else {
                char line[1024];

                while (fgets(line, sizeof(line), stdin)) {
                        int r;

                        line[strcspn(line, "\n")] = '\0';
                        r = run_line(container, line);
                        if (r > result)
                                result = r;
                }
        }
        return result;
}
