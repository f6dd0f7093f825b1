// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shortening chains: the backing scan, merge, bypass.
 *
 *	merge:	T -> B -> Z,  only T uses B:	T takes B's pages, T -> Z
 *	bypass:	T -> B -> Z,  others use B too,
 *		but T has its own copy of all
 *		it could see of B:		T -> Z
 *
 * BSD's merge moved B's pages into T one by one: a process that forks, writes
 * a little and waits for its child would pay for all it has.  Pages hang in a
 * memq apart from the object (page.h), so here T and B exchange memqs first if
 * T has fewer pages, and the cost is the smaller number of the two.
 *
 * That may still be much, and whoever faults has to wait.  So a merge that would
 * take long is left to a worker.  It moves pages from B up into T, a piece at a time
 * and with the family lock let go in between: one page that moves up changes nothing
 * that anybody sees, so the next one may do so whenever it likes.  When no more
 * than a piece is left the two are merged as above.
 *
 * What became of qcollapse: BSD called vm_object_qcollapse() when paging was
 * in progress in T or B: it moved what was idle and left the layer there until
 * something else happened to collapse it (FreeBSD waits instead).  Here idle
 * pages move in the same way (VM_SCAN_COLLAPSE_NOWAIT), and the object is
 * marked COLLAPSE_PENDING: the end of paging queues the rest of the collapse.
 * Nothing has to wait inside fork or exit, and no layer is left behind.
 * Qcollapse raised B's ref_count by two to keep deallocate out of its special
 * cases meanwhile; under the family lock nobody else is there.
 *
 * A page may be in swap alone, in T or in B.  T's hides B's page all the same; B's moves
 * up as a number, and nothing is read (swap.c).  Only where T's page in swap hides a
 * part of a large page of B's do the two objects stay two, until B's last one goes to swap.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/object.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/writeset.h>

/* At least in part: a large page may reach out of the window. */
static bool vm_object_in_window(const struct vm_object *object,
				const struct vm_page *pg)
{
	return vm_page_end(pg) > object->pg_base &&
	       pg->index < vm_object_end(object);
}

bool vm_object_shows(struct vm_object *object, const struct vm_page *pg)
{
	pgoff_t index = max(pg->index, object->pg_base);
	pgoff_t end = min(vm_page_end(pg), vm_object_end(object));
	struct vm_page *upper;

	while (index < end) {
		upper = vm_memq_find(object->memq, index);
		if (upper && vm_page_valid(upper))
			index = vm_page_end(upper);
		else if (vm_swap_lookup(object, index))
			index++;
		else
			return true;
	}
	return false;
}

/*
 * A page without valid data is a place holder for somebody's I/O: it does not
 * shadow anything until that is done.  Wait, and take it away if the I/O
 * failed.  (BSD took the place holder for a page and lost the only copy.)
 *
 * Return: true if there is a valid page in the end.
 */
static bool vm_page_settle(struct vm_page *pg, struct vm_page_batch *batch)
{
	bool valid;

	if (likely(vm_page_valid(pg)))
		return true;
	folio_lock(pg->folio);
	valid = vm_page_valid(pg);
	folio_unlock(pg->folio);
	if (valid)
		return true;
	vm_page_remove(pg);
	vm_page_batch_add(batch, pg);
	return false;
}

/* ---- merge ---- */

/* Make the tree with more pages the one of @object.  Returns the other. */
static struct vm_memq *vm_object_bigger_memq(struct vm_object *object,
					     struct vm_object *backing)
{
	if (backing->memq->resident <= object->memq->resident)
		return backing->memq;
	/* A generation never goes back. */
	object->generation = vm_object_generation(object) + 1;
	backing->generation = vm_object_generation(backing) + 1;
	swap(object->memq, backing->memq);
	object->memq->object = object;
	backing->memq->object = backing;
	if (object->type == VM_OBJECT_SWAP)
		vm_memq_widen(object->memq, object->pg_base,
			      vm_object_end(object));
	return backing->memq;
}

