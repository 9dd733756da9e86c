/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

#include "pasid-request.h"

/* The ABI as its description says it, not as the header does: a client of the testbed must notice when the two part. With
 * the patched header at hand the compiler does. */
enum {
        FLAG_ALLOC = 1 << 0,
        FLAG_FREE = 1 << 1,
        FLAG_PROBE = 1 << 2,

        EXTENSION_PASID = 11,
        INFO_CAP_PASID = 4,

        PASID_MAX = (1 << 20) - 1,
};

#define REQUEST_IOCTL _IO(VFIO_TYPE, VFIO_BASE + 22)

struct request {
        uint32_t argsz;
        uint32_t flags;
        union {
                struct {
                        uint32_t min;
                        uint32_t max;
                        uint32_t result;
                } alloc;
                struct {
                        uint32_t min;
                        uint32_t max;
                } free;
                uint32_t words[14];
        };
};

struct info_cap {
        struct vfio_info_cap_header header;
        uint32_t min;
        uint32_t max;
        uint32_t quota;
        uint32_t allocated;
};

#define ARGSZ_ALLOC (2 * sizeof(uint32_t) + 3 * sizeof(uint32_t))
#define ARGSZ_FREE  (2 * sizeof(uint32_t) + 2 * sizeof(uint32_t))

#ifdef VFIO_IOMMU_PASID_REQUEST
_Static_assert(VFIO_IOMMU_PASID_REQUEST == REQUEST_IOCTL, "ioctl number");
_Static_assert(VFIO_PASID_REQUEST_ALLOC == FLAG_ALLOC, "flag");
_Static_assert(VFIO_PASID_REQUEST_FREE == FLAG_FREE, "flag");
_Static_assert(VFIO_PASID_REQUEST_PROBE == FLAG_PROBE, "flag");
_Static_assert(VFIO_TYPE1_PASID_ALLOC == EXTENSION_PASID, "extension");
_Static_assert(VFIO_IOMMU_TYPE1_INFO_CAP_PASID == INFO_CAP_PASID, "capability");
_Static_assert(sizeof(struct vfio_iommu_pasid_request) == 8, "request header");
_Static_assert(sizeof(struct vfio_pasid_request_alloc) == 12, "ALLOC payload");
_Static_assert(sizeof(struct vfio_pasid_request_free) == 8, "FREE payload");
_Static_assert(sizeof(struct vfio_iommu_type1_info_cap_pasid) == sizeof(struct info_cap), "capability");
#endif

static int print_result(FILE *out, const char *command, int r) {
        if (r < 0) {
                const char *name = strerrorname_np(errno);

                fprintf(out, "%s failed %s\n", command, name ?: "unknown");
                return 1;
        }
        fprintf(out, "%s ok\n", command);
        return 0;
}

static int do_alloc(int container, FILE *out, const char *command, uint32_t flags, unsigned long n,
        uint32_t min, uint32_t max) {
        for (unsigned long i = 0; i < n; i++) {
                struct request request = {
                        .argsz = ARGSZ_ALLOC,
                        .flags = FLAG_ALLOC | flags,
                        .alloc = { .min = min, .max = max, .result = UINT32_MAX },
                };

                if (ioctl(container, REQUEST_IOCTL, &request) < 0)
                        return print_result(out, command, -1);
                if (flags & FLAG_PROBE) {
                        /* A probe that writes a result has done too much. */
                        if (request.alloc.result != UINT32_MAX) {
                                fprintf(out, "%s wrote %" PRIu32 "\n", command, request.alloc.result);
                                return 1;
                        }
                        fprintf(out, "%s ok\n", command);
                } else
                        fprintf(out, "%s ok %" PRIu32 "\n", command, request.alloc.result);
        }
        return 0;
}

static int do_free(
        int container, FILE *out, const char *command, uint32_t flags, uint32_t min, uint32_t max) {
        struct request request = {
                .argsz = ARGSZ_FREE,
                .flags = FLAG_FREE | flags,
                .free = { .min = min, .max = max },
        };

        return print_result(out, command, ioctl(container, REQUEST_IOCTL, &request));
}

