// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: shadow, merge, bypass, and what is left of them.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/workqueue.h>

#include "world.h"

/* Fails if an object nobody else uses is shadowed all the same. */
static void u6_shadow_of_sole_owner_is_itself(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	world_lock(w);
	a = world_bare(w, 0, 8);
	b = a;
	KUNIT_EXPECT_EQ(test, 0, vm_object_shadow(w->family, &b, at(0), 8,
						  GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, a, b);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if a shadow is not the size, or not at the offset, of its entry. */
static void u7_shadow_of_shared_object(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	world_lock(w);
	a = world_bare(w, 0, 10);
	vm_object_reference(a);
	b = a;
	KUNIT_EXPECT_EQ(test, 0, vm_object_shadow(w->family, &b, at(3), 5,
						  GFP_KERNEL));
	EXPECT_OBJECT(w, b, 1, 0, 0, true);
	EXPECT_OBJECT(w, a, 2, 1, 0, false);
	KUNIT_EXPECT_EQ(test, b->size, 5UL);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	KUNIT_EXPECT_EQ(test, vm_object_backing_offset(b), 3ULL << PAGE_SHIFT);
	vm_object_deallocate(a);	/* merges it into b */
	vm_object_deallocate(b);
	world_unlock(w);
}

/* Fails if there is a backing object where there was no object. */
static void u8_shadow_of_nothing(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b = NULL;

	world_lock(w);
	KUNIT_EXPECT_EQ(test, 0, vm_object_shadow(w->family, &b, at(0), 4,
						  GFP_KERNEL));
	EXPECT_OBJECT(w, b, 1, 0, 0, true);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	vm_object_deallocate(b);
	world_unlock(w);
	EXPECT_COUNT(w, VMOBJ_SHADOWS, 0);
}

/* U11: parent and child, the parent wrote page 0 since. */
static int forked_and_written(struct world *w)
{
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	world_write(w, P, 0, 100);
	return c;
}

/* Fails if the survivor's shadow is not merged with what only it still uses. */
static void u12_merge_when_the_child_exits(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *b = world_object(w, P, 0);

	world_kill(w, c);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	EXPECT_COUNT(w, VMOBJ_PAGE_FREES, 1);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

/* Fails if the parent's exit leaves its shadow, or merges what it need not. */
static void u13_parent_exits_first(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);

	world_kill(w, P);
	EXPECT_OBJECT(w, world_object(w, c, 0), 1, 0, 4, true);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 0);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

/* Fails if a write after the child's exit makes an object or copies a page. */
static void u14_write_after_exit_is_free(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	int c;

	world_written(w, 4);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	world_kill(w, c);
	world_write(w, P, 0, 100);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, P, 0), a);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	KUNIT_EXPECT_FALSE(test, world_entry(w, P, 0)->needs_copy);
	EXPECT_COUNT(w, VMOBJ_OBJECTS_CREATED, 1);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 0);
	EXPECT_COUNT(w, VMOBJ_COW_REUSES, 1);
	world_dump(w);
}

/* Fails if two shadows of one object hinder each other. */
static void u15_both_write(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *a, *b, *d;

	world_write(w, c, 1, 201);
	b = world_object(w, P, 0);
	d = world_object(w, c, 0);
	a = b->backing_object;
	KUNIT_EXPECT_PTR_EQ(test, a, d->backing_object);
	EXPECT_OBJECT(w, a, 2, 2, 4, false);
	EXPECT_OBJECT(w, b, 1, 0, 1, true);
	EXPECT_OBJECT(w, d, 1, 0, 1, true);
	world_dump(w);
	world_kill(w, c);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

static void rewrite(struct world *w, int proc, unsigned long from,
		    unsigned long to, u64 value)
{
	for (; from < to; from++)
		world_write(w, proc, from, value + from);
}

/*
 * A child lives, the parent writes pages 0 to @pages of 4 and forks again.  Returns
 * the parent's object; @below: the child's.
 */
static struct vm_object *rewrite_and_fork(struct world *w, unsigned long pages,
					  struct vm_object **below)
{
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	rewrite(w, P, 0, pages, 100);
	world_fork(w, P);
	*below = world_object(w, c, 0);
	return world_object(w, P, 0);
}

/* Fails if a fully shadowed backing object is kept in the chain. */
static void u16_bypass(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	b = rewrite_and_fork(w, 4, &a);
	EXPECT_OBJECT(w, b, 2, 0, 4, false);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 0);
	world_dump(w);
}

