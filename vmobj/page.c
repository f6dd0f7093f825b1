// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages: descriptors, the tree they live in, allocation and freeing.
 *
 * See include/vmobj/page.h for what a page is and which lock owns what.
 * Nothing here knows about shadows; callers decide which page goes where.
 */
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <vmobj/alloc.h>
#include <vmobj/compat.h>
#include <vmobj/memcg.h>
#include <vmobj/page.h>
#include <vmobj/pageout.h>
#include <vmobj/pageq.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>

static struct kmem_cache *vm_page_slab;
static struct kmem_cache *vm_memq_slab;

static atomic_long_t vm_pages_detached;
static atomic_long_t vm_pages_wired;

int vm_page_init(void)
{
	vm_page_slab = KMEM_CACHE(vm_page, SLAB_ACCOUNT);
	if (!vm_page_slab)
		return -ENOMEM;
	vm_memq_slab = KMEM_CACHE(vm_memq, SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN);
	if (!vm_memq_slab) {
		kmem_cache_destroy(vm_page_slab);
		return -ENOMEM;
	}
	return 0;
}

void vm_page_exit(void)
{
	kmem_cache_destroy(vm_memq_slab);
	kmem_cache_destroy(vm_page_slab);
}

/* ---- the tree ---- */

struct vm_memq *vm_memq_alloc(gfp_t gfp)
{
	struct vm_memq *q = vm_cache_zalloc_locked(vm_memq_slab, gfp);

	if (!q)
		return NULL;
	spin_lock_init(&q->lock);
	seqcount_spinlock_init(&q->seq, &q->lock);
	q->root = RB_ROOT;
	q->first = ULONG_MAX;
	return q;
}

void vm_memq_widen(struct vm_memq *q, pgoff_t start, pgoff_t end)
{
	spin_lock(&q->lock);
	if (start < q->first)
		WRITE_ONCE(q->first, start);
	if (end > q->end)
		WRITE_ONCE(q->end, end);
	spin_unlock(&q->lock);
}

struct vm_page *vm_page_first(const struct vm_memq *q, pgoff_t index)
{
	struct rb_node *node = q->root.rb_node;
	struct vm_page *pg, *found = NULL;

