/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Exit statuses of pasidd for failures that a restart does not fix;
 * pasidd.service lists both in RestartPreventExitStatus=. The numbers are those
 * of sysexits.h.
 */
typedef enum DaemonExitStatus {
        PASIDD_EXIT_NO_KERNEL_SUPPORT = 69, /* EX_UNAVAILABLE: the kernel lacks vfio_pasid */
        PASIDD_EXIT_CONFIG =
                78, /* EX_CONFIG: the configuration does not parse, or a newer version wrote the state */
} DaemonExitStatus;

/* Exit statuses of pasidctl. */
typedef enum CtlExitStatus {
        CTL_EXIT_OK = 0,
        CTL_EXIT_FAILURE = 1,
        CTL_EXIT_USAGE = 2,
        CTL_EXIT_NOT_FOUND = 3,
        CTL_EXIT_DENIED = 4,
        CTL_EXIT_NOT_RUNNING = 5,
} CtlExitStatus;