/* Fails if an object is bypassed that still shows through. */
static void u17_no_bypass_while_a_page_shows(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	b = rewrite_and_fork(w, 3, &a);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	EXPECT_OBJECT(w, a, 2, 1, 4, false);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 0);
	/* The hint must not outlive its reason. */
	rewrite(w, P, 3, 4, 100);
	world_dump(w);
}

/* Fails if pages outside the shadow's window count in the test. */
static void u18_bypass_looks_at_the_window_only(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b;

	world_written(w, 8);
	world_fork(w, P);
	world_clip(w, P, 2);
	world_clip(w, P, 4);
	rewrite(w, P, 2, 4, 100);
	b = world_object(w, P, 2);
	KUNIT_EXPECT_EQ(test, b->size, 2UL);
	KUNIT_EXPECT_EQ(test, vm_object_backing_offset(b), 2ULL << PAGE_SHIFT);
	world_lock(w);
	vm_object_collapse(b);
	world_unlock(w);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	world_dump(w);
}

/* Fails if what lies behind a bypassed object is lost or miscounted. */
static void u19_bypass_to_the_object_behind(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *z, *a, *b;
	int c2;

	world_written(w, 4);
	z = world_object(w, P, 0);
	world_fork(w, P);
	world_write(w, P, 0, 100);
	a = world_object(w, P, 0);
	c2 = world_fork(w, P);
	world_write(w, P, 0, 200);
	b = world_object(w, P, 0);
	EXPECT_OBJECT(w, z, 2, 1, 4, false);
	EXPECT_OBJECT(w, a, 2, 1, 1, false);
	world_lock(w);
	vm_object_collapse(b);
	world_unlock(w);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, z);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, c2, 0), a);
	EXPECT_OBJECT(w, z, 3, 2, 4, false);
	EXPECT_OBJECT(w, a, 1, 0, 1, true);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	world_dump(w);
}

/* Fails if a page is bypassed while a fault may be copying out of it. */
static void u21_no_bypass_of_a_busy_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b;
	struct vm_page *pg;

	world_written(w, 4);
	world_fork(w, P);
	rewrite(w, P, 0, 4, 100);
	b = world_object(w, P, 0);
	pg = world_page(b->backing_object, 2);
	folio_lock(pg->folio);
	world_lock(w);
	vm_object_collapse(b);
	world_unlock(w);
	KUNIT_EXPECT_NOT_NULL(test, b->backing_object);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 0);
	folio_unlock(pg->folio);
	world_dump(w);
}

/* Fails if offsets do not add up in a merge, or the object behind is miscounted. */
static void u22_merge_adds_offsets(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *z, *a, *b;

	world_lock(w);
	z = world_bare(w, 0, 16);
	vm_object_reference(z);		/* ours, to keep it from merging */
	world_put(w, z, 6, 66);
	a = world_bare(w, 3, 10);
	vm_object_link_shadow(a, z);
	b = world_bare(w, 5, 4);
	vm_object_link_shadow(b, a);
	world_put(w, a, 7, 77);
	KUNIT_EXPECT_EQ(test, vm_object_backing_offset(b), 2ULL << PAGE_SHIFT);
	vm_object_collapse(b);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, z);
	KUNIT_EXPECT_EQ(test, vm_object_backing_offset(b), 5ULL << PAGE_SHIFT);
	EXPECT_OBJECT(w, b, 1, 0, 1, true);
	EXPECT_OBJECT(w, z, 2, 1, 1, false);
	vm_object_deallocate(b);
	vm_object_deallocate(z);
	world_unlock(w);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
}

