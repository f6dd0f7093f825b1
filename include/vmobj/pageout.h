/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page daemon, and the limit it keeps.  After BSD's vm_pageout.c; a shrinker shares
 * its scan.
 */
#ifndef _VMOBJ_PAGEOUT_H
#define _VMOBJ_PAGEOUT_H

#include <linux/types.h>

struct mem_cgroup;

/**
 * vm_pageout_init() - start the daemon and register the shrinker
 *
 * Return: 0 or a negative errno.
 */
int vm_pageout_init(void);

/** vm_pageout_exit() - stop them; vm_memcg_exit() is for later */
void vm_pageout_exit(void);

/*
 * Passes without success before waiters are told that there is no hope.  In so many any
 * page has become inactive, and has been tried: see vm_pageout_deactivate() and
 * vm_pageout_inactive_missing().
 */
#define VM_PAGEOUT_PASSES	4U

/**
 * vm_pageout_scan_init() - allocate what scans need, as there is no memory when they do
 *
 * Return: false if there is none; vm_pageout_scan_exit() is to be called all the same.
 */
bool vm_pageout_scan_init(void);

/** vm_pageout_scan_exit() - free it */
void vm_pageout_scan_exit(void);

/**
 * vm_pageout_scan() - make pages free (BSD vm_pageout_scan)
 * @memcg: only those charged to this cgroup, or NULL
 * @target: pages of PAGE_SIZE wanted
 * @pass: 0; more if the last scan has not got anywhere: then it is less considerate
 *
 * First inactive pages, then as many active ones are made inactive as are missing.  No
 * lock held.  May sleep, and do I/O.
 *
 * Return: pages freed.
 */
unsigned long vm_pageout_scan(struct mem_cgroup *memcg, unsigned long target,
			      unsigned int pass);

/**
 * vm_pageout_progress_by() - a scan has freed pages
 * @freed: so many, of PAGE_SIZE
 * @enough: whoever waits for memory may look again
 *
 * Who waits need not wait for the end of the scan.  No lock held but those of the scan.
 */
void vm_pageout_progress_by(unsigned long freed, bool enough);

/**
 * vm_pageout_excess() - pages above max_resident, or soon
 *
 * Any context but interrupts.
 *
 * Return: pages of PAGE_SIZE.
 */
unsigned long vm_pageout_excess(void);

/**
 * vm_pageout_full() - has the limit been reached?
 *
 * Wakes the daemon up a little earlier.  Costs a look at two numbers.  Any context but
 * interrupts.
 */
bool vm_pageout_full(void);

/**
 * vm_pageout_has_room() - is there room for more pages without paging out others?
 * @nr: how many
 *
 * As far as the limit goes.  Any context.
 */
bool vm_pageout_has_room(unsigned long nr);

/**
 * vm_pageout_throttle() - wait until there may be one more page (BSD vm_wait)
 *
 * No lock of ours held, but the process's mmap_lock.  May sleep; PSI counts it.
 *
 * Return: 0 if there was room, which somebody else may have taken meanwhile; -ENOSPC if
 * the limit is reached and nothing can be paged out; -EINTR if a fatal signal came.
 */
int vm_pageout_throttle(void);

/**
 * vm_page_free_wakeup() - pages have left the queues: who waits for room may go on
 *
 * Not only the daemon makes room, who exits does, too (BSD vm_page_free_wakeup).  Any context
 * but interrupts.
 */
void vm_page_free_wakeup(void);

#endif /* _VMOBJ_PAGEOUT_H */
