// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory cgroups.  See include/vmobj/memcg.h.
 */
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <vmobj/alloc.h>
#include <vmobj/compat.h>
#include <vmobj/memcg.h>

/*
 * The maps of each cgroup.  Nobody walks along these lists: that there is something on one
 * makes Linux ask our shrinker when that cgroup reaches its limit.
 */
static struct list_lru vm_memcg_maps;

int vm_memcg_init(struct shrinker *shrinker)
{
	return list_lru_init_memcg(&vm_memcg_maps, shrinker);
}

void vm_memcg_exit(void)
{
	list_lru_destroy(&vm_memcg_maps);
}

void *vm_memcg_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned int flags = memalloc_noreclaim_save();
	void *p = kmem_cache_alloc_lru(cache, &vm_memcg_maps,
				       vm_gfp_locked(gfp));

	memalloc_noreclaim_restore(flags);
	return p ?: kmem_cache_alloc_lru(cache, &vm_memcg_maps, gfp);
}

void vm_memcg_add(struct list_head *link)
{
	INIT_LIST_HEAD(link);
	compat_list_lru_add(&vm_memcg_maps, link);
}

void vm_memcg_del(struct list_head *link)
{
	compat_list_lru_del(&vm_memcg_maps, link);
}

struct mem_cgroup *vm_memcg_get(struct folio *folio)
{
	struct mem_cgroup *memcg;

	rcu_read_lock();
	do {
		memcg = folio_memcg(folio);
	} while (memcg && !compat_memcg_tryget(memcg));
	rcu_read_unlock();
	return memcg;
}

bool vm_memcg_charged(struct folio *folio, const struct mem_cgroup *memcg)
{
	bool charged;

	rcu_read_lock();
	charged = folio_memcg(folio) == memcg;
	rcu_read_unlock();
	return charged;
}

bool vm_memcg_is_root(struct mem_cgroup *memcg)
{
	return !parent_mem_cgroup(memcg);
}

#ifdef CONFIG_MEMCG
static unsigned long vm_memcg_lru_pages(const struct mem_cgroup *memcg)
{
	unsigned long nr = 0;
	int nid, zone, lru;

	for_each_node_state(nid, N_MEMORY)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			for (lru = 0; lru < NR_LRU_LISTS; lru++)
				nr += READ_ONCE(memcg->nodeinfo[nid]->lru_zone_size[zone][lru]);
	return nr;
}

unsigned long vm_memcg_pages(struct mem_cgroup *memcg)
{
	unsigned long nr = page_counter_read(&memcg->memory);

	return nr - min(nr, vm_memcg_lru_pages(memcg));
}
#else
unsigned long vm_memcg_pages(struct mem_cgroup *memcg)
{
	return 0;
}
#endif