	while (node) {
		pg = rb_entry(node, struct vm_page, rb);
		if (index < pg->index + vm_page_nr(pg)) {
			found = pg;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_first);

static struct vm_page *vm_memq_find_any(const struct vm_memq *q, pgoff_t start,
					pgoff_t end)
{
	struct rb_node *node = READ_ONCE(q->root.rb_node);
	struct vm_page *pg;

	while (node) {
		pg = rb_entry(node, struct vm_page, rb);
		if (end <= pg->index)
			node = READ_ONCE(node->rb_left);
		else if (start >= vm_page_end(pg))
			node = READ_ONCE(node->rb_right);
		else
			return pg;
	}
	return NULL;
}

struct vm_page *vm_page_any(const struct vm_memq *q, pgoff_t start, pgoff_t end)
{
	struct vm_page *pg;
	unsigned int seq;

	if (end <= READ_ONCE(q->first) || start >= READ_ONCE(q->end))
		return NULL;
	do {
		seq = read_seqcount_begin(&q->seq);
		pg = vm_memq_find_any(q, start, end);
	} while (!pg && read_seqcount_retry(&q->seq, seq));
	return pg;
}

/*
 * The pages before and behind an index, NULL where there is none.  A page that begins at
 * the index is before it.
 */
static void vm_memq_around(const struct vm_memq *q, pgoff_t index,
			   struct vm_page **prev, struct vm_page **next)
{
	struct rb_node *node = q->root.rb_node;
	struct vm_page *pg;

	*prev = NULL;
	*next = NULL;
	while (node) {
		pg = rb_entry(node, struct vm_page, rb);
		if (index < pg->index) {
			*next = pg;
			node = node->rb_left;
		} else {
			*prev = pg;
			node = node->rb_right;
		}
	}
}

/* Is a page the last one that does not begin behind an index? */
static bool vm_memq_is_before(const struct vm_memq *q, pgoff_t index,
			      const struct vm_page *pg)
{
	return pg && pg->memq == q && pg->index <= index &&
	       (!pg->next || index < pg->next->index);
}

/* Link a page into the tree between two neighbours; either may be NULL. */
static __always_inline void vm_memq_link_between(struct vm_memq *q,
						 struct vm_page *pg,
						 struct vm_page *prev,
						 struct vm_page *next)
{
	struct rb_node **link = &q->root.rb_node, *parent = NULL;

	/* One of the two is somewhere below the other, and has room. */
	if (prev && !prev->rb.rb_right) {
		parent = &prev->rb;
		link = &parent->rb_right;
	} else if (next) {
		parent = &next->rb;
		link = &parent->rb_left;
	}
	pg->next = next;
	/* What a reader without the lock finds at the end of the link. */
	pg->rb.rb_left = NULL;
	pg->rb.rb_right = NULL;
	smp_wmb(); /* the reader's side is a data dependency */
	rb_link_node(&pg->rb, parent, link);
	rb_insert_color(&pg->rb, &q->root);
	if (prev)
		WRITE_ONCE(prev->next, pg);
}

/*
 * Put a page in its place; -EEXIST when any page of its range is there.  A write
 * section of the tree is open, so that nobody trusts a miss meanwhile.  @near may be the
 * page before it.
 */
static __always_inline int vm_memq_link_locked(struct vm_memq *q,
					       struct vm_page *pg,
					       struct vm_page *near)
{
	struct vm_page *prev, *next;

	lockdep_assert_held(&q->lock);

	/* Memory is mostly touched upwards. */
	prev = vm_memq_is_before(q, pg->index, near) ? near : q->max;
	if (vm_memq_is_before(q, pg->index, prev))
		next = prev->next;
	else
		vm_memq_around(q, pg->index, &prev, &next);
	if ((prev && vm_page_end(prev) > pg->index) ||
	    (next && vm_page_end(pg) > next->index))
		return -EEXIST;

	vm_memq_link_between(q, pg, prev, next);
	if (!prev)
		WRITE_ONCE(q->first, min(q->first, pg->index));
	if (!next) {
		WRITE_ONCE(q->end, max(q->end, vm_page_end(pg)));
		WRITE_ONCE(q->max, pg);
	}
	q->resident += vm_page_nr(pg);
	q->nr++;
	q->large += !!pg->order;
	WRITE_ONCE(pg->memq, q);
	return 0;
}

static struct vm_page *vm_page_prev(const struct vm_page *pg)
{
	return rb_entry_safe(rb_prev(&pg->rb), struct vm_page, rb);
}

static void vm_memq_unlink_locked(struct vm_memq *q, struct vm_page *pg)
{
	struct vm_page *prev = vm_page_prev(pg);

	lockdep_assert_held(&q->lock);

	write_seqcount_begin(&q->seq);
	if (prev)
		WRITE_ONCE(prev->next, pg->next);
	if (q->max == pg)
		WRITE_ONCE(q->max, prev);
	rb_erase(&pg->rb, &q->root);
	q->resident -= vm_page_nr(pg);
	q->nr--;
	q->large -= !!pg->order;
	WRITE_ONCE(pg->memq, NULL);
	write_seqcount_end(&q->seq);
}

int vm_page_insert_near(struct vm_memq *q, struct vm_page *pg,
			struct vm_page *near)
{
	int err;

	spin_lock(&q->lock);
	write_seqcount_begin(&q->seq);
	err = vm_memq_link_locked(q, pg, near);
	write_seqcount_end(&q->seq);
	spin_unlock(&q->lock);
	if (!err)
		vm_pageq_insert(pg);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_insert_near);

void vm_page_remove(struct vm_page *pg)
{
	struct vm_memq *q = pg->memq;

	spin_lock(&q->lock);
	vm_memq_unlink_locked(q, pg);
	spin_unlock(&q->lock);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_remove);

/*
 * The new tree is locked, and its write section open, before the page leaves the
 * old one: a fault that finds the page in neither will look into the new tree
 * again before it believes that, or will try to insert another, and must then
 * find this one.
 */
int vm_page_rename(struct vm_page *pg, struct vm_memq *q)
{
	struct vm_memq *old = pg->memq;
	int err = -EEXIST;

	spin_lock(&q->lock);
	/* raw: to lockdep the two sections would be one in itself */
	raw_write_seqcount_begin(&q->seq);
	if (!vm_memq_find_any(q, pg->index, vm_page_end(pg))) {
		spin_lock_nested(&old->lock, SINGLE_DEPTH_NESTING);
		vm_memq_unlink_locked(old, pg);
		spin_unlock(&old->lock);
		err = vm_memq_link_locked(q, pg, NULL);
	}
	raw_write_seqcount_end(&q->seq);
	spin_unlock(&q->lock);
	if (!err)
		folio_set_dirty(pg->folio);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_rename);

void vm_page_replace(struct vm_page *old, struct vm_page *pg)
{
	struct vm_memq *q = old->memq;
	struct vm_page *prev;

	spin_lock(&q->lock);
	write_seqcount_begin(&q->seq);
	prev = vm_page_prev(old);
	pg->next = old->next;
	if (prev)
		WRITE_ONCE(prev->next, pg);
	rb_replace_node(&old->rb, &pg->rb, &q->root);
	if (q->max == old)
		WRITE_ONCE(q->max, pg);
	WRITE_ONCE(old->memq, NULL);
	WRITE_ONCE(pg->memq, q);
	write_seqcount_end(&q->seq);
	spin_unlock(&q->lock);
	folio_set_dirty(pg->folio);
}

/* ---- allocation ---- */

/* As hard as for the page itself it is tried to get its descriptor. */
#define VM_PAGE_SLAB_GFP	(GFP_KERNEL | __GFP_NOWARN | __GFP_NOFAIL)

/*
 * A large folio is an extra that nobody waits for: no reclaim, no compaction.
 */
static gfp_t vm_page_gfp(unsigned int order, bool zero)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT;

	if (order)
		gfp = (gfp | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM;
	return zero ? gfp | __GFP_ZERO : gfp;
}

/* The descriptor of a locked folio that is nobody's yet. */
static struct vm_page *vm_page_setup(struct vm_page *pg, struct folio *folio,
				     struct address_space *mapping,
				     pgoff_t index, bool valid)
{
	pg->index = index;
	pg->memq = NULL;
	pg->folio = folio;
	pg->wire_count = 0;
	pg->order = folio_order(folio);
	pg->queue = VM_PAGEQ_NONE;
	pg->act_count = 0;
	pg->ahead = 0;
	pg->reach = 0;
	pg->promoted = false;
	pg->marker = false;
	pg->nosync = false;
	pg->writing = false;

	__folio_set_locked(folio);
	if (valid)
		__folio_mark_uptodate(folio);
	folio->mapping = mapping;
	folio->index = index;
	folio->private = pg;
	vmobj_stat_inc(VMOBJ_PAGE_ALLOCS);
	if (pg->order)
		vmobj_stat_add(VMOBJ_TAIL_ALLOCS, vm_page_nr(pg) - 1);
	return pg;
}

static struct vm_page *vm_page_alloc_gfp(struct address_space *mapping,
					 pgoff_t index, unsigned int order,
					 gfp_t gfp)
{
	struct vm_page *pg;
	struct folio *folio;

	pg = kmem_cache_alloc(vm_page_slab, gfp & VM_PAGE_SLAB_GFP);
	if (!pg)
		return NULL;
	folio = folio_alloc(gfp, order);
	if (!folio) {
		kmem_cache_free(vm_page_slab, pg);
		return NULL;
	}
	return vm_page_setup(pg, folio, mapping, index, gfp & __GFP_ZERO);
}

struct vm_page *vm_page_alloc(struct address_space *mapping, pgoff_t index,
			      unsigned int order, bool zero)
{
	return vm_page_alloc_gfp(mapping, index, order,
				 vm_page_gfp(order, zero));
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_alloc);

static struct vm_page *vm_page_alloc_charged(struct vm_page *pg, pgoff_t index,
					     gfp_t gfp)
{
	struct mem_cgroup *memcg = vm_memcg_get(pg->folio), *old;
	struct vm_page *copy;

	old = set_active_memcg(memcg);
	copy = vm_page_alloc_gfp(pg->folio->mapping, index, 0,
				 vm_page_gfp(0, false) | gfp);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return copy;
}

struct vm_page *vm_page_alloc_copy(struct vm_page *pg, pgoff_t index)
{
	return vm_page_alloc_charged(pg, index, __GFP_NORETRY | __GFP_NOWARN);
}

struct vm_page *vm_page_alloc_sure(struct vm_page *pg, pgoff_t index)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct vm_page *copy;

	/* As vm_zalloc_locked(); but the reserves are not for so many pages. */
	copy = vm_page_alloc_charged(pg, index, __GFP_NOMEMALLOC | __GFP_NOWARN);
	memalloc_noreclaim_restore(flags);
	return copy ?: vm_page_alloc_charged(pg, index, __GFP_NOFAIL);
}

/* ---- allocation in batches ---- */

/* Whoever waits for memory must not hold the family lock: the daemon may need it. */
static gfp_t vm_page_gfp_now(bool zero)
{
	return (vm_page_gfp(0, zero) | __GFP_NOWARN) & ~__GFP_DIRECT_RECLAIM;
}

static bool vm_reserve_fill(struct vm_reserve *r, bool zero)
{
	r->page = alloc_pages(vm_page_gfp(VM_RESERVE_ORDER, zero),
			      VM_RESERVE_ORDER);
	if (!r->page)
		return false;
	split_page(r->page, VM_RESERVE_ORDER);
	r->zeroed = zero;
	r->nr = VM_RESERVE_NR;
	return true;
}

/* Is memory touched page by page, so that more will be needed at once? */
static bool vm_reserve_in_a_row(struct vm_reserve *r, pgoff_t index)
{
	bool next = index == r->last + 1 || index + 1 == r->last;

	r->last = index;
	r->run = next ? r->run + 1 : 0;
	return r->run >= VM_RESERVE_RUN;
}

static struct page *vm_reserve_page(struct vm_reserve *r, pgoff_t index,
				    bool zero)
{
	bool more = vm_reserve_in_a_row(r, index);
	struct page *page;

	if (!r->nr && !(more && vm_reserve_fill(r, zero)))
		return alloc_pages(vm_page_gfp_now(zero), 0);
	page = r->page + VM_RESERVE_NR - r->nr--;
	if (zero && !r->zeroed)
		clear_highpage(page);
	return page;
}

/* Who has needed some will need more, be it in a row or not. */
static struct vm_page *vm_reserve_descriptor(struct vm_reserve *r)
{
	gfp_t gfp = vm_page_gfp_now(false) & VM_PAGE_SLAB_GFP;

