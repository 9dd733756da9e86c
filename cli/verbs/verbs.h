/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "options.h"

/*
 * A verb. argv[0] is its name. The number of arguments and the options have been
 * checked. A verb that fails prints a message on stderr. Returns the exit status
 * of pasidctl.
 */
typedef CtlExitStatus (*VerbFunc)(const Options *options, int argc, char **argv);

CtlExitStatus verb_list(const Options *options, int argc, char **argv);
CtlExitStatus verb_show(const Options *options, int argc, char **argv);
CtlExitStatus verb_set_quota(const Options *options, int argc, char **argv);
CtlExitStatus verb_reset_quota(const Options *options, int argc, char **argv);
CtlExitStatus verb_set_default(const Options *options, int argc, char **argv);
CtlExitStatus verb_reset_default(const Options *options, int argc, char **argv);
CtlExitStatus verb_status(const Options *options, int argc, char **argv);
CtlExitStatus verb_metrics(const Options *options, int argc, char **argv);
CtlExitStatus verb_monitor(const Options *options, int argc, char **argv);
CtlExitStatus verb_reload(const Options *options, int argc, char **argv);
CtlExitStatus verb_explain(const Options *options, int argc, char **argv);
CtlExitStatus verb_slices(const Options *options, int argc, char **argv);
CtlExitStatus verb_events(const Options *options, int argc, char **argv);
CtlExitStatus verb_reconcile(const Options *options, int argc, char **argv);
CtlExitStatus verb_export(const Options *options, int argc, char **argv);
CtlExitStatus verb_import(const Options *options, int argc, char **argv);
CtlExitStatus verb_doctor(const Options *options, int argc, char **argv);
CtlExitStatus verb_test_hook(const Options *options, int argc, char **argv);
CtlExitStatus verb_libvirt_watch(const Options *options, int argc, char **argv);
CtlExitStatus verb_top(const Options *options, int argc, char **argv);
