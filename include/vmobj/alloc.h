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
 * vm_gfp_locked() - how to allocate first, between memalloc_noreclaim_save() and _restore()
 * @gfp: how to allocate if that fails
 */
static inline gfp_t vm_gfp_locked(gfp_t gfp)
{
	return (gfp & ~__GFP_NOFAIL) | __GFP_NOWARN;
}

/**
 * vm_zalloc_locked() - zeroed memory, with a family lock held
 * @size: bytes
 * @gfp: for the case that there is none without waiting; with __GFP_NOFAIL it does not fail
 *
 * May sleep.
 *
 * Return: the memory, or NULL.
 */
static inline void *vm_zalloc_locked(size_t size, gfp_t gfp)
{
	unsigned int flags = memalloc_noreclaim_save();
	void *p = kzalloc(size, vm_gfp_locked(gfp));

	memalloc_noreclaim_restore(flags);
	return p ?: kzalloc(size, gfp);
}

/**
 * vm_cache_zalloc_locked() - the same from a cache
 * @cache: the cache
 * @gfp: as for vm_zalloc_locked()
 *
 * May sleep.
 *
 * Return: the object, or NULL.
 */
static inline void *vm_cache_zalloc_locked(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned int flags = memalloc_noreclaim_save();
	void *p = kmem_cache_zalloc(cache, vm_gfp_locked(gfp));

	memalloc_noreclaim_restore(flags);
	return p ?: kmem_cache_zalloc(cache, gfp);
}

#endif /* _VMOBJ_ALLOC_H */