	if (!compat_alloc_bulk_is_right())
		return kmem_cache_alloc(vm_page_slab, gfp);
	/* All or nothing; newer kernels return just that, and not how many. */
	if (!r->nr_pg && r->used++ >= VM_RESERVE_RUN &&
	    kmem_cache_alloc_bulk(vm_page_slab, gfp, VM_RESERVE_NR,
				  (void **)r->pg))
		r->nr_pg = VM_RESERVE_NR;
	return r->nr_pg ? r->pg[--r->nr_pg] :
			  kmem_cache_alloc(vm_page_slab, gfp);
}

struct vm_page *vm_page_alloc_next(struct vm_reserve *r,
				   struct address_space *mapping, pgoff_t index,
				   bool zero)
{
	struct vm_page *pg;
	struct page *page;

	/* Whoever comes second gets on without. */
	if (test_and_set_bit_lock(VM_RESERVE_BUSY, &r->flags))
		return vm_page_alloc_gfp(mapping, index, 0,
					 vm_page_gfp_now(zero));
	pg = vm_reserve_descriptor(r);
	page = pg ? vm_reserve_page(r, index, zero) : NULL;
	clear_bit_unlock(VM_RESERVE_BUSY, &r->flags);
	if (page)
		return vm_page_setup(pg, page_folio(page), mapping, index, zero);
	if (pg)
		kmem_cache_free(vm_page_slab, pg);
	return NULL;
}

void vm_reserve_drain(struct vm_reserve *r)
{
	if (r->nr_pg)
		kmem_cache_free_bulk(vm_page_slab, r->nr_pg, (void **)r->pg);
	r->nr_pg = 0;
	while (r->nr)
		__free_page(r->page + VM_RESERVE_NR - r->nr--);
}

/* ---- allocation that waits ---- */

struct vm_page *vm_page_alloc_wait(void)
{
	struct vm_page *pg = kmem_cache_alloc(vm_page_slab, GFP_KERNEL);

