/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small structs that are allocated with a family lock held.
 *
 * Who waits for memory there would wait for pages that the page daemon cannot take, as it
 * needs the same lock.  A cgroup at its limit would lose a process though it is full of
 * pages that could go.  So nobody reclaims there: the structs come from the reserves if
 * there is nothing else, and a cgroup goes above its limit for them.  Whoever needed them
 * needs pages next, and waits for those without the lock (vm_page_alloc_wait()).
 *
 * When even the reserves are empty @gfp decides.
 */
#ifndef _VMOBJ_ALLOC_H
#define _VMOBJ_ALLOC_H

#include <linux/sched/mm.h>
#include <linux/slab.h>

/**
 * vm_alloc_locked() - allocate with a family lock held
 * @gfp: for the case that there is nothing without waiting; may sleep; with __GFP_NOFAIL it
 *	does not fail
 * @alloc: function that allocates
 * @args: what it takes before a gfp_t
 *
 * Return: what @alloc returns.
 */
#define vm_alloc_locked(gfp, alloc, args...) ({				\
	gfp_t _gfp = (gfp);						\
	unsigned int _flags = memalloc_noreclaim_save();		\
	void *_p = alloc(args, (_gfp & ~__GFP_NOFAIL) | __GFP_NOWARN);	\
									\
	memalloc_noreclaim_restore(_flags);				\
	_p ?: alloc(args, _gfp);					\
})

#endif /* _VMOBJ_ALLOC_H */
