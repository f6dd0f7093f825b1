/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events of paging: /sys/kernel/tracing/events/vmobj.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmobj

#if !defined(_VMOBJ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VMOBJ_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(vmobj_pageout_scan,

	TP_PROTO(unsigned long target, unsigned int pass, unsigned long scanned,
		 unsigned long freed, unsigned long deactivated),

	TP_ARGS(target, pass, scanned, freed, deactivated),

	TP_STRUCT__entry(
		__field(unsigned long, target)
		__field(unsigned long, scanned)
		__field(unsigned long, freed)
		__field(unsigned long, deactivated)
		__field(unsigned int, pass)
	),

	TP_fast_assign(
		__entry->target = target;
		__entry->scanned = scanned;
		__entry->freed = freed;
		__entry->deactivated = deactivated;
		__entry->pass = pass;
	),

	TP_printk("target=%lu pass=%u scanned=%lu freed=%lu deactivated=%lu",
		  __entry->target, __entry->pass, __entry->scanned,
		  __entry->freed, __entry->deactivated)
);

/* Pages of an object, family coordinates. */
DECLARE_EVENT_CLASS(vmobj_paging,

	TP_PROTO(u64 object, unsigned long index, unsigned int nr, int err),

	TP_ARGS(object, index, nr, err),

	TP_STRUCT__entry(
		__field(u64, object)
		__field(unsigned long, index)
		__field(unsigned int, nr)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->object = object;
		__entry->index = index;
		__entry->nr = nr;
		__entry->err = err;
	),

	TP_printk("object=%llu index=%lu pages=%u err=%d",
		  __entry->object, __entry->index, __entry->nr, __entry->err)
);

DEFINE_EVENT(vmobj_paging, vmobj_pageout,
	TP_PROTO(u64 object, unsigned long index, unsigned int nr, int err),
	TP_ARGS(object, index, nr, err)
);

DEFINE_EVENT(vmobj_paging, vmobj_pagein,
	TP_PROTO(u64 object, unsigned long index, unsigned int nr, int err),
	TP_ARGS(object, index, nr, err)
);

TRACE_EVENT(vmobj_throttle,

	TP_PROTO(u64 ns, int err),

	TP_ARGS(ns, err),

	TP_STRUCT__entry(
		__field(u64, ns)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->ns = ns;
		__entry->err = err;
	),

	TP_printk("waited_ns=%llu err=%d", __entry->ns, __entry->err)
);

#endif /* _VMOBJ_TRACE_H */

/* Found by -I, as all our headers are. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH vmobj
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
