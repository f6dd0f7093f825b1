// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of swap that objects have.  See include/vmobj/swap.h.
 *
 * BSD kept them in one hash for all objects, and had to walk every index of an object
 * to find what it has.  Here each object has an xarray, and what a merge, a split or an
 * exit costs is the number of blocks.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pager.h>
#include <vmobj/swap.h>

void vm_swap_init(struct vm_object *object)
{
	xa_init(&object->swap);
	atomic_long_set(&object->swapped, 0);
}

static void vm_swap_free_entry(struct vm_object *object, void *entry)
{
	if (!entry)
		return;
	atomic_long_dec(&object->swapped);
	vm_swblk_free(xa_to_value(entry), 1);
}

void vm_swap_destroy(struct vm_object *object)
{
	unsigned long index;
	void *entry;

	xa_for_each(&object->swap, index, entry) {
		vm_swap_free_entry(object, entry);
		cond_resched();
	}
	xa_destroy(&object->swap);
}

pgoff_t vm_swap_next(struct vm_object *object, pgoff_t index)
{
	if (object->type != VM_OBJECT_SWAP ||
	    !xa_find(&object->swap, &index, ULONG_MAX, XA_PRESENT))
		return ULONG_MAX;
	return index;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swap_next);

bool vm_swap_any(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	return object->type == VM_OBJECT_SWAP && start < end &&
	       xa_find(&object->swap, &start, end - 1, XA_PRESENT);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swap_any);

pgoff_t vm_swap_next_absent(struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg;

	lockdep_assert_held_write(&object->family->lock);

	while ((index = vm_swap_next(object, index)) != ULONG_MAX) {
		pg = vm_memq_find(object->memq, index);
		if (!pg)
			break;
		index = vm_page_end(pg);
	}
	return index;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swap_next_absent);

int vm_swap_enter(struct vm_object *object, pgoff_t index, vm_swblk_t blk,
		  gfp_t gfp)
{
	void *old;

	lockdep_assert_held_write(&object->family->lock);

	old = xa_store(&object->swap, index, xa_mk_value(blk), gfp);
	if (xa_is_err(old))
		return xa_err(old);
	atomic_long_inc(&object->swapped);
	vm_swap_free_entry(object, old);
	object->type = VM_OBJECT_SWAP;
	object->swap_changes++;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swap_enter);

void vm_swap_free_range(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	unsigned long index;
	void *entry;

	if (object->type != VM_OBJECT_SWAP || start >= end)
		return;
	xa_for_each_range(&object->swap, index, entry, start, end - 1)
		vm_swap_free_entry(object, xa_erase(&object->swap, index));
}
EXPORT_SYMBOL_IF_KUNIT(vm_swap_free_range);

/* A block that is the only copy of a page gets a new owner. */
static void vm_swap_move(struct vm_object *from, struct vm_object *to,
			 pgoff_t index)
{
	void *entry = xa_erase(&from->swap, index);

	atomic_long_dec(&from->swapped);
	WARN_ON_ONCE(vm_swap_enter(to, index, xa_to_value(entry),
				   GFP_VMOBJ_NOFAIL));
}

void vm_swap_split(struct vm_object *from, struct vm_object *to, pgoff_t start,
		   pgoff_t end)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held_write(&from->family->lock);

	if (!vm_swap_any(from, start, end))
		return;
	xa_for_each_range(&from->swap, index, entry, start, end - 1)
		if (!vm_memq_find(to->memq, index))
			vm_swap_move(from, to, index);
	vm_swap_free_range(from, start, end);
	vm_memq_widen(to->memq, start, end);
}

/* A page that has come from below, or taken another's place, is dirty. */
static void vm_swap_free_stale(struct vm_object *object)
{
	unsigned long index;
	struct vm_page *pg;
	void *entry;

	xa_for_each(&object->swap, index, entry) {
		pg = vm_memq_find(object->memq, index);
		if (pg && folio_test_dirty(pg->folio))
			vm_swap_free_entry(object,
					   xa_erase(&object->swap, index));
		cond_resched();
	}
}

/*
 * Is a block of the backing object's what the object shows at an index?  A page that is
 * there and clean, without a block of its own, has come with the backing object's tree.
 */