/* Free the pages of a tree outside the window of its new owner. */
static void vm_object_trim(struct vm_object *object, struct vm_page_batch *batch)
{
	struct vm_page *pg, *next;

	for (pg = vm_page_first(object->memq, 0);
	     pg && !vm_object_in_window(object, pg); pg = next) {
		next = vm_page_next(pg);
		vm_page_remove(pg);
		vm_page_batch_add(batch, pg);
	}
	for (pg = vm_page_first(object->memq, vm_object_end(object)); pg;
	     pg = next) {
		next = vm_page_next(pg);
		if (vm_object_in_window(object, pg))
			continue;
		vm_page_remove(pg);
		vm_page_batch_add(batch, pg);
	}
}

/* ---- large pages with small ones above them ---- */

/*
 * The small pages are copied into the large one (D8): the copies cost what was
 * dirtied, and the page can be mapped as a whole again.  Nobody may see or use
 * either page meanwhile: vm_object_may_merge() has seen to that.
 */
static void vm_page_absorb(struct vm_page *large, struct vm_page *small,
			   struct vm_page_batch *batch)
{
	vm_page_copy_into(large, small);
	folio_set_dirty(large->folio);
	vm_page_remove(small);
	vm_page_batch_add(batch, small);
	vmobj_stat_inc(VMOBJ_ABSORBS);
}

/* Can @small, which hides a part of @large, be copied into it? */
static bool vm_page_may_absorb(struct vm_page *large, struct vm_page *small)
{
	return vm_page_valid(large) && vm_page_valid(small) &&
	       vm_page_make_exclusive(large) && vm_page_make_exclusive(small);
}

/* All small pages above that hide parts of a large one; the copies cost @budget. */
static bool vm_object_may_absorb(struct vm_object *object,
				 struct vm_page *large, unsigned long *budget)
{
	struct vm_page *pg;

	/* What is in swap would have to be read. */
	if (vm_swap_next_absent(object, large->index) < vm_page_end(large))
		return false;
	for (pg = vm_page_first(object->memq, large->index);
	     pg && pg->index < vm_page_end(large); pg = vm_page_next(pg)) {
		if (pg->order >= large->order)
			break;
		if (!vm_page_may_absorb(large, pg))
			return false;
		*budget -= min(*budget, vm_page_nr(pg));
	}
	return true;
}

/* Does the large page show by less than half? */
static bool vm_object_hides_most(struct vm_object *object, struct vm_page *large)
{
	pgoff_t end = min(vm_page_end(large), vm_object_end(object));
	pgoff_t index = max(large->index, object->pg_base);
	unsigned long visible = index < end ? end - index : 0;
	struct vm_page *pg;

	for (pg = vm_page_first(object->memq, index); pg && pg->index < end;
	     pg = vm_page_next(pg))
		visible -= min(end, vm_page_end(pg)) - max(index, pg->index);
	return 2 * visible < vm_page_nr(large);
}

/*
 * If smaller pages above hide most of a large page of the backing object, what still
 * shows is copied up, and the large one goes.  What is copied is taken off @budget.
 *
 * Returns whether it has gone.
 */
static bool vm_object_demote(struct vm_object *object, struct vm_page *large,
			     unsigned long *budget, struct vm_page_batch *batch)
{
	struct vm_page *upper = vm_page_any(object->memq, large->index,
					    vm_page_end(large));

	if (!upper || upper->order >= large->order ||
	    !vm_object_hides_most(object, large))
		return false;
	if (vm_object_shows(object, large) &&
	    !vm_object_copy_up_page(object, large, budget))
		return false;
	vm_page_remove(large);
	vm_page_batch_add(batch, large);
	vmobj_stat_inc(VMOBJ_DEMOTES);
	return true;
}

/*
 * The next large page of the backing object, from an index on, that something smaller
 * may hide in part.  Looks through the tree with fewer pages.
 */