static int do_info(int container, FILE *out) {
        uint8_t buffer[4096] __attribute__((aligned(8))) = {};
        struct vfio_iommu_type1_info *info = (void *) buffer;

        info->argsz = sizeof(buffer);
        if (ioctl(container, VFIO_IOMMU_GET_INFO, info) < 0)
                return print_result(out, "info", -1);
        if (!(info->flags & VFIO_IOMMU_INFO_CAPS)) {
                fprintf(out, "info none\n");
                return 0;
        }
        for (uint32_t offset = info->cap_offset;
                offset != 0 && offset <= sizeof(buffer) - sizeof(struct info_cap);) {
                struct info_cap cap;

                memcpy(&cap, buffer + offset, sizeof(cap));
                if (cap.header.id == INFO_CAP_PASID) {
                        fprintf(out, "info ok max=%" PRIu32 " quota=%" PRIu32 " allocated=%" PRIu32 "\n",
                                cap.max, cap.quota, cap.allocated);
                        return 0;
                }
                offset = cap.header.next;
        }
        fprintf(out, "info none\n");
        return 0;
}

static bool parse_u32(const char *s, uint32_t *ret) {
        unsigned long long v;
        char *end;

        errno = 0;
        v = strtoull(s, &end, 0);
        if (errno != 0 || end == s || *end != '\0' || *s == '-' || v > UINT32_MAX)
                return false;
        *ret = (uint32_t) v;
        return true;
}

static int usage(FILE *out, const char *line) {
        fprintf(out, "bad command: %s\n", line);
        return 2;
}

int pasid_request_line(int container, const char *line, FILE *out) {
        enum { WORDS = 20 };
        uint32_t v[WORDS] = {};
        char copy[1024];
        char *save = NULL;
        const char *command;
        int n = 0;

        if (strlen(line) >= sizeof(copy))
                return usage(out, line);
        strcpy(copy, line);
        command = strtok_r(copy, " \t\n", &save);
        if (!command)
                return 0;
        for (char *word; (word = strtok_r(NULL, " \t\n", &save)); n++)
                if (n >= WORDS || !parse_u32(word, &v[n]))
                        return usage(out, line);

        if (strcmp(command, "alloc") == 0)
                switch (n) {
                case 0:
                        return do_alloc(container, out, command, 0, 1, 0, PASID_MAX);
                case 1:
                        return do_alloc(container, out, command, 0, v[0], 0, PASID_MAX);
                case 2:
                        return do_alloc(container, out, command, 0, 1, v[0], v[1]);
                case 3:
                        return do_alloc(container, out, command, 0, v[0], v[1], v[2]);
                default:
                        return usage(out, line);
                }
        if (strcmp(command, "probe-alloc") == 0 && (n == 0 || n == 2))
                return do_alloc(container, out, command, FLAG_PROBE, 1, v[0], n == 2 ? v[1] : PASID_MAX);
        if (strcmp(command, "free") == 0 && n == 2)
                return do_free(container, out, command, 0, v[0], v[1]);
        if (strcmp(command, "probe-free") == 0 && n == 2)
                return do_free(container, out, command, FLAG_PROBE, v[0], v[1]);
        if (strcmp(command, "info") == 0 && n == 0)
                return do_info(container, out);
        if (strcmp(command, "extension") == 0 && n == 0) {
                int r = ioctl(container, VFIO_CHECK_EXTENSION, (unsigned long) EXTENSION_PASID);

                if (r < 0)
                        return print_result(out, command, r);
                fprintf(out, "extension ok %d\n", r);
                return 0;
        }
        if (strcmp(command, "raw") == 0 && n >= 2 && n <= 16) {
                struct request request = { .argsz = v[0], .flags = v[1] };

                memcpy(request.words, v + 2, (size_t) (n - 2) * sizeof(uint32_t));
                return print_result(out, command, ioctl(container, REQUEST_IOCTL, &request));
        }
        if (strcmp(command, "raw-null") == 0 && n == 0)
                return print_result(out, command, ioctl(container, REQUEST_IOCTL, NULL));

        return usage(out, line);
}
