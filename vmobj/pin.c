// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are in use by get_user_pages().  See include/vmobj/pin.h.
 *
 * What a fork does with a pinned page:
 *
 *	before		after
 *
 *	parent		parent   child
 *	  |		  |        |
 *	[a P c]		[. P .]    |		P is pinned, P' its copy
 *			      \    |
 *			      [a P' c]
 *
 * Everything else about the two objects is as if the parent had written to P right
 * after the fork, but that it is the child's side that gets the copy.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/pin.h>
#include <vmobj/stats.h>
#include <vmobj/writeset.h>

/* ---- copies ---- */

static void vm_pin_copy(struct vm_page *to, struct vm_page *from)
{
	unsigned long i, at = to->index - from->index;

	for (i = 0; i < vm_page_nr(to); i++) {
		copy_highpage(folio_page(to->folio, i),
			      folio_page(from->folio, at + i));
		cond_resched();
	}
	__folio_mark_uptodate(to->folio);
	folio_set_dirty(to->folio);
}

static void vm_pin_insert_copy(struct vm_object *object, struct vm_page *copy,
			       struct vm_page *pg)
{
	vm_pin_copy(copy, pg);
	WARN_ON_ONCE(vm_page_insert(object->memq, copy));
	folio_unlock(copy->folio);
}

/*
 * Put copies of a page that has just left the object in its place: one as large if that
 * can be had, or as many small ones as there are in the window.
 */
static void vm_pin_put_copies(struct vm_object *object, struct vm_page *pg)
{
	pgoff_t index = max(pg->index, object->pg_base);
	pgoff_t end = min(vm_page_end(pg), vm_object_end(object));
	struct vm_page *copy;

	if (pg->order) {
		copy = vm_page_alloc(object->family->mapping, pg->index,
				     pg->order, false);
		if (copy) {
			vm_pin_insert_copy(object, copy, pg);
			return;
		}
	}
	for (; index < end; index++)
		vm_pin_insert_copy(object, vm_page_alloc_sure(pg, index), pg);
}

/* ---- fork ---- */

static bool vm_pin_pinned(const struct vm_page *pg)
{
	return vm_page_valid(pg) && folio_maybe_dma_pinned(pg->folio);
}

static void vm_pin_move_page(struct vm_object *shadow, struct vm_page *pg)
{
	folio_lock(pg->folio);
	vm_page_unmap(pg);
	WARN_ON_ONCE(vm_page_rename(pg, shadow->memq));
	vm_pin_put_copies(shadow->backing_object, pg);
	/* Without this mark the next write would leave the page to the pin. */
	if (!vm_writeset_add_folio(shadow, pg->folio))
		vm_object_set_writeable_dirty(shadow);
	folio_unlock(pg->folio);
	vmobj_stat_inc(VMOBJ_PINS_KEPT);
}

void vm_pin_move_up(struct vm_object *shadow)
{
	struct vm_object *object = shadow->backing_object;
	pgoff_t end = vm_object_end(shadow);
	struct vm_page *pg, *next;

	lockdep_assert_held_write(&shadow->family->lock);

	for (pg = vm_page_first(object->memq, shadow->pg_base);
	     pg && pg->index < end; pg = next) {
		next = vm_page_next(pg);
		if (vm_pin_pinned(pg))
			vm_pin_move_page(shadow, pg);
		cond_resched();
	}
}

/* Is anything pinned?  @cut: also something that is in part outside. */
static bool vm_pin_any(const struct vm_map_entry *entry, bool *cut)
{
	struct vm_object *object = entry->object;
	struct vm_page *pg;
	bool any = false;

	*cut = false;
	for (pg = vm_page_first(object->memq, entry->start);
	     pg && pg->index < entry->end; pg = vm_page_next(pg)) {
		cond_resched();
		if (!vm_pin_pinned(pg))
			continue;
		any = true;
		if (max(pg->index, object->pg_base) < entry->start ||
		    min(vm_page_end(pg), vm_object_end(object)) > entry->end)
			*cut = true;
	}
	return any;
}

void vm_pin_keep(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object, *shadow;
	bool cut;

	lockdep_assert_held_write(&object->family->lock);

	/*
	 * A page is pinned through a PTE, looked at again after the reference has
	 * been taken: so whoever has found one that was writable shows by now.
	 */
	smp_mb();
	if (!vm_pin_any(entry, &cut))
		return;
	/*
	 * A large page that is seen by other entries, too, can only be moved for
	 * all of them, and it is not known through which of them it was pinned.
	 */
	if (cut) {
		vm_object_freeze(object);
		return;
	}
	shadow = object;
	vm_object_shadow(object->family, &shadow, entry->start,
			 entry->end - entry->start, GFP_VMOBJ_NOFAIL);
	vm_map_entry_set_object(entry, shadow);
	vm_pin_move_up(shadow);
}

/* ---- leaving a page to others ---- */

static bool vm_pin_extra_refs(const struct vm_page *pg, int refs)
{
	/* One is the tree's. */
	return folio_ref_count(pg->folio) > 1 + refs +
					    compat_folio_mapcount(pg->folio);
}

/* A wired page stays where it is.  Nor may what is shared be replaced. */
static bool vm_pin_may_leave(const struct vm_map_entry *entry,
			     const struct vm_page *pg)
{
	return !pg->wire_count && vm_object_internal(entry->object) &&
	       entry->inheritance != VM_INHERIT_SHARE &&
	       !vm_map_entry_shared(entry);
}

bool vm_pin_in_use(const struct vm_map_entry *entry, const struct vm_page *pg,
		   int refs)
{
	return unlikely(vm_pin_extra_refs(pg, refs)) &&
	       vm_pin_may_leave(entry, pg);
}

bool vm_pin_in_use_forked(const struct vm_map_entry *entry,
			  const struct vm_page *pg, int refs)
{
	/* Before 6.10 it takes long to count who maps a large page: not each time. */
	if (pg->order && vm_writeset_test_folio(entry->object, pg->folio))
		return false;
	return vm_pin_in_use(entry, pg, refs) &&
	       !vm_writeset_test_folio(entry->object, pg->folio);
}

/* The page stays with whoever has it; the object has a copy. */
static void vm_pin_replace(struct vm_object *object, struct vm_page *pg)
{
	folio_lock(pg->folio);
	vm_page_unmap(pg);
	vm_page_remove(pg);
	vm_pin_put_copies(object, pg);
	/* From now on it is the object's own, whoever looks at it meanwhile. */
	if (!vm_writeset_add_folio(object, pg->folio))
		vm_object_set_writeable_dirty(object);
	folio_unlock(pg->folio);
	vm_page_free(pg);
	vmobj_stat_inc(VMOBJ_PINS_LEFT);
}

void vm_pin_leave(struct vm_map *map, pgoff_t index)
{
	struct vm_map_entry *entry;
	struct vm_page *pg = NULL;

	vm_family_write_lock(map->family);
	entry = vm_map_lookup(map, index);
	if (entry && entry->object && !entry->needs_copy)
		pg = vm_memq_find(entry->object->memq, index);
	if (pg && vm_page_valid(pg) && vm_pin_may_leave(entry, pg) &&
	    !vm_writeset_test_folio(entry->object, pg->folio))
		vm_pin_replace(entry->object, pg);
	vm_family_write_unlock(map->family);
}