	if (!pg)
		return NULL;
	pg->folio = folio_alloc(vm_page_gfp(0, false), 0);
	if (pg->folio)
		return pg;
	kmem_cache_free(vm_page_slab, pg);
	return NULL;
}

struct vm_page *vm_page_use(struct vm_page *pg, struct address_space *mapping,
			    pgoff_t index, bool zero)
{
	if (zero)
		clear_highpage(&pg->folio->page);
	return vm_page_setup(pg, pg->folio, mapping, index, zero);
}

void vm_page_alloc_undo(struct vm_page *pg)
{
	if (!pg)
		return;
	folio_put(pg->folio);
	kmem_cache_free(vm_page_slab, pg);
}

/* ---- freeing ---- */

void vm_page_copy_into(struct vm_page *large, struct vm_page *pg)
{
	unsigned long i, to = pg->index - large->index;

	for (i = 0; i < vm_page_nr(pg); i++)
		copy_highpage(folio_page(large->folio, to + i),
			      folio_page(pg->folio, i));
}

void vm_page_unmap(struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);

	if (folio_mapped(folio))
		pmap_unmap_everywhere(folio->mapping, folio->index,
				      folio_nr_pages(folio));
}

bool vm_page_make_exclusive(struct vm_page *pg)
{
	struct folio *folio = pg->folio;
	bool exclusive;

	folio_lock(folio);
	vm_page_unmap(pg);
	/* The tree's reference is one. */
	exclusive = !pg->wire_count && folio_ref_count(folio) == 1;
	folio_unlock(folio);
	return exclusive;
}