static struct vm_page *vm_object_next_large(struct vm_object *object,
					    pgoff_t index)
{
	struct vm_object *backing = object->backing_object;
	struct vm_page *pg, *large;

	if (object->memq->resident > backing->memq->resident) {
		pg = vm_page_first(backing->memq, index);
		for (; pg && !pg->order; pg = vm_page_next(pg))
			cond_resched();
		return pg;
	}
	pg = vm_page_first(object->memq, index);
	for (; pg; pg = vm_page_next(pg)) {
		large = vm_memq_find(backing->memq, pg->index);
		if (large && large->order > pg->order)
			return large;
		cond_resched();
	}
	return NULL;
}

/* Does a page that is in swap alone hide a part of a large page of the backing object? */
static bool vm_object_swap_hides_large(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	struct vm_page *pg;
	pgoff_t index = 0;

	for (; (index = vm_swap_next_absent(object, index)) != ULONG_MAX;
	     index++) {
		pg = vm_memq_find(backing->memq, index);
		if (pg && pg->order)
			return true;
		cond_resched();
	}
	return false;
}

/*
 * Where large pages can neither be absorbed into nor be done without, the two objects
 * stay two.  This is asked before anything is moved, and remains true while the
 * family lock is held.
 */
static bool vm_object_may_merge(struct vm_object *object)
{
	struct vm_page_batch batch = { .nr = 0 };
	unsigned long budget = 0;
	struct vm_page *large;
	pgoff_t index = 0;

	if (!object->backing_object->memq->large)
		return true;
	if (vm_object_swap_hides_large(object))
		return false;
	while ((large = vm_object_next_large(object, index))) {
		index = vm_page_end(large);
		if (!vm_object_demote(object, large, &budget, &batch) &&
		    !vm_object_may_absorb(object, large, &budget))
			break;
	}
	vm_page_batch_flush(&batch);
	return !large;
}

/*
 * How much work is a merge?  Pages to move, or to free; and to copy, where small
 * ones meet large ones.
 */
static unsigned long vm_object_merge_cost(const struct vm_object *object)
{
	const struct vm_object *backing = object->backing_object;
	const struct vm_memq *upper = object->memq, *lower = backing->memq;
	const struct vm_memq *fewer;
	unsigned long cost;

	fewer = lower->resident <= upper->resident ? lower : upper;
	cost = fewer->nr + vm_swap_nr(backing);
	if (lower->large)
		cost += fewer->resident;
	/* What is outside the window is freed, whichever is moved. */
	if (object->pg_base > backing->pg_base ||
	    vm_object_end(object) < vm_object_end(backing))
		cost += lower->nr;
	return cost;
}

/* ---- merge, page by page ---- */

/* @pg comes from above: what it hides in @object's tree goes. */
static void vm_object_merge_upper(struct vm_object *object, struct vm_page *pg,
				  struct vm_page_batch *batch)
{
	struct vm_page *there;

	if (!vm_page_settle(pg, batch))
		return;
	there = vm_memq_find(object->memq, pg->index);
	if (there && there->order > pg->order) {
		vm_page_absorb(there, pg, batch);
		return;
	}
	if (there && there->order == pg->order) {
		vm_page_remove(pg);
		vm_page_replace(there, pg);
		vm_page_batch_add(batch, there);
		return;
	}
	while ((there = vm_page_any(object->memq, pg->index, vm_page_end(pg)))) {
		vm_page_remove(there);
		vm_page_batch_add(batch, there);
	}
	WARN_ON_ONCE(vm_page_rename(pg, object->memq));
}

/* @pg comes from below: it goes where nothing in @object's tree hides it. */
static void vm_object_merge_lower(struct vm_object *object, struct vm_page *pg,
				  struct vm_page_batch *batch)
{
	struct vm_page *there;

	there = vm_memq_find(object->memq, pg->index);
	if (!there && vm_swap_lookup(object, pg->index)) {
		vm_page_remove(pg);
		vm_page_batch_add(batch, pg);
		return;
	}
	if (there && there->order >= pg->order) {
		if (vm_page_settle(there, batch)) {
			vm_page_remove(pg);
			vm_page_batch_add(batch, pg);
			return;
		}
	}
	if (!vm_page_settle(pg, batch))
		return;
	while ((there = vm_page_any(object->memq, pg->index, vm_page_end(pg))))
		vm_page_absorb(pg, there, batch);
	WARN_ON_ONCE(vm_page_rename(pg, object->memq));
}

