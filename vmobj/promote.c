// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promotion: small pages become a superpage where they are.
 *
 *	[ a . b c . d . . ]  ->  [ a 0 b c 0 d 0 0 ]
 *
 * Who touches a sixteenth of a superpage's range will mostly touch the rest too.  So
 * the small pages are copied into a superpage, which takes their place, and what was
 * not there yet is zeros: that costs less than hundreds of small pages more, each
 * with an allocation, a descriptor, and a place in a queue.  The process goes on with
 * the page table it has; a module can not free that.
 *
 * Only one object is concerned, and one entry that maps the range: nobody looks through
 * it, and it looks at nothing.  A fault calls, between two looks (fault.c).
 */
#include <linux/highmem.h>

#include <vmobj/compat.h>
#include <vmobj/object.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>

/* Is there enough to copy, and nothing that is sure to stay where it is? */
static bool vm_object_may_promote(struct vm_object *object,
				  const struct vm_page *large)
{
	pgoff_t start = large->index, end = vm_page_end(large);
	unsigned long nr = 0;
	struct vm_page *pg;

	if (!vm_object_mapped_once(object) || object->backing_object ||
	    !vm_object_internal(object) ||
	    atomic_read(&object->paging_in_progress) ||
	    start < object->pg_base || end > vm_object_end(object) ||
	    vm_swap_next_absent(object, start) < end)
		return false;
	for (pg = vm_page_first(object->memq, start); pg && pg->index < end;
	     pg = vm_page_next(pg)) {
		if (pg->order >= large->order || READ_ONCE(pg->wire_count) ||
		    !vm_page_valid(pg) || folio_maybe_dma_pinned(pg->folio))
			return false;
		nr += vm_page_nr(pg);
	}
	return nr && nr >= vm_page_nr(large) >> VM_PROMOTE_SHIFT;
}

/* Take all pages there away from who uses them; false if that is not possible. */
static bool vm_object_make_exclusive(struct vm_object *object,
				     const struct vm_page *large)
{
	struct vm_page *pg;

	/* Most of them together; what a fault is about to map comes below. */
	pmap_unmap_everywhere(object->family->mapping, large->index,
			      vm_page_nr(large));
	for (pg = vm_page_first(object->memq, large->index);
	     pg && pg->index < vm_page_end(large); pg = vm_page_next(pg))
		if (!vm_page_make_exclusive(pg))
			return false;
	return true;
}

/* @large takes the place of all that is in its range. */
static void vm_object_put_large(struct vm_object *object, struct vm_page *large)
{
	struct vm_page_batch batch = { .nr = 0 };
	struct vm_page *pg, *next;

	for (pg = vm_page_first(object->memq, large->index);
	     pg && pg->index < vm_page_end(large); pg = next) {
		next = vm_page_next(pg);
		vm_page_copy_into(large, pg);
		vm_page_remove(pg);
		vm_page_batch_add(&batch, pg);
	}
	WARN_ON_ONCE(vm_page_insert(object->memq, large));
	vm_page_batch_flush(&batch);
}

bool vm_object_promote(struct vm_object *object, struct vm_page *large)
{
	lockdep_assert_held_write(&object->family->lock);

	if (!vm_object_may_promote(object, large) ||
	    !vm_object_make_exclusive(object, large))
		return false;
	folio_set_dirty(large->folio);
	large->promoted = true;
	vm_object_put_large(object, large);
	vm_swap_free_range(object, large->index, vm_page_end(large));
	vmobj_stat_inc(VMOBJ_PROMOTES);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_promote);
