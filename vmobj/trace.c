// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace events' code.  See include/vmobj/trace.h.
 */
#define CREATE_TRACE_POINTS
#include <vmobj/trace.h>
