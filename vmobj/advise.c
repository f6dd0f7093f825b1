// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice.  See include/vmobj/advise.h.
 *
 * BSD asked every index of the range for its page, object by object.  Here the
 * resident pages of each object are visited, and those that are hidden by an
 * object above are skipped: holes cost nothing.
 */
#include <linux/rmap.h>

#include <vmobj/advise.h>
#include <vmobj/compat.h>
#include <vmobj/pageq.h>
#include <vmobj/swap.h>

/* Do the contents not matter?  Then neither do dirty bits. */
static void vm_page_advise_free(struct vm_page *pg)
{
	folio_mkclean(pg->folio);
	folio_clear_dirty(pg->folio);
	vm_page_laundered(pg);
	pg->act_count = 0;
	vm_page_dontneed(pg);
}

static void vm_page_advise(struct vm_page *pg, enum vm_advice advice)
{
	folio_lock(pg->folio);
	if (!pg->wire_count && vm_page_valid(pg)) {
		switch (advice) {
		case VM_ADVICE_WILLNEED:
			vm_page_activate(pg);
			break;
		case VM_ADVICE_DONTNEED:
			vm_page_dontneed(pg);
			break;
		case VM_ADVICE_FREE:
			vm_page_advise_free(pg);
			break;
		case VM_ADVICE_COLD:
			vm_page_deactivate(pg);
			break;
		}
	}
	folio_unlock(pg->folio);
}

/* At least in part. */
static bool vm_page_hidden(struct vm_object *top, struct vm_object *object,
			   const struct vm_page *pg)
{
	for (; top != object; top = top->backing_object)
		if (vm_page_any(top->memq, pg->index, vm_page_end(pg)))
			return true;
	return false;
}

/* A large page that the advice is not about as a whole is left alone. */
static bool vm_page_inside(const struct vm_page *pg, pgoff_t start, pgoff_t end)
{
	return pg->index >= start && vm_page_end(pg) <= end;
}

static bool vm_object_may_free(struct vm_object *object)
{
	return vm_object_internal(object) && !object->backing_object &&
	       vm_object_test(object, VM_OBJ_ONEMAPPING);
}

/* A large page that was left alone keeps its contents. */
static void vm_object_free_swap(struct vm_object *object, pgoff_t start,
				pgoff_t end)
{
	struct vm_page *pg = vm_memq_find(object->memq, start);

	if (pg && pg->index < start)
		start = vm_page_end(pg);
	pg = vm_memq_find(object->memq, end);
	if (pg && pg->index < end)
		end = pg->index;
	vm_swap_free_range(object, start, end);
}

void vm_object_madvise(struct vm_object *object, pgoff_t start,
		       unsigned long pages, enum vm_advice advice)
{
	struct vm_object *top = object;
	struct vm_page *pg;

	if (!object)
		return;
	lockdep_assert_held_write(&object->family->lock);
	if (advice == VM_ADVICE_FREE && !vm_object_may_free(object))
		return;

	for (; object; object = object->backing_object)
		for (pg = vm_page_first(object->memq, start);
		     pg && pg->index < start + pages; pg = vm_page_next(pg))
			if (vm_page_inside(pg, start, start + pages) &&
			    !vm_page_hidden(top, object, pg))
				vm_page_advise(pg, advice);
	if (advice == VM_ADVICE_FREE)
		vm_object_free_swap(top, start, start + pages);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_madvise);

void vm_object_deactivate_pages(struct vm_object *object)
{
	struct vm_page *pg;

	lockdep_assert_held_write(&object->family->lock);

	for (pg = vm_page_first(object->memq, 0); pg; pg = vm_page_next(pg)) {
		folio_lock(pg->folio);
		vm_page_deactivate(pg);
		folio_unlock(pg->folio);
	}
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_deactivate_pages);