/* Fails if a merge keeps pages that its object can not reach. */
static void u23_merge_frees_outside_the_window(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	unsigned long i;

	world_lock(w);
	a = world_bare(w, 0, 8);
	b = world_bare(w, 2, 3);
	vm_object_link_shadow(b, a);
	for (i = 0; i < 8; i++)
		world_put(w, a, i, i + 1);
	world_put(w, b, 3, 33);
	vm_object_collapse(b);
	EXPECT_OBJECT(w, b, 1, 0, 3, true);
	KUNIT_EXPECT_NULL(test, world_page(b, 1));
	KUNIT_EXPECT_NOT_NULL(test, world_page(b, 2));
	KUNIT_EXPECT_NULL(test, world_page(b, 5));
	KUNIT_EXPECT_EQ(test, world_pages(w), 3UL);
	vm_object_deallocate(b);
	world_unlock(w);
}

/*
 * What replaces qcollapse.  Fails if a merge that meets paging in progress moves
 * nothing, takes the layer away under the I/O, or never finishes.
 */
static void u29_paging_puts_off_a_merge(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w), i;
	struct vm_object *b = world_object(w, P, 0), *a = b->backing_object;
	struct vm_page *busy = world_page(a, 2);

	vm_object_pip_add(a);
	folio_lock(busy->folio);
	world_kill(w, c);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	EXPECT_OBJECT(w, a, 1, 1, 1, false);
	KUNIT_EXPECT_EQ(test, b->memq->resident, 3UL);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 0);
	folio_unlock(busy->folio);
	vm_object_pip_wakeup(a);
	for (i = 0; i < 500 && !world_count(w, VMOBJ_COLLAPSES); i++)
		msleep(20);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	world_dump(w);
}

/* A process that exits in the background. */
struct killer {
	struct work_struct work;
	struct completion done;
	struct world *w;
	int proc;
};

static void killer_work(struct work_struct *work)
{
	struct killer *k = container_of(work, struct killer, work);

	world_kill(k->w, k->proc);
	complete(&k->done);
}

/* Kill @proc, which has to wait for @folio; then end the wait with or without data. */
static void kill_while_busy(struct world *w, int proc, struct folio *folio,
			    bool make_valid)
{
	struct killer k = { .w = w, .proc = proc };

	INIT_WORK_ONSTACK(&k.work, killer_work);
	init_completion(&k.done);
	schedule_work(&k.work);
	KUNIT_EXPECT_EQ(w->test, 0UL,
			wait_for_completion_timeout(&k.done, HZ / 10));
	if (make_valid)
		folio_mark_uptodate(folio);
	folio_unlock(folio);
	KUNIT_EXPECT_NE(w->test, 0UL,
			wait_for_completion_timeout(&k.done, 60 * HZ));
	flush_work(&k.work);
	destroy_work_on_stack(&k.work);
}

/* Fails if a merge frees a page that somebody works on. */
static void u30_merge_waits_for_a_busy_page(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *b = world_object(w, P, 0);
	struct folio *busy = world_page(b->backing_object, 0)->folio;

	folio_lock(busy);
	/* As a fault would that is about to map it. */
	folio_get(busy);
	kill_while_busy(w, c, busy, false);
	folio_put(busy);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	world_dump(w);
}

/* A page without data, busy, in the parent's object. */
static struct folio *put_placeholder(struct world *w, struct vm_object *object,
				     unsigned long page)
{
	struct vm_page *pg = vm_page_alloc(w->family->mapping, at(page), 0, false);
	u64 *p;

	KUNIT_ASSERT_NOT_NULL(w->test, pg);
	p = kmap_local_folio(pg->folio, 0);
	*p = 500;
	kunmap_local(p);
	KUNIT_ASSERT_EQ(w->test, 0, vm_page_insert(object->memq, pg));
	return pg->folio;
}

/*
 * Fails if the place holder of an I/O that fails is taken for a page: BSD freed
 * the only copy of the data for it.
 */
static void u31_placeholder_does_not_shadow(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *b = world_object(w, P, 0);

	kill_while_busy(w, c, put_placeholder(w, b, 2), false);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	world_dump(w);		/* page 2 is the old one */
}

/* Fails if the data of an I/O that succeeds is thrown away. */
static void u31_placeholder_that_is_filled_shadows(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *b = world_object(w, P, 0);

	kill_while_busy(w, c, put_placeholder(w, b, 2), true);
	w->want[P][2] = 500;
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	world_dump(w);
}