/*
 * Cut the folio loose from us: no PTE, no mapping.  Whoever still holds a
 * reference (get_user_pages, or the page daemon) keeps plain memory.
 */
static void vm_page_detach_folio(struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	folio_lock(folio);
	vm_page_unmap(pg);
	folio->mapping = NULL;
	folio_unlock(folio);
	/* Until then somebody may have requeued it. */
	vm_pageq_remove(pg);
}

/* A wired page outlives its object; it keeps its descriptor and no mapping. */
static bool vm_page_keep_wired(struct vm_page *pg)
{
	struct folio *folio = pg->folio;
	bool wired;

	folio_lock(folio);
	wired = pg->wire_count;
	if (wired) {
		vm_page_unmap(pg);
		folio->mapping = NULL;
		atomic_long_inc(&vm_pages_detached);
	}
	folio_unlock(folio);
	return wired;
}

void vm_page_batch_flush(struct vm_page_batch *batch)
{
	struct page *pages[VM_PAGE_BATCH];
	unsigned long tails = 0;
	unsigned int i;
	u64 idle;

	if (!batch->nr)
		return;
	cond_resched();
	/* Ours is the last reference: no PTE, no fault on its way to one. */
	idle = vm_pageq_remove_idle(batch->page, batch->nr);
	for (i = 0; i < batch->nr; i++) {
		if (likely(idle & BIT_ULL(i)))
			batch->page[i]->folio->mapping = NULL;
		else
			vm_page_detach_folio(batch->page[i]);
		pages[i] = &batch->page[i]->folio->page;
		tails += vm_page_nr(batch->page[i]) - 1;
	}
	for (i = 0; i < batch->nr; i++)
		set_page_private(pages[i], 0);
	release_pages(pages, batch->nr);
	vm_page_free_wakeup();
	kmem_cache_free_bulk(vm_page_slab, batch->nr, (void **)batch->page);
	vmobj_stat_add(VMOBJ_PAGE_FREES, batch->nr);
	if (tails)
		vmobj_stat_add(VMOBJ_TAIL_FREES, tails);
	batch->nr = 0;
}

