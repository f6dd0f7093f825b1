// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM objects: lifetime, and what is done to ranges of their pages.
 *
 * After DragonFly's vm_object.c 1.29.  See include/vmobj/object.h for what an
 * object is; shadow.c makes chains of them and collapse.c shortens the chains.
 *
 * Two rules replace most of what went wrong in the BSD code over the years:
 *
 * - One lock per family.  All decisions about reference counts are made under
 *   the family lock held for writing, and the lock is not let go in between.
 *   BSD slept inside deallocate and collapse, and each place that did not look
 *   again after that was a bug.
 *
 * - Nothing recurses.  A deallocation walks down the chain in a loop; a bypass
 *   that makes another collapse possible puts that on a list.
 */
#include <linux/highmem.h>
#include <linux/rmap.h>
#include <linux/slab.h>

#include <vmobj/alloc.h>
#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/writeset.h>

/*
 * Page colours, as BSD deals them out.  Nothing allocates by colour here, but
 * the numbers are part of the object and its dump.
 */
#define PQ_L2_SIZE	64
#define PQ_L2_MASK	(PQ_L2_SIZE - 1)
#define PQ_PRIME1	13

/* More entries than this are not compared with each other. */
#define ONEMAPPING_SCAN	16

static struct kmem_cache *vm_object_slab;
static atomic64_t vm_object_last_id;
static atomic_t vm_object_next_color;

int vm_object_init(void)
{
	vm_object_slab = KMEM_CACHE(vm_object, SLAB_ACCOUNT);
	return vm_object_slab ? 0 : -ENOMEM;
}

void vm_object_exit(void)
{
	kmem_cache_destroy(vm_object_slab);
}

/* ---- lifetime ---- */

static unsigned short vm_object_deal_color(unsigned long size)
{
	unsigned int step = min_t(unsigned long, size,
				  PQ_L2_SIZE / 3 + PQ_PRIME1);

	return (atomic_add_return(step, &vm_object_next_color) - step) &
	       PQ_L2_MASK;
}

unsigned short vm_object_color_at(const struct vm_object *object,
				  pgoff_t index)
{
	return (object->pg_color + (index - object->pg_base)) & PQ_L2_MASK;
}

struct vm_object *vm_object_allocate(struct vm_family *family,
				     enum vm_object_type type, pgoff_t pg_base,
				     unsigned long size, gfp_t gfp)
{
	struct vm_object *object;

	lockdep_assert_held_write(&family->lock);

	object = vm_cache_zalloc_locked(vm_object_slab, gfp);
	if (!object)
		return NULL;
	object->memq = vm_memq_alloc(gfp);
	if (!object->memq) {
		kmem_cache_free(vm_object_slab, object);
		return NULL;
	}

	INIT_LIST_HEAD(&object->shadow_head);
	INIT_LIST_HEAD(&object->shadow_link);
	INIT_LIST_HEAD(&object->mappers);
	INIT_LIST_HEAD(&object->deferred_link);
	vm_swap_init(object);
	object->memq->object = object;
	object->family = family;
	object->type = type;
	object->pg_base = pg_base;
	vm_writeset_init(object);
	object->size = size;
	object->ref_count = 1;
	object->pg_color = vm_object_deal_color(size);
	object->id = atomic64_inc_return(&vm_object_last_id);
	if (type <= VM_OBJECT_SWAP)
		set_bit(VM_OBJ_ONEMAPPING, &object->flags);

	list_add_tail(&object->family_link, &family->objects);
	family->nr_objects++;
	vmobj_stat_inc(VMOBJ_OBJECTS_CREATED);
	return object;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_allocate);

void vm_object_reference(struct vm_object *object)
{
	if (!object)
		return;
	lockdep_assert_held_write(&object->family->lock);
	WARN_ON_ONCE(vm_object_test(object, VM_OBJ_DEAD));
	object->ref_count++;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_reference);

void vm_object_bury(struct vm_object *object)
{
	struct vm_family *family = object->family;

	WARN_ON_ONCE(object->ref_count || object->shadow_count);
	WARN_ON_ONCE(!list_empty(&object->mappers));

	set_bit(VM_OBJ_DEAD, &object->flags);
	list_del_init(&object->deferred_link);
	list_move_tail(&object->family_link, &family->dead);
	family->nr_objects--;
}