/* Move one page into @object's tree; @upper: it hides what is there already. */
static void vm_object_merge_page(struct vm_object *object, struct vm_page *pg,
				 bool upper, struct vm_page_batch *batch)
{
	if (!vm_object_in_window(object, pg)) {
		vm_page_remove(pg);
		vm_page_batch_add(batch, pg);
	} else if (upper) {
		vm_object_merge_upper(object, pg, batch);
	} else {
		vm_object_merge_lower(object, pg, batch);
	}
}

/* Pages of the backing object that pages in swap hide go. */
static void vm_object_drop_swapped_over(struct vm_object *object,
					struct vm_page_batch *batch)
{
	struct vm_memq *lower = object->backing_object->memq;
	struct vm_page *pg;
	pgoff_t index = 0;

	for (; (index = vm_swap_next_absent(object, index)) != ULONG_MAX;
	     index++) {
		pg = vm_memq_find(lower, index);
		if (!pg)
			continue;
		vm_page_remove(pg);
		vm_page_batch_add(batch, pg);
	}
}

/* VM_SCAN_COLLAPSE_WAIT: all pages of the backing object. */
static void vm_object_scan_wait(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	struct vm_memq *upper = object->memq, *from;
	struct vm_page_batch batch = { .nr = 0 };
	struct vm_page *pg, *next;

	vm_object_drop_swapped_over(object, &batch);
	from = vm_object_bigger_memq(object, backing);

	for (pg = vm_page_first(from, 0); pg; pg = next) {
		next = vm_page_next(pg);
		vm_object_merge_page(object, pg, from == upper, &batch);
		cond_resched();
	}
	if (from == upper)
		vm_object_trim(object, &batch);
	vm_swap_merge(object, backing);
	/* Waits for pages that a fault is about to map, and unmaps them. */
	vm_page_batch_flush(&batch);
}

/* Would a page of the backing object have to be waited for, or its shadow? */
static bool vm_object_scan_waits(struct vm_object *object, struct vm_page *pg)
{
	struct vm_page *upper;

	if (vm_page_busy(pg) || !vm_page_valid(pg) || pg->wire_count ||
	    (pg->order && vm_swap_next_absent(object, pg->index) <
			  vm_page_end(pg)))
		return true;
	for (upper = vm_page_first(object->memq, pg->index);
	     upper && upper->index < vm_page_end(pg);
	     upper = vm_page_next(upper))
		if (vm_page_busy(upper) || !vm_page_valid(upper))
			return true;
	return false;
}

/* VM_SCAN_COLLAPSE_NOWAIT: pages nobody is working on, up to a number. */
static void vm_object_scan_nowait(struct vm_object *object,
				  unsigned long *budget)
{
	struct vm_object *backing = object->backing_object;
	struct vm_page_batch batch = { .nr = 0 };
	struct vm_page *pg, *next;

	for (pg = vm_page_first(backing->memq, 0); pg && *budget; pg = next) {
		next = vm_page_next(pg);
		cond_resched();
		if (vm_object_scan_waits(object, pg))
			continue;
		if (!vm_object_demote(object, pg, budget, &batch)) {
			if (!vm_object_may_absorb(object, pg, budget))
				continue;
			vm_swap_free_range(backing, pg->index, vm_page_end(pg));
			vm_object_merge_page(object, pg, false, &batch);
		}
		*budget -= !!*budget;
	}
	vm_page_batch_flush(&batch);
	vm_swap_move_up(object, budget);
}

/* ---- the test for bypass ---- */

