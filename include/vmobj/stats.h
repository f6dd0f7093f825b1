/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event counters, shown in debugfs "stats".
 *
 * Per-cpu and monotone: an increment is one instruction and takes no lock.
 * What is alive now is what was made less what is gone.
 */
#ifndef _VMOBJ_STATS_H
#define _VMOBJ_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/**
 * enum vmobj_stat - events that are counted
 * @VMOBJ_FAMILIES_CREATED: a mapping of fresh memory was made
 * @VMOBJ_FAMILIES_DESTROYED: its last relative went away
 * @VMOBJ_MAPS_CREATED: a process (or a place in one) got a map
 * @VMOBJ_MAPS_DESTROYED: ... and lost it
 * @VMOBJ_ENTRIES_CREATED: map entries made, by mmap, fork or clip
 * @VMOBJ_ENTRIES_DESTROYED: map entries deleted
 * @VMOBJ_OBJECTS_CREATED: objects allocated
 * @VMOBJ_OBJECTS_TERMINATED: objects whose last reference was dropped
 * @VMOBJ_OBJECTS_COLLAPSED: objects merged into their only shadow
 * @VMOBJ_COLLAPSES: merges done; the same events seen from the shadow
 * @VMOBJ_BYPASSES: shadows that let go of a fully shadowed backing object
 * @VMOBJ_SHADOWS: shadow objects made for a write to shared data
 * @VMOBJ_SPLITS: objects split in two at fork
 * @VMOBJ_COALESCES: objects extended to take an adjacent range
 * @VMOBJ_JOINS: mappings that became part of the family beside them
 * @VMOBJ_FREEZES: shared objects frozen under a new shadow by a strict copy
 * @VMOBJ_FAULTS: pages looked up for a fault (or for a debugger)
 * @VMOBJ_ZERO_FILLS: fresh zero pages given out
 * @VMOBJ_COW_COPIES: pages copied for a write
 * @VMOBJ_COW_MOVES: pages moved up from a backing object instead of copied
 * @VMOBJ_COW_REUSES: NEEDS_COPY dropped because nobody else was left
 * @VMOBJ_SUPERPAGES: superpage of zeros given out
 * @VMOBJ_BLOCKS: smaller large page of zeros given out
 * @VMOBJ_ABSORBS: small page copied into the large one it hid a part of
 * @VMOBJ_COPY_UPS: page copied into a shadow, so that a chain gets shorter or a
 *	large page can go
 * @VMOBJ_DEMOTES: large page freed, most of which was hidden
 * @VMOBJ_PROMOTES: small pages copied into a superpage that took their place
 * @VMOBJ_PINS_KEPT: pinned page that stayed with its process at fork; the child got a
 *	copy
 * @VMOBJ_PINS_LEFT: page left to somebody else who uses it, and replaced by a copy
 * @VMOBJ_MKWRITES: write rights given to a page already mapped
 * @VMOBJ_WRITE_AROUNDS: neighbours given write rights along with it
 * @VMOBJ_PAGE_ALLOCS: page descriptors allocated
 * @VMOBJ_TAIL_ALLOCS: page of a large page, but for its first, allocated
 * @VMOBJ_TAIL_FREES: the same, freed
 * @VMOBJ_PAGE_FREES: page descriptors freed
 * @VMOBJ_PAGEINS: pages read from a file (BSD v_vnodepgsin)
 * @VMOBJ_PAGEOUTS: pages written to a file (BSD v_vnodepgsout)
 * @VMOBJ_SWAPINS: pages read from swap (BSD v_swappgsin)
 * @VMOBJ_SUPERPAGE_INS: large pages that came back from swap as a whole
 * @VMOBJ_SWAPOUTS: pages written to swap (BSD v_swappgsout)
 * @VMOBJ_SWAP_WRITES: runs of blocks they were written in (BSD v_swapout)
 * @VMOBJ_SWAP_ERRORS: pages or runs of them that could not be read or written
 * @VMOBJ_SCANS: inactive pages looked at by the page daemon (BSD v_scan)
 * @VMOBJ_DEACTIVATIONS: pages it has made inactive (BSD v_deactivate)
 * @VMOBJ_REACTIVATIONS: inactive pages that were touched (BSD v_reactivated)
 * @VMOBJ_RECLAIMS: pages it has freed (BSD v_dfree)
 * @VMOBJ_THROTTLES: faults that had to wait for it
 * @VMOBJ_FORKS: VMAs copied by fork
 * @VMOBJ_NR_STATS: number of counters
 */