/* The same with more pages above than below, so that the trees do not change places. */
static void u31_placeholder_in_the_bigger_object(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c;

	world_region(w, 8);
	world_write(w, P, 2, 3);
	c = world_fork(w, P);
	rewrite(w, P, 4, 8, 100);
	b = world_object(w, P, 0);
	a = b->backing_object;
	KUNIT_EXPECT_LT(test, a->memq->resident, b->memq->resident);
	kill_while_busy(w, c, put_placeholder(w, b, 2), false);
	EXPECT_OBJECT(w, b, 1, 0, 5, true);
	world_dump(w);
}

static void wire(struct vm_page *pg)
{
	folio_lock(pg->folio);
	vm_page_wire(pg);
	folio_unlock(pg->folio);
}

/* Fails if a wired page is freed (BSD: a panic), or leaks when it is unwired. */
static void u32_wired_shadowed_page_is_detached(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_page *pg;

	pg = world_page(world_object(w, c, 0), 0);
	wire(pg);
	world_kill(w, c);
	KUNIT_EXPECT_EQ(test, vm_page_nr_detached(), w->detached + 1);
	KUNIT_EXPECT_NULL(test, pg->memq);
	KUNIT_EXPECT_EQ(test, world_pages(w), 5UL);
	vm_page_unwire(pg);
	KUNIT_EXPECT_EQ(test, world_pages(w), 4UL);
	world_dump(w);
}

/* Fails if a wired page is left behind by a merge, or loses its wiring. */
static void u33_wired_page_moves(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_written(w);
	struct vm_object *b = world_object(w, P, 0);
	struct vm_page *pg = world_page(b->backing_object, 1);

	wire(pg);
	world_kill(w, c);
	KUNIT_EXPECT_PTR_EQ(test, world_page(b, 1), pg);
	KUNIT_EXPECT_EQ(test, (int)pg->wire_count, 1);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_NONE);
	world_dump(w);
	vm_page_unwire(pg);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_ACTIVE);
}

/* Fails if a merge costs the bigger object: few pages above, many below. */
static void merge_costs_the_smaller_object(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_memq *below;
	struct vm_object *b;
	int c;

	world_written(w, 16);
	c = world_fork(w, P);
	world_write(w, P, 3, 100);
	b = world_object(w, P, 0);
	below = b->backing_object->memq;
	world_kill(w, c);
	KUNIT_EXPECT_PTR_EQ(test, b->memq, below);
	world_dump(w);
}

/* Six forks, the parent writes after each, all live. */
static void fork_six(struct world *w, int *pids, bool all_pages)
{
	int g;

	world_written(w, 8);
	for (g = 0; g < 6; g++) {
		pids[g] = world_fork(w, P);
		if (all_pages)
			rewrite(w, P, 0, 8, 100 * (g + 1));
		else
			world_write(w, P, g, 100 + g);
	}
}

static void expect_chain_shrinks(struct kunit *test, bool reverse)
{
	struct world *w = test->priv;
	int pids[6], g;

	fork_six(w, pids, false);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 7U);
	KUNIT_EXPECT_EQ(test, world_objects(w), 7UL);
	for (g = 0; g < 6; g++) {
		world_kill(w, pids[reverse ? 5 - g : g]);
		world_dump(w);
	}
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 6);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 1U);
}

/* Fails if exits in the order of the forks do not bring the chain down to one. */
static void u63_chain_shrinks_in_order(struct kunit *test)
{
	expect_chain_shrinks(test, false);
}

/* Fails if exits in the opposite order do not. */
static void u63_chain_shrinks_in_reverse_order(struct kunit *test)
{
	expect_chain_shrinks(test, true);
}

/* Fails if rewriting all pages between forks lets the chain grow. */
static void u64_rewrites_keep_the_chain_short(struct kunit *test)
{
	struct world *w = test->priv;
	int pids[6], g;

	fork_six(w, pids, true);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 2U);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 5);
	for (g = 0; g < 6; g++)
		KUNIT_EXPECT_EQ(test, world_depth(w, pids[g]), 1U);
	world_dump(w);
}