void vm_object_reap(struct list_head *dead)
{
	struct vm_object *object, *next;

	list_for_each_entry_safe(object, next, dead, family_link) {
		wait_event(object->family->pip_wait,
			   !atomic_read(&object->paging_in_progress));
		vm_memq_free_all(object->memq);
		vm_writeset_destroy(object);
		vm_swap_destroy(object);
		kmem_cache_free(vm_object_slab, object);
	}
}

void vm_object_deallocate(struct vm_object *object)
{
	while (object) {
		struct vm_object *backing;

		lockdep_assert_held_write(&object->family->lock);
		if (!object->ref_count) {
			pr_err_ratelimited("vmobj: object %llu: a reference too many was dropped\n",
					   object->id);
			return;
		}

		if (--object->ref_count) {
			if (object->ref_count == 1 && object->shadow_count == 1)
				vm_object_collapse_survivor(object);
			else
				vm_object_update_onemapping(object);
			return;
		}

		backing = object->backing_object;
		if (backing)
			vm_object_unlink_shadow(object);
		vm_object_bury(object);
		vmobj_stat_inc(VMOBJ_OBJECTS_TERMINATED);
		object = backing;
	}
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_deallocate);

/* ---- flags and counts ---- */

void vm_object_pip_add(struct vm_object *object)
{
	vm_family_get(object->family);
	atomic_inc(&object->paging_in_progress);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_pip_add);

void vm_object_pip_wakeup(struct vm_object *object)
{
	struct vm_family *family = object->family;

	/* The object may be gone after this; the family is ours. */
	if (atomic_dec_and_test(&object->paging_in_progress)) {
		wake_up_all(&family->pip_wait);
		if (READ_ONCE(family->collapse_pending))
			vm_family_queue_collapse(family);
	}
	vm_family_put(family);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_pip_wakeup);

void vm_object_set_writeable_dirty(struct vm_object *object)
{
	if (!vm_object_test(object, VM_OBJ_WRITEABLE))
		set_bit(VM_OBJ_WRITEABLE, &object->flags);
	if (!vm_object_test(object, VM_OBJ_MIGHTBEDIRTY))
		set_bit(VM_OBJ_MIGHTBEDIRTY, &object->flags);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_set_writeable_dirty);

/* Is every reference an entry, and no page in two of them? */
static bool vm_object_mappers_disjoint(struct vm_object *object)
{
	struct vm_map_entry *a, *b;
	unsigned int nr = 0;

	list_for_each_entry(a, &object->mappers, mapper_link) {
		nr++;
		b = a;
		list_for_each_entry_continue(b, &object->mappers, mapper_link)
			if (a->start < b->end && b->start < a->end)
				return false;
	}
	return nr == object->ref_count;
}

void vm_object_update_onemapping(struct vm_object *object)
{
	lockdep_assert_held_write(&object->family->lock);

	if (object->shadow_count || !vm_object_internal(object) ||
	    vm_object_test(object, VM_OBJ_ONEMAPPING))
		return;
	if (object->ref_count > ONEMAPPING_SCAN)
		return;
	if (object->ref_count > 1 && !vm_object_mappers_disjoint(object))
		return;
	set_bit(VM_OBJ_ONEMAPPING, &object->flags);
}

/* ---- pages ---- */

struct folio *vm_object_zero_fill(struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg;
	struct folio *folio;
	int err;

	lockdep_assert_held(&object->family->lock);

	pg = vm_page_alloc(object->family->mapping, index, 0, true);
	if (!pg)
		return ERR_PTR(-ENOMEM);
	folio = pg->folio;
	err = vm_page_insert(object->memq, pg);
	if (!err)
		folio_get(folio);
	folio_unlock(folio);
	if (err) {
		vm_page_free(pg);
		return ERR_PTR(err);
	}
	vmobj_stat_inc(VMOBJ_ZERO_FILLS);
	return folio;
}

/* ---- ranges of pages ---- */

