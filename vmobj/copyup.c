// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copying up: how chains are kept short while everybody in them lives.
 *
 *	T -> ... -> X -> Y -> Z		Y has other users, and X shows pages of Y
 *	T -> ... -> X ------> Z		X has copies of those pages
 *
 * A program that forks, writes a little, and forks again, with children that live,
 * makes a chain one longer each time: nothing in it can be merged, and nothing is
 * hidden.  DragonFly gave up chains in 2019 because of that.  Here, in a chain with
 * more than max_chain_depth objects behind its top, the pages of one object are
 * copied into the one above it.  Then the test for bypass finds nothing that shows,
 * and lets X skip Y.
 *
 * What that costs is the pages of the smallest object in the chain: no more than
 * what was dirtied between two forks on average, whatever is resident.
 *
 * A copy changes nothing that anybody sees, so it can be made at any time, and the
 * next one some other time: a worker does it in pieces, with the family lock let go
 * in between.  Only who makes a chain twice as deep does it then and there.
 *
 * Y's page may get a new owner one day (Y is merged into another shadow), who writes
 * to it.  So before there is a copy, whoever looks at the page through X must lose it
 * (compare CVE-2021-29626, see fault.c), and must not use it in another way: a page
 * that get_user_pages() has given to somebody is not copied.
 *
 * What is in swap has to be read first, and that cannot be done with the lock held.  So the
 * worker does it, a page or a cluster at a time, and only if nothing else makes the chain
 * shorter.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include <vmobj/compat.h>
#include <vmobj/object.h>
#include <vmobj/pageout.h>
#include <vmobj/pager.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/swapstore.h>

#define MIN_CHAIN_DEPTH		2
#define MAX_CHAIN_DEPTH		65536

unsigned int vm_max_chain_depth = 32;
EXPORT_SYMBOL_IF_KUNIT(vm_max_chain_depth);

/* ---- depth ---- */

bool vm_object_deeper(const struct vm_object *object, unsigned long depth)
{
	for (; object->backing_object; object = object->backing_object)
		if (!depth--)
			return true;
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_deeper);

/* Chains that exist are too deep, too, if the bound is lowered. */
static void vm_family_limit_depth(struct vm_family *family)
{
	struct vm_object *object;

	vm_family_write_lock(family);
	list_for_each_entry(object, &family->objects, family_link)
		vm_object_limit_depth(object);
	vm_family_write_unlock(family);
}

static int depth_set(const char *text, const struct kernel_param *param)
{
	struct vm_family *family = NULL;
	int err;

	err = param_set_uint_minmax(text, param, MIN_CHAIN_DEPTH,
				    MAX_CHAIN_DEPTH);
	if (err)
		return err;
	while ((family = vm_family_next(family)))
		vm_family_limit_depth(family);
	return 0;
}

static const struct kernel_param_ops depth_ops = {
	.set = depth_set,
	.get = param_get_uint,
};

module_param_cb(max_chain_depth, &depth_ops, &vm_max_chain_depth, 0644);
MODULE_PARM_DESC(max_chain_depth,
		 "objects behind one before pages are copied up: 2 to 65536, default 32");

void vm_object_limit_depth(struct vm_object *object)
{
	if (vm_object_deeper(object, READ_ONCE(vm_max_chain_depth)))
		vm_object_put_off(object);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_limit_depth);

/* ---- copies ---- */

/* The copy is dirty at once: nothing else holds its data. */
static bool vm_page_copy_up(struct vm_object *object, struct vm_page *pg,
			    pgoff_t index)
{
	struct vm_page *copy = vm_page_alloc_copy(pg, index);

	if (!copy)
		return false;
	copy_highpage(&copy->folio->page,
		      folio_page(pg->folio, index - pg->index));
	__folio_mark_uptodate(copy->folio);
	folio_set_dirty(copy->folio);
	WARN_ON_ONCE(vm_page_insert(object->memq, copy));
	folio_unlock(copy->folio);
	vmobj_stat_inc(VMOBJ_COPY_UPS);
	return true;
}

bool vm_object_copy_up_page(struct vm_object *object, struct vm_page *pg,
			    unsigned long *budget)
{
	pgoff_t index = max(pg->index, object->pg_base);
	pgoff_t end = min(vm_page_end(pg), vm_object_end(object));
	struct vm_page *upper;

	lockdep_assert_held_write(&object->family->lock);

	/* Nobody can map it anew, or give it to anybody, while we have the lock. */
	if (!vm_page_make_exclusive(pg) || !vm_page_valid(pg))
		return false;
	for (; index < end; index++) {
		upper = vm_memq_find(object->memq, index);
		if (upper) {
			index = vm_page_end(upper) - 1;
			continue;
		}
		if (vm_swap_lookup(object, index))
			continue;
		if (!vm_page_copy_up(object, pg, index))
			return false;
		*budget -= !!*budget;
	}
	return !vm_object_shows(object, pg);
}

/* ---- which object to do without ---- */

/*
 * What it may cost to let an object skip its backing object: 0 if that makes no
 * sense.  With no other user it is going to be merged.
 */
static unsigned long vm_object_copy_up_cost(const struct vm_object *object)
{
	const struct vm_object *backing = object->backing_object;

	if (!backing || backing->ref_count == 1 ||
	    !vm_object_internal(object) || !vm_object_internal(backing) ||
	    atomic_read(&object->paging_in_progress) ||
	    atomic_read(&backing->paging_in_progress))
		return 0;
	return 1 + min(backing->memq->resident, object->size);
}