enum vmobj_stat {
	VMOBJ_FAMILIES_CREATED,
	VMOBJ_FAMILIES_DESTROYED,
	VMOBJ_MAPS_CREATED,
	VMOBJ_MAPS_DESTROYED,
	VMOBJ_ENTRIES_CREATED,
	VMOBJ_ENTRIES_DESTROYED,
	VMOBJ_OBJECTS_CREATED,
	VMOBJ_OBJECTS_TERMINATED,
	VMOBJ_OBJECTS_COLLAPSED,
	VMOBJ_COLLAPSES,
	VMOBJ_BYPASSES,
	VMOBJ_SHADOWS,
	VMOBJ_SPLITS,
	VMOBJ_COALESCES,
	VMOBJ_JOINS,
	VMOBJ_FREEZES,
	VMOBJ_FAULTS,
	VMOBJ_ZERO_FILLS,
	VMOBJ_COW_COPIES,
	VMOBJ_COW_MOVES,
	VMOBJ_COW_REUSES,
	VMOBJ_SUPERPAGES,
	VMOBJ_BLOCKS,
	VMOBJ_ABSORBS,
	VMOBJ_COPY_UPS,
	VMOBJ_DEMOTES,
	VMOBJ_PROMOTES,
	VMOBJ_PINS_KEPT,
	VMOBJ_PINS_LEFT,
	VMOBJ_MKWRITES,
	VMOBJ_WRITE_AROUNDS,
	VMOBJ_PAGE_ALLOCS,
	VMOBJ_PAGE_FREES,
	VMOBJ_TAIL_ALLOCS,
	VMOBJ_TAIL_FREES,
	VMOBJ_PAGEINS,
	VMOBJ_PAGEOUTS,
	VMOBJ_SWAPINS,
	VMOBJ_SUPERPAGE_INS,
	VMOBJ_SWAPOUTS,
	VMOBJ_SWAP_WRITES,
	VMOBJ_SWAP_ERRORS,
	VMOBJ_SCANS,
	VMOBJ_DEACTIVATIONS,
	VMOBJ_REACTIVATIONS,
	VMOBJ_RECLAIMS,
	VMOBJ_THROTTLES,
	VMOBJ_FORKS,
	VMOBJ_NR_STATS,
};

struct vmobj_stats {
	unsigned long count[VMOBJ_NR_STATS];
};

DECLARE_PER_CPU(struct vmobj_stats, vmobj_stats);

/**
 * vmobj_stat_add() - count @n events
 * @stat: which
 * @n: how many
 *
 * Any context.
 */
static inline void vmobj_stat_add(enum vmobj_stat stat, unsigned long n)
{
	this_cpu_add(vmobj_stats.count[stat], n);
}

/**
 * vmobj_stat_inc() - count one event
 * @stat: which
 *
 * Any context.
 */
static inline void vmobj_stat_inc(enum vmobj_stat stat)
{
	vmobj_stat_add(stat, 1);
}

/**
 * vmobj_stat_read() - events counted so far on all CPUs
 * @stat: which
 *
 * Any context.  Not a snapshot: other CPUs go on counting.
 */
unsigned long vmobj_stat_read(enum vmobj_stat stat);

/**
 * vmobj_stat_name() - the event's name in debugfs "stats"
 * @stat: which
 */
const char *vmobj_stat_name(enum vmobj_stat stat);

/**
 * vmobj_stat_held() - somebody shortened a chain, and kept others waiting
 * @since: ktime_get_ns() when that began; the family lock has been held for
 *	writing since then
 *
 * The longest time is remembered.
 */
void vmobj_stat_held(u64 since);

/**
 * vmobj_stat_worst_hold() - the longest of these times, in nanoseconds
 */
u64 vmobj_stat_worst_hold(void);

/** vmobj_stat_forget_hold() - begin anew */
void vmobj_stat_forget_hold(void);

#endif /* _VMOBJ_STATS_H */
