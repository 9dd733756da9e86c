/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names of the D-Bus API, which docs/dbus-api.md describes. */

#define PASIDD_BUS_NAME          "org.pasidd1"
#define PASIDD_OBJECT_PATH       "/org/pasidd1"
#define PASIDD_VM_PATH_PREFIX    "/org/pasidd1/vm"
#define PASIDD_MANAGER_INTERFACE "org.pasidd1.Manager"
#define PASIDD_VM_INTERFACE      "org.pasidd1.VM"

/* In the Manager's Status, after the name of a state file that is neither read nor written. */
#define PASIDD_STATUS_UNUSABLE "is unusable"

/* Signature of SetOverrides, the method with the largest arguments. */
#define PASIDD_SET_OVERRIDES_SIGNATURE "a(ssssa{sv})a{sv}"

#define PASIDD_ERROR_NO_SUCH_VM    "org.pasidd1.Error.NoSuchVM"
#define PASIDD_ERROR_AMBIGUOUS_VM  "org.pasidd1.Error.AmbiguousVM"
#define PASIDD_ERROR_INVALID_QUOTA "org.pasidd1.Error.InvalidQuota"
#define PASIDD_ERROR_INVALID_SLICE                                                                           \
        "org.pasidd1.Error.InvalidSlice" /* invalid name, or a slice that cannot have a limit */
#define PASIDD_ERROR_NOT_APPLIED   "org.pasidd1.Error.NotApplied"   /* the kernel refused the change */
#define PASIDD_ERROR_NOT_SAVED     "org.pasidd1.Error.NotSaved"     /* the state file could not be written */
#define PASIDD_ERROR_NOT_ADMITTED  "org.pasidd1.Error.NotAdmitted"  /* no room for the reservation */
#define PASIDD_ERROR_RELOAD_FAILED "org.pasidd1.Error.ReloadFailed" /* the configuration does not parse */
#define PASIDD_ERROR_NOT_SUPPORTED "org.pasidd1.Error.NotSupported" /* no PASID-capable IOMMU */

#define PASIDD_ACTION_SET_QUOTA   "org.pasidd1.set-quota"
#define PASIDD_ACTION_SET_DEFAULT "org.pasidd1.set-default-quota"
#define PASIDD_ACTION_SET_SLICE   "org.pasidd1.set-slice-quota"
#define PASIDD_ACTION_SET_MANY    "org.pasidd1.set-overrides"
#define PASIDD_ACTION_RECONCILE   "org.pasidd1.reconcile"
#define PASIDD_ACTION_RESERVE     "org.pasidd1.reserve"
#define PASIDD_ACTION_RELOAD      "org.pasidd1.reload"
#define PASIDD_ACTION_LOG_CONTROL "org.pasidd1.log-control"