static __always_inline void vm_page_batch_put(struct vm_page_batch *batch,
					      struct vm_page *pg)
{
	if (unlikely(READ_ONCE(pg->wire_count)) && vm_page_keep_wired(pg))
		return;
	batch->page[batch->nr++] = pg;
	if (batch->nr == VM_PAGE_BATCH)
		vm_page_batch_flush(batch);
}

void vm_page_batch_add(struct vm_page_batch *batch, struct vm_page *pg)
{
	vm_page_batch_put(batch, pg);
}

void vm_page_free(struct vm_page *pg)
{
	struct vm_page_batch batch = { .nr = 0 };

	vm_page_batch_add(&batch, pg);
	vm_page_batch_flush(&batch);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_free);

void vm_memq_free_all(struct vm_memq *q)
{
	struct vm_page_batch batch = { .nr = 0 };
	struct vm_page *pg, *next;

	/*
	 * By index: neighbours have mostly been allocated one after the other, and the
	 * allocators are faster if they come back like that.
	 */
	for (pg = vm_page_first(q, 0); pg; pg = next) {
		next = pg->next;
		pg->memq = NULL;
		vm_page_batch_put(&batch, pg);
	}
	vm_page_batch_flush(&batch);
	kmem_cache_free(vm_memq_slab, q);
}

/* ---- wiring ---- */

void vm_page_wire(struct vm_page *pg)
{
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(pg->folio), pg->folio);

	if (pg->wire_count++)
		return;
	/* The wiring's reference, so that nobody takes the folio for unused. */
	folio_get(pg->folio);
	vm_pageq_remove(pg);
	atomic_long_inc(&vm_pages_wired);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_wire);

void vm_page_unwire(struct vm_page *pg)
{
	struct folio *folio = pg->folio;
	bool last, orphan;

	folio_lock(folio);
	if (WARN_ON_ONCE(!pg->wire_count)) {
		folio_unlock(folio);
		return;
	}
	last = !--pg->wire_count;
	orphan = last && !folio->mapping;
	if (last)
		atomic_long_dec(&vm_pages_wired);
	if (last && !orphan)
		vm_page_activate(pg);
	folio_unlock(folio);

	if (orphan) {
		atomic_long_dec(&vm_pages_detached);
		vm_page_free(pg);
	}
	if (last)
		folio_put(folio);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_unwire);

unsigned long vm_page_nr_detached(void)
{
	return atomic_long_read(&vm_pages_detached);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_nr_detached);

unsigned long vm_page_nr_wired(void)
{
	return atomic_long_read(&vm_pages_wired);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_nr_wired);
