/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory cgroups: whom pages are charged to, and who has to give some back.
 *
 * Linux asks a shrinker on behalf of a cgroup only if the shrinker has something on a list
 * of that cgroup.  Each map is, from when it is made, in the cgroup of the process that makes
 * it.
 */
#ifndef _VMOBJ_MEMCG_H
#define _VMOBJ_MEMCG_H

#include <linux/types.h>

struct folio;
struct kmem_cache;
struct list_head;
struct mem_cgroup;
struct shrinker;

/**
 * vm_memcg_init() - make the lists
 * @shrinker: who is to be asked; registered
 *
 * Return: 0 or -ENOMEM.
 */
int vm_memcg_init(struct shrinker *shrinker);

/** vm_memcg_exit() - no map may be left */
void vm_memcg_exit(void);

/**
 * vm_memcg_alloc() - allocate what will be on a list
 * @cache: where from
 * @gfp: with __GFP_ACCOUNT; may sleep
 *
 * With the family lock held: as vm_cache_zalloc_locked().
 *
 * Return: the object, charged to the caller's memory cgroup, or NULL.
 */
void *vm_memcg_alloc(struct kmem_cache *cache, gfp_t gfp);

/**
 * vm_memcg_add() - put an object on the list of the cgroup that it is charged to
 * @link: in an object of vm_memcg_alloc()
 */
void vm_memcg_add(struct list_head *link);

/**
 * vm_memcg_del() - take an object off its list
 * @link: in the object
 */
void vm_memcg_del(struct list_head *link);

/**
 * vm_memcg_get() - whom a folio is charged to
 * @folio: folio that stays, with a reference for example
 *
 * Any context.
 *
 * Return: the memory cgroup, with a reference for mem_cgroup_put(); NULL if there is none.
 */
struct mem_cgroup *vm_memcg_get(struct folio *folio);

/**
 * vm_memcg_charged() - is a folio charged to a cgroup?
 * @folio: folio that stays
 * @memcg: the cgroup; what is charged to those below it does not count
 *
 * Any context.
 */
bool vm_memcg_charged(struct folio *folio, const struct mem_cgroup *memcg);

/**
 * vm_memcg_is_root() - is it the one without limits that all are in?
 * @memcg: the cgroup
 */
bool vm_memcg_is_root(struct mem_cgroup *memcg);

/**
 * vm_memcg_pages() - pages charged to a cgroup and those below it that may be ours
 * @memcg: the cgroup
 *
 * Those that are not on Linux's own lists.  Copies in the default store are.
 *
 * Any context.
 */
unsigned long vm_memcg_pages(struct mem_cgroup *memcg);

#endif /* _VMOBJ_MEMCG_H */