/* Is all that the backing object has in swap hidden, in memory or in swap? */
static bool vm_object_swap_shadowed(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	pgoff_t index = object->pg_base;

	for (; (index = vm_swap_next(backing, index)) < vm_object_end(object);
	     index++) {
		struct vm_page *pg = vm_memq_find(object->memq, index);

		if ((!pg || !vm_page_valid(pg)) &&
		    !vm_swap_lookup(object, index))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * VM_SCAN_ALL_SHADOWED.  A failing test is the common one, at each fork of a
 * process with live children, and is made cheap: by counting, and by looking
 * first at the page that failed the last time.
 */
static bool vm_object_all_shadowed(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	pgoff_t end = vm_object_end(object);
	struct vm_page *pg;

	/* Only of small pages all are sure to be in the window. */
	if (!backing->memq->large && !vm_swap_nr(object) &&
	    object->pg_base <= backing->pg_base &&
	    end >= vm_object_end(backing) &&
	    backing->memq->resident > object->memq->resident)
		return false;

	pg = vm_memq_find(backing->memq, object->bypass_hint);
	if (pg && vm_object_in_window(object, pg) &&
	    vm_object_shows(object, pg))
		return false;

	for (pg = vm_page_first(backing->memq, object->pg_base);
	     pg && pg->index < end; pg = vm_page_next(pg)) {
		cond_resched();
		/* An earlier fault may still be copying out of a busy page. */
		if (!vm_page_busy(pg) && !vm_object_shows(object, pg))
			continue;
		object->bypass_hint = pg->index;
		return false;
	}
	return vm_object_swap_shadowed(object);
}

bool vm_object_backing_scan(struct vm_object *object, enum vm_scan_op op)
{
	unsigned long all = ULONG_MAX;

	lockdep_assert_held_write(&object->family->lock);

	switch (op) {
	case VM_SCAN_ALL_SHADOWED:
		return vm_object_all_shadowed(object);
	case VM_SCAN_COLLAPSE_NOWAIT:
		vm_object_scan_nowait(object, &all);
		return true;
	case VM_SCAN_COLLAPSE_WAIT:
		vm_object_scan_wait(object);
		return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_backing_scan);

/* ---- collapse ---- */

/* Take the only user's place.  The reference to what is behind passes on. */
static void vm_object_merge(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object, *behind;

	vm_object_backing_scan(object, VM_SCAN_COLLAPSE_WAIT);

	vm_object_unlink_shadow(object);
	behind = backing->backing_object;
	if (behind) {
		vm_object_unlink_shadow(backing);
		vm_object_link_shadow(object, behind);
	}
	/*
	 * Every write right in the backing object was taken when it got its
	 * shadow, so there is nothing to take over from its write set.
	 */
	backing->ref_count = 0;
	vm_object_bury(backing);
	vmobj_stat_inc(VMOBJ_OBJECTS_COLLAPSED);
	vmobj_stat_inc(VMOBJ_COLLAPSES);
}

/*
 * The backing object has other users and survives.  If only one shadow is left
 * of them it can be merged into that, but not from here: on a long chain that
 * would be a recursion (it overflowed DragonFly's stack once).
 */
static void vm_object_bypass(struct vm_object *object)
{
	struct vm_object *backing = vm_object_unlink_shadow(object);
	struct vm_object *behind = backing->backing_object;

	if (behind) {
		vm_object_reference(behind);
		vm_object_link_shadow(object, behind);
	}
	backing->ref_count--;
	if (backing->ref_count == 1 && backing->shadow_count == 1)
		list_move_tail(&backing->deferred_link,
			       &backing->family->deferred);
	else
		vm_object_update_onemapping(backing);
	vmobj_stat_inc(VMOBJ_BYPASSES);
}

/*
 * Does paging keep us from collapsing the two?  If so its end will queue the
 * collapse: it looks for the mark after it has lowered the count, and we look at
 * the count again after we have made the mark.
 */
static bool vm_object_paging(struct vm_object *object, struct vm_object *backing)
{
	if (!atomic_read(&object->paging_in_progress) &&
	    !atomic_read(&backing->paging_in_progress))
		return false;
	set_bit(VM_OBJ_COLLAPSE_PENDING, &object->flags);
	WRITE_ONCE(object->family->collapse_pending, true);
	smp_mb(); /* pairs with atomic_dec_and_test() in vm_object_pip_wakeup() */
	return atomic_read(&object->paging_in_progress) ||
	       atomic_read(&backing->paging_in_progress);
}

/* One object less in the chain, if that is possible. */
static bool vm_object_collapse_one(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;

	if (!vm_object_internal(object) || !vm_object_internal(backing))
		return false;
	if (vm_object_paging(object, backing)) {
		if (backing->ref_count == 1)
			vm_object_backing_scan(object, VM_SCAN_COLLAPSE_NOWAIT);
		return false;
	}
	if (backing->ref_count > 1) {
		if (!vm_object_backing_scan(object, VM_SCAN_ALL_SHADOWED))
			return false;
		vm_object_bypass(object);
		return true;
	}
	if (vm_object_merge_cost(object) > VM_MERGE_AT_ONCE) {
		vm_object_put_off(object);
		return false;
	}
	if (!vm_object_may_merge(object))
		return false;
	vm_object_merge(object);
	return true;
}

void vm_object_collapse(struct vm_object *object)
{
	u64 since;

	if (!object || !object->backing_object)
		return;
	lockdep_assert_held_write(&object->family->lock);

	since = ktime_get_ns();
	while (object->backing_object && vm_object_collapse_one(object))
		;
	vmobj_stat_held(since);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_collapse);

void vm_object_collapse_survivor(struct vm_object *object)
{
	struct vm_object *shadow;

	shadow = list_first_entry(&object->shadow_head, struct vm_object,
				  shadow_link);
	vm_object_collapse(shadow);
	vm_object_update_onemapping(shadow);
}

void vm_object_collapse_deferred(struct vm_family *family)
{
	struct vm_object *object;

	lockdep_assert_held_write(&family->lock);

	while (!list_empty(&family->deferred)) {
		object = list_first_entry(&family->deferred, struct vm_object,
					  deferred_link);
		list_del_init(&object->deferred_link);
		if (object->ref_count == 1 && object->shadow_count == 1)
			vm_object_collapse_survivor(object);
	}
}

/* ---- what was put off ---- */

void vm_object_put_off(struct vm_object *object)
{
	lockdep_assert_held_write(&object->family->lock);

	set_bit(VM_OBJ_COLLAPSE_PENDING, &object->flags);
	vm_family_queue_collapse(object->family);
}

void vm_object_large_gone(struct vm_object *object)
{
	lockdep_assert_held_write(&object->family->lock);

	if (object->ref_count == 1 && object->shadow_count == 1 &&
	    !object->memq->large)
		vm_object_put_off(list_first_entry(&object->shadow_head,
						   struct vm_object,
						   shadow_link));
}

/* Is it about to be merged with its backing object, and that is more than a piece? */
static bool vm_object_merge_is_big(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;

	return backing && backing->ref_count == 1 &&
	       vm_object_internal(object) && vm_object_internal(backing) &&
	       !vm_object_paging(object, backing) &&
	       vm_object_merge_cost(object) > VM_PIECE;
}

/* Returns false if something is left to do. */
static bool vm_object_collapse_piece(struct vm_object *object,
				     unsigned long *budget)
{
	unsigned long depth = READ_ONCE(vm_max_chain_depth);
	bool big = vm_object_merge_is_big(object);

	if (big) {
		vm_object_scan_nowait(object, budget);
		big = vm_object_merge_is_big(object);
	}
	if (!big)
		vm_object_collapse(object);
	/* What keeps the two apart need not keep the chain long. */
	while (vm_object_deeper(object, depth)) {
		if (!*budget || !vm_object_copy_up(object, budget))
			return false;
		cond_resched();
	}
	return !big;
}

bool vm_object_collapse_pending(struct vm_family *family)
{
	unsigned long budget = VM_PIECE;
	u64 since = ktime_get_ns();
	struct vm_object *object;

	lockdep_assert_held_write(&family->lock);

	/* None of this takes the object itself off the list. */
	list_for_each_entry(object, &family->objects, family_link) {
		if (!test_and_clear_bit(VM_OBJ_COLLAPSE_PENDING, &object->flags))
			continue;
		if (!vm_object_collapse_piece(object, &budget))
			set_bit(VM_OBJ_COLLAPSE_PENDING, &object->flags);
		if (!budget)
			break;
	}
	vmobj_stat_held(since);
	return !budget;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_collapse_pending);