/* The smallest cost above one, 0 if there is none. */
static unsigned long vm_chain_next_cost(const struct vm_object *top,
					unsigned long above)
{
	const struct vm_object *object = top;
	unsigned long cost, found = 0;

	while ((object = object->backing_object)) {
		cost = vm_object_copy_up_cost(object);
		if (cost > above && (!found || cost < found))
			found = cost;
	}
	return found;
}

/* Returns whether anything has been done. */
static bool vm_object_copy_up_all(struct vm_object *object,
				  unsigned long *budget)
{
	struct vm_object *backing = object->backing_object;
	unsigned long before = *budget;
	struct vm_page *pg;

	/* From where the last piece, or the last test for bypass, has ended. */
	pg = vm_page_first(backing->memq,
			   max(object->bypass_hint, object->pg_base));
	for (; pg && pg->index < vm_object_end(object); pg = vm_page_next(pg)) {
		object->bypass_hint = pg->index;
		if (!*budget)
			return true;
		if (vm_object_shows(object, pg))
			vm_object_copy_up_page(object, pg, budget);
		cond_resched();
	}
	/* What could not be copied is tried again the next time. */
	object->bypass_hint = 0;
	vm_object_collapse(object);
	return *budget < before || object->backing_object != backing;
}

bool vm_object_copy_up(struct vm_object *top, unsigned long *budget)
{
	unsigned long cost = 0;
	struct vm_object *object;

	lockdep_assert_held_write(&top->family->lock);

	/*
	 * A page that somebody uses may keep the cheapest object where it is; then
	 * the next one.  The top is left out: it is about to be written to, and a
	 * copy that is written over was for nothing.
	 */
	while ((cost = vm_chain_next_cost(top, cost)))
		for (object = top->backing_object; object;
		     object = object->backing_object)
			if (vm_object_copy_up_cost(object) == cost &&
			    vm_object_copy_up_all(object, budget))
				return true;
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_copy_up);

/* ---- what is in swap ---- */

/**
 * struct vm_swapped_up - a page in swap that is to be copied up
 * @object: who is to get the copy, or NULL if there is no such page
 * @backing: where it is
 * @index: which one
 * @cost: pages that have to be read and copied, about, until the two are apart
 */
struct vm_swapped_up {
	struct vm_object *object;
	struct vm_object *backing;
	pgoff_t index;
	unsigned long cost;
};

/* The first page that shows through an object and is in swap alone; or ULONG_MAX. */
static pgoff_t vm_object_next_swapped(struct vm_object *object)
{
	pgoff_t index = object->pg_base;

	while ((index = vm_swap_next_absent(object->backing_object, index)) <
	       vm_object_end(object)) {
		if (vm_object_empty(object, index, index + 1))
			return index;
		index++;
		cond_resched();
	}
	return ULONG_MAX;
}

/* The cheapest in a chain. */
static void vm_chain_find_swapped(struct vm_swapped_up *up, struct vm_object *top)
{
	struct vm_object *object = top;
	unsigned long cost;
	pgoff_t index;

	while ((object = object->backing_object)) {
		cost = vm_object_copy_up_cost(object);
		if (!cost || !vm_swap_nr(object->backing_object))
			continue;
		cost += vm_swap_nr(object->backing_object);
		if (up->object && cost >= up->cost)
			continue;
		index = vm_object_next_swapped(object);
		if (index == ULONG_MAX)
			continue;
		up->object = object;
		up->backing = object->backing_object;
		up->index = index;
		up->cost = cost;
	}
}

/* In a chain that is still too deep.  What is found is kept, as if it were paged. */
static bool vm_family_find_swapped(struct vm_family *family,
				   struct vm_swapped_up *up)
{
	unsigned long depth = READ_ONCE(vm_max_chain_depth);
	u64 since = ktime_get_ns();
	struct vm_object *object;

	lockdep_assert_held_write(&family->lock);
	list_for_each_entry(object, &family->objects, family_link) {
		if (!vm_object_test(object, VM_OBJ_COLLAPSE_PENDING) ||
		    !vm_object_deeper(object, depth))
			continue;
		vm_chain_find_swapped(up, object);
		if (up->object)
			break;
	}
	vmobj_stat_held(since);
	if (!up->object)
		return false;
	vm_object_pip_add(up->object);
	vm_object_pip_add(up->backing);
	return true;
}

/* It is here now, but all may be different. */
static bool vm_object_copy_up_swapped(struct vm_swapped_up *up)
{
	unsigned long budget = VM_CLUSTER;
	struct vm_page *pg;

	if (vm_object_test(up->object, VM_OBJ_DEAD) ||
	    up->object->backing_object != up->backing)
		return true;
	pg = vm_memq_find(up->backing->memq, up->index);
	if (!pg)
		return false;
	return !vm_object_shows(up->object, pg) ||
	       vm_object_copy_up_page(up->object, pg, &budget);
}

bool vm_family_copy_up_swapped(struct vm_family *family)
{
	struct vm_swapped_up up = { .object = NULL };
	bool done;

	if (!vm_swblk_used() || !vm_pageout_has_room(2 * VM_CLUSTER))
		return false;
	vm_family_write_lock(family);
	done = vm_family_find_swapped(family, &up);
	vm_family_write_unlock(family);
	if (!done)
		return false;

	done = !vm_pager_getpage(up.backing, up.index);
	vm_family_write_lock(family);
	/* Without success it would be driven out, and read again, for ever. */
	done = done && vm_object_copy_up_swapped(&up);
	vm_object_pip_wakeup(up.backing);
	vm_object_pip_wakeup(up.object);
	vm_family_write_unlock(family);
	return done;
}