/* What keeps a page from being thrown away; its data may have to go instead. */
static bool vm_object_keeps_page(struct vm_page *pg, bool clean_only)
{
	struct folio *folio = pg->folio;
	bool keep;

	folio_lock(folio);
	vm_page_unmap(pg);
	keep = pg->wire_count ||
	       (clean_only && (folio_test_dirty(folio) || pg->writing ||
			       folio_maybe_dma_pinned(folio)));
	if (keep && !clean_only) {
		folio_clear_uptodate(folio);
		folio_clear_dirty(folio);
	}
	folio_unlock(folio);
	return keep;
}

/*
 * A large page that is partly in the range stays, and that part becomes zeros:
 * what it would show if it were new.  Its blocks in the range are going to be freed, so
 * it must not be taken for clean.
 */
static bool vm_object_zero_part(struct vm_page *pg, pgoff_t start, pgoff_t end)
{
	pgoff_t index;

	if (vm_page_valid(pg))
		folio_set_dirty(pg->folio);
	if (!vm_page_make_exclusive(pg))
		return false;
	start = max(start, pg->index);
	end = min(end, vm_page_end(pg));
	for (index = start; index < end; index++)
		clear_highpage(folio_page(pg->folio, index - pg->index));
	return true;
}

/* Is all that can be seen of a page in a range? */
static bool vm_object_page_inside(const struct vm_object *object,
				  const struct vm_page *pg, pgoff_t start,
				  pgoff_t end)
{
	return max(pg->index, object->pg_base) >= start &&
	       min(vm_page_end(pg), vm_object_end(object)) <= end;
}

bool vm_object_page_remove(struct vm_object *object, pgoff_t start, pgoff_t end,
			   bool clean_only)
{
	struct vm_page_batch batch = { .nr = 0 };
	struct vm_page *pg, *next;
	bool all = true;

	if (!object)
		return true;
	lockdep_assert_held_write(&object->family->lock);
	if (!end)
		end = ULONG_MAX;

	for (pg = vm_page_first(object->memq, start); pg && pg->index < end;
	     pg = next) {
		next = vm_page_next(pg);
		if (!vm_object_page_inside(object, pg, start, end)) {
			if (clean_only || !vm_object_zero_part(pg, start, end))
				all = false;
			continue;
		}
		if ((clean_only || READ_ONCE(pg->wire_count)) &&
		    vm_object_keeps_page(pg, clean_only))
			continue;
		vm_page_remove(pg);
		vm_page_batch_add(&batch, pg);
	}
	vm_page_batch_flush(&batch);
	if (!clean_only)
		vm_swap_free_range(object, start, end);
	return all;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_page_remove);

/*
 * The folio lock is what a fault holds from the moment it decided what to map
 * until the PTE is there: taking it waits for such a fault.
 *
 * Returns where the next page may be.
 */
static pgoff_t vm_object_mkclean_page(struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg = vm_memq_find(object->memq, index);
	struct folio *folio;

	if (!pg)
		return index + 1;
	folio = pg->folio;
	folio_lock(folio);
	if (folio_mkclean(folio))
		folio_set_dirty(folio);
	folio_unlock(folio);
	return vm_page_end(pg);
}

void vm_object_pmap_copy(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	struct vm_writeset_part part = { .link = NULL };
	unsigned long bit;
	pgoff_t next;

	if (!object || !vm_object_test(object, VM_OBJ_WRITEABLE))
		return;
	lockdep_assert_held_write(&object->family->lock);

	while (vm_writeset_take(object, start, end, &part)) {
		next = part.base;
		for_each_set_bit(bit, vm_writeset_part_bits(&part),
				 VM_WRITESET_CHUNK)
			if (part.base + bit >= next)
				next = vm_object_mkclean_page(object,
							      part.base + bit);
	}
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_pmap_copy);

void vm_object_pmap_remove(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	struct vm_page *pg;

	if (!object || start >= end)
		return;
	lockdep_assert_held_write(&object->family->lock);

	for (pg = vm_page_first(object->memq, start); pg && pg->index < end;
	     pg = vm_page_next(pg)) {
		folio_lock(pg->folio);
		vm_page_unmap(pg);
		folio_unlock(pg->folio);
	}
	vm_writeset_clear(object, start, end);
	if (start <= object->pg_base && end >= vm_object_end(object))
		clear_bit(VM_OBJ_WRITEABLE, &object->flags);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_pmap_remove);
