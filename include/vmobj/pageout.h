/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pageout daemon, and the limits it keeps.  After BSD's vm_pageout.c; a shrinker
 * shares its scan.
 */
#ifndef _VMOBJ_PAGEOUT_H
#define _VMOBJ_PAGEOUT_H

#include <linux/types.h>

/**
 * vm_pageout_init() - start the daemon and register the shrinker
 *
 * Return: 0 or a negative errno.
 */
int vm_pageout_init(void);

/** vm_pageout_exit() - stop them */
void vm_pageout_exit(void);

/**
 * vm_pageout_throttle() - wait until there may be one more page (BSD vm_wait)
 *
 * Costs a look at two numbers when there is no limit or it is not reached.  No lock of
 * ours held, but the process's mmap_lock.  May sleep; PSI counts it.
 *
 * Return: 0; -ENOSPC if the limit is reached and nothing can be paged out; -EINTR if a
 * fatal signal came.
 */
int vm_pageout_throttle(void);

/** vm_pageout_wakeup() - there is work for the daemon; any context */
void vm_pageout_wakeup(void);

#endif /* _VMOBJ_PAGEOUT_H */