static bool vm_swap_wants(struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg;

	if (index < object->pg_base || index >= vm_object_end(object) ||
	    vm_swap_lookup(object, index))
		return false;
	pg = vm_memq_find(object->memq, index);
	return !pg || (vm_page_valid(pg) && !folio_test_dirty(pg->folio));
}

void vm_swap_move_up(struct vm_object *object, unsigned long *budget)
{
	struct vm_object *backing = object->backing_object;
	unsigned long index;
	void *entry;

	lockdep_assert_held_write(&object->family->lock);

	if (!vm_swap_nr(backing))
		return;
	vm_memq_widen(object->memq, object->pg_base, vm_object_end(object));
	xa_for_each(&backing->swap, index, entry) {
		if (!*budget)
			break;
		if (vm_memq_find(backing->memq, index))
			continue;
		if (!vm_memq_find(object->memq, index) &&
		    vm_swap_wants(object, index))
			vm_swap_move(backing, object, index);
		else
			vm_swap_free_range(backing, index, index + 1);
		--*budget;
		cond_resched();
	}
}

void vm_swap_merge(struct vm_object *object, struct vm_object *backing)
{
	unsigned long index;
	void *entry;

	lockdep_assert_held_write(&object->family->lock);

	if (object->type == VM_OBJECT_SWAP)
		vm_swap_free_stale(object);
	if (backing->type != VM_OBJECT_SWAP)
		return;
	vm_memq_widen(object->memq, object->pg_base, vm_object_end(object));
	xa_for_each(&backing->swap, index, entry) {
		if (vm_swap_wants(object, index))
			vm_swap_move(backing, object, index);
		cond_resched();
	}
	/* The rest goes with the object. */
}

/* ---- drain ---- */

/* A page that is in a store that is being removed, and maybe in memory, too. */
struct vm_swap_drain {
	struct vm_object *object;
	u64 object_id;
	pgoff_t index;
};

static bool vm_swap_find_draining(struct vm_swap_drain *d,
				  struct vm_object *object)
{
	unsigned long index;
	void *entry;

	xa_for_each_start(&object->swap, index, entry, d->index) {
		if (!vm_swblk_draining(xa_to_value(entry)))
			continue;
		d->object = object;
		d->object_id = object->id;
		d->index = index;
		return true;
	}
	d->index = 0;
	return false;
}

/* The next one in a family, kept by vm_object_pip_add(). */
static bool vm_swap_next_draining(struct vm_swap_drain *d,
				  struct vm_family *family)
{
	struct vm_object *object;
	bool found = false;

	vm_family_read_lock(family);
	list_for_each_entry(object, &family->objects, family_link) {
		if (object->id < d->object_id)
			continue;
		if (object->id > d->object_id)
			d->index = 0;
		found = object->type == VM_OBJECT_SWAP &&
			vm_swap_find_draining(d, object);
		if (found) {
			vm_object_pip_add(object);
			break;
		}
	}
	vm_family_read_unlock(family);
	return found;
}

/* In memory, it needs no block, if only it is dirty. */
static void vm_swap_drain_resident(struct vm_swap_drain *d)
{
	struct vm_object *object = d->object;
	struct vm_page *pg;

	vm_family_write_lock(object->family);
	pg = vm_memq_find(object->memq, d->index);
	if (pg && vm_page_valid(pg)) {
		folio_lock(pg->folio);
		folio_set_dirty(pg->folio);
		vm_swap_unswapped(object, pg->folio);
		folio_unlock(pg->folio);
	}
	vm_family_write_unlock(object->family);
}

static int vm_swap_drain_family(struct vm_family *family)
{
	struct vm_swap_drain d = { .object = NULL };
	int err = 0;

	while (!err && vm_swap_next_draining(&d, family)) {
		err = vm_pager_getpage(d.object, d.index);
		if (!err)
			vm_swap_drain_resident(&d);
		vm_object_pip_wakeup(d.object);
		if (!err && signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return err;
}

int vm_swap_drain(void)
{
	struct vm_family *family = NULL;
	int err;

	while ((family = vm_family_next(family))) {
		err = vm_swap_drain_family(family);
		if (err) {
			vm_family_put(family);
			return err;
		}
	}
	return 0;
}
