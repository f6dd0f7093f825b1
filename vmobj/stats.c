// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event counters.  See include/vmobj/stats.h for when each one moves.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>

#include <vmobj/compat.h>
#include <vmobj/stats.h>

DEFINE_PER_CPU(struct vmobj_stats, vmobj_stats);

static const char * const vmobj_stat_names[VMOBJ_NR_STATS] = {
	[VMOBJ_FAMILIES_CREATED]	= "families_created",
	[VMOBJ_FAMILIES_DESTROYED]	= "families_destroyed",
	[VMOBJ_MAPS_CREATED]		= "maps_created",
	[VMOBJ_MAPS_DESTROYED]		= "maps_destroyed",
	[VMOBJ_ENTRIES_CREATED]		= "entries_created",
	[VMOBJ_ENTRIES_DESTROYED]	= "entries_destroyed",
	[VMOBJ_OBJECTS_CREATED]		= "objects_created",
	[VMOBJ_OBJECTS_TERMINATED]	= "objects_terminated",
	[VMOBJ_OBJECTS_COLLAPSED]	= "objects_collapsed",
	[VMOBJ_COLLAPSES]		= "collapses",
	[VMOBJ_BYPASSES]		= "bypasses",
	[VMOBJ_SHADOWS]			= "shadows",
	[VMOBJ_SPLITS]			= "splits",
	[VMOBJ_COALESCES]		= "coalesces",
	[VMOBJ_JOINS]			= "joins",
	[VMOBJ_FREEZES]			= "freezes",
	[VMOBJ_FAULTS]			= "faults",
	[VMOBJ_ZERO_FILLS]		= "zero_fills",
	[VMOBJ_COW_COPIES]		= "cow_copies",
	[VMOBJ_COW_MOVES]		= "cow_moves",
	[VMOBJ_COW_REUSES]		= "cow_reuses",
	[VMOBJ_SUPERPAGES]		= "superpages",
	[VMOBJ_BLOCKS]			= "blocks",
	[VMOBJ_ABSORBS]			= "absorbs",
	[VMOBJ_COPY_UPS]		= "copy_ups",
	[VMOBJ_DEMOTES]			= "demotes",
	[VMOBJ_PROMOTES]		= "promotes",
	[VMOBJ_PINS_KEPT]		= "pins_kept",
	[VMOBJ_PINS_LEFT]		= "pins_left",
	[VMOBJ_MKWRITES]		= "mkwrites",
	[VMOBJ_WRITE_AROUNDS]		= "write_arounds",
	[VMOBJ_PAGE_ALLOCS]		= "page_allocs",
	[VMOBJ_PAGE_FREES]		= "page_frees",
	[VMOBJ_TAIL_ALLOCS]		= "tail_allocs",
	[VMOBJ_TAIL_FREES]		= "tail_frees",
	[VMOBJ_PAGEINS]		= "pageins",
	[VMOBJ_PAGEOUTS]	= "pageouts",
	[VMOBJ_SWAPINS]			= "swapins",
	[VMOBJ_SUPERPAGE_INS]		= "superpage_swapins",
	[VMOBJ_SWAPOUTS]		= "swapouts",
	[VMOBJ_SWAP_WRITES]		= "swap_writes",
	[VMOBJ_SWAP_ERRORS]		= "swap_errors",
	[VMOBJ_SCANS]			= "pageout_scans",
	[VMOBJ_DEACTIVATIONS]		= "deactivations",
	[VMOBJ_REACTIVATIONS]		= "reactivations",
	[VMOBJ_RECLAIMS]		= "reclaims",
	[VMOBJ_THROTTLES]		= "throttles",
	[VMOBJ_FORKS]			= "forks",
};

unsigned long vmobj_stat_read(enum vmobj_stat stat)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(vmobj_stats, cpu).count[stat]);
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(vmobj_stat_read);

const char *vmobj_stat_name(enum vmobj_stat stat)
{
	return vmobj_stat_names[stat];
}

static atomic64_t vmobj_worst_hold;

void vmobj_stat_held(u64 since)
{
	s64 ns = ktime_get_ns() - since, worst;

	worst = atomic64_read(&vmobj_worst_hold);
	while (ns > worst &&
	       !atomic64_try_cmpxchg(&vmobj_worst_hold, &worst, ns))
		;
}

u64 vmobj_stat_worst_hold(void)
{
	return atomic64_read(&vmobj_worst_hold);
}

void vmobj_stat_forget_hold(void)
{
	atomic64_set(&vmobj_worst_hold, 0);
}