/*
 * Not wanted, but so in BSD and here: a page that all shadows have copied stays
 * until only one shadow is left.  Fails if that changes unnoticed.
 */
static void u65_page_copied_by_all_shadows_stays(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	int c, d;

	world_written(w, 4);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	d = world_fork(w, P);
	world_write(w, c, 0, 100);
	world_write(w, d, 0, 200);
	world_kill(w, P);
	EXPECT_OBJECT(w, a, 2, 2, 4, false);
	KUNIT_EXPECT_EQ(test, world_pages(w), 6UL);
	world_dump(w);
	world_kill(w, d);
	KUNIT_EXPECT_EQ(test, world_pages(w), 4UL);
}

/* Fails if a deep chain is taken down by recursion: DragonFly ran out of stack. */
static void u66_teardown_of_a_deep_chain(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *object = NULL, *top;
	int i;

	world_lock(w);
	for (i = 0; i < 1000; i++) {
		top = world_bare(w, 0, 4);
		if (object)
			vm_object_link_shadow(top, object);
		if (i % 100 == 0)
			world_put(w, top, i / 100 % 4, i);
		object = top;
	}
	vm_object_deallocate(object);
	world_unlock(w);
	KUNIT_EXPECT_EQ(test, world_objects(w), 0UL);
	EXPECT_COUNT(w, VMOBJ_OBJECTS_TERMINATED, 1000);
}

/* Fails if a bypass that leaves one user of an object forgets to merge it. */
static void bypass_defers_the_merge_it_makes_possible(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b;
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	world_write(w, c, 0, 200);	/* D -> A */
	rewrite(w, P, 0, 4, 100);	/* B -> A */
	b = world_object(w, P, 0);
	world_lock(w);
	vm_object_collapse(b);
	world_unlock(w);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	KUNIT_EXPECT_NULL(test, world_object(w, c, 0)->backing_object);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	KUNIT_EXPECT_EQ(test, world_objects(w), 2UL);
	world_dump(w);
}

static struct kunit_case collapse_cases[] = {
	KUNIT_CASE(u6_shadow_of_sole_owner_is_itself),
	KUNIT_CASE(u7_shadow_of_shared_object),
	KUNIT_CASE(u8_shadow_of_nothing),
	KUNIT_CASE(u12_merge_when_the_child_exits),
	KUNIT_CASE(u13_parent_exits_first),
	KUNIT_CASE(u14_write_after_exit_is_free),
	KUNIT_CASE(u15_both_write),
	KUNIT_CASE(u16_bypass),
	KUNIT_CASE(u17_no_bypass_while_a_page_shows),
	KUNIT_CASE(u18_bypass_looks_at_the_window_only),
	KUNIT_CASE(u19_bypass_to_the_object_behind),
	KUNIT_CASE(u21_no_bypass_of_a_busy_page),
	KUNIT_CASE(u22_merge_adds_offsets),
	KUNIT_CASE(u23_merge_frees_outside_the_window),
	KUNIT_CASE(u29_paging_puts_off_a_merge),
	KUNIT_CASE(u30_merge_waits_for_a_busy_page),
	KUNIT_CASE(u31_placeholder_does_not_shadow),
	KUNIT_CASE(u31_placeholder_that_is_filled_shadows),
	KUNIT_CASE(u31_placeholder_in_the_bigger_object),
	KUNIT_CASE(u32_wired_shadowed_page_is_detached),
	KUNIT_CASE(u33_wired_page_moves),
	KUNIT_CASE(u63_chain_shrinks_in_order),
	KUNIT_CASE(u63_chain_shrinks_in_reverse_order),
	KUNIT_CASE(u64_rewrites_keep_the_chain_short),
	KUNIT_CASE(u65_page_copied_by_all_shadows_stays),
	KUNIT_CASE(u66_teardown_of_a_deep_chain),
	KUNIT_CASE(merge_costs_the_smaller_object),
	KUNIT_CASE(bypass_defers_the_merge_it_makes_possible),
	{}
};

static struct kunit_suite collapse_suite = {
	.name = "vmobj_collapse",
	.init = world_init,
	.exit = world_exit,
	.test_cases = collapse_cases,
};

kunit_test_suite(collapse_suite);
