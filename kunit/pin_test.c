// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that get_user_pages() has given to somebody: who keeps them at a fork (D9), and
 * who must not write to them in place.  t_cow has the cases with page tables and large
 * pages.
 */
#include <linux/mm.h>

#include <vmobj/pin.h>

#include "world.h"

/* As GUP marks small pages. */
static struct folio *pin(struct world *w, unsigned long page)
{
	struct vm_page *pg = world_page(world_object(w, P, page), page);

	KUNIT_ASSERT_NOT_NULL(w->test, pg);
	folio_ref_add(pg->folio, GUP_PIN_COUNTING_BIAS);
	return pg->folio;
}

static void unpin(struct folio *folio)
{
	folio_put_refs(folio, GUP_PIN_COUNTING_BIAS);
}

/* The folio in the top object of a process, or NULL. */
static struct folio *top_folio(struct world *w, int proc, unsigned long page)
{
	struct vm_page *pg = world_page(world_object(w, proc, page), page);

	return pg ? pg->folio : NULL;
}

/* Fails if the parent's write goes to a copy, or the child sees it. */
static void pinned_page_stays_with_the_parent(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	int child;

	world_written(w, 4);
	folio = pin(w, 1);
	child = world_fork(w, P);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_KEPT), 1UL);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	KUNIT_EXPECT_PTR_NE(test, top_folio(w, child, 1), folio);
	world_dump(w);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	world_write(w, child, 1, 200);
	world_dump(w);
	unpin(folio);
}

/* Fails if a fork makes a shadow where nothing is pinned. */
static void what_is_not_pinned_is_shared(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	int child;

	world_written(w, 4);
	folio = pin(w, 1);
	unpin(folio);
	child = world_fork(w, P);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_KEPT), 0UL);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, P, 1),
			    world_object(w, child, 1));
}

/* Fails if the merge at the child's exit takes the copy and not the pinned page. */
static void pinned_page_survives_the_childs_exit(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	int child;

	world_written(w, 4);
	folio = pin(w, 1);
	child = world_fork(w, P);
	world_kill(w, child);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 1U);
	KUNIT_EXPECT_EQ(test, world_pages(w), 4UL);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	world_dump(w);
	unpin(folio);
}

/* Fails if only the pages of the write set are looked at: a second fork empties it. */
static void pinned_page_survives_a_second_fork(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;

	world_written(w, 4);
	folio = pin(w, 1);
	world_fork(w, P);
	world_fork(w, P);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_KEPT), 2UL);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	world_dump(w);
	unpin(folio);
}

/* Fails if a process writes to what an exited relative still reads (CVE-2020-29374). */
static void page_somebody_else_has_is_not_written_to(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	int child;

	world_written(w, 4);
	child = world_fork(w, P);
	folio = top_folio(w, child, 1);
	folio_get(folio);
	world_kill(w, child);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_LEFT), 1UL);
	KUNIT_EXPECT_PTR_NE(test, top_folio(w, P, 1), folio);
	KUNIT_EXPECT_NULL(test, folio->mapping);
	/* Now it is the process's own, and so is who uses it. */
	folio_put(folio);
	folio = top_folio(w, P, 1);
	folio_get(folio);
	world_write(w, P, 1, 101);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	folio_put(folio);
	world_dump(w);
}

/* The same, where the page would be moved up. */
static void page_somebody_else_has_is_not_moved_up(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *bottom;
	struct folio *folio;
	int child;

	world_written(w, 4);
	child = world_fork(w, P);
	bottom = world_object(w, child, 1);
	folio = top_folio(w, child, 1);
	folio_get(folio);
	world_write(w, P, 0, 100);
	/* Paging keeps the two objects two. */
	world_lock(w);
	vm_object_pip_add(bottom);
	world_unlock(w);
	world_kill(w, child);
	world_write(w, P, 1, 101);
	KUNIT_EXPECT_PTR_NE(test, top_folio(w, P, 1), folio);
	vm_object_pip_wakeup(bottom);
	folio_put(folio);
	world_dump(w);
}

/* Fails if memory that was never forked pays: a process's own pipe sees its writes. */
static void own_references_do_not_matter(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;

	world_written(w, 4);
	folio = top_folio(w, P, 1);
	folio_get(folio);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_LEFT), 0UL);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	folio_put(folio);
}

/* Fails if who has a page of shared memory no longer sees what is written to it. */
static void shared_page_is_not_replaced(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;

	world_written(w, 4);
	world_kill(w, world_fork(w, P));
	world_inherit(w, P, VM_INHERIT_SHARE);
	folio = top_folio(w, P, 1);
	folio_get(folio);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	world_fork(w, P);
	/* What children will get does not matter while there are two. */
	world_inherit(w, P, VM_INHERIT_COPY);
	folio_put(folio);
	folio = top_folio(w, P, 2);
	folio_get(folio);
	world_write(w, P, 2, 101);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 2), folio);
	folio_put(folio);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_LEFT), 0UL);
}

/* Fails if a fault waits for ever for a page that may not be replaced. */
static void wired_page_is_not_replaced(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	struct vm_page *pg;

	world_written(w, 4);
	world_kill(w, world_fork(w, P));
	pg = world_page(world_object(w, P, 1), 1);
	folio = pg->folio;
	folio_lock(folio);
	vm_page_wire(pg);
	folio_unlock(folio);
	folio_get(folio);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, top_folio(w, P, 1), folio);
	folio_put(folio);
	vm_page_unwire(pg);
	world_dump(w);
}

/* Fails if one page of a large one is copied, and its user keeps the others. */
static void large_page_is_left_as_a_whole(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	unsigned long i;

	world_region(w, 4);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	folio = world_put_large(w, world_object(w, P, 0), 0, 2, 1)->folio;
	for (i = 0; i < 4; i++)
		w->want[P][i] = i + 1;
	world_kill(w, world_fork(w, P));
	folio_get(folio);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_LEFT), 1UL);
	world_write(w, P, 2, 101);
	KUNIT_EXPECT_EQ(test, world_count(w, VMOBJ_PINS_LEFT), 1UL);
	world_dump(w);
	folio_put(folio);
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE(pinned_page_stays_with_the_parent),
	KUNIT_CASE(what_is_not_pinned_is_shared),
	KUNIT_CASE(pinned_page_survives_the_childs_exit),
	KUNIT_CASE(pinned_page_survives_a_second_fork),
	KUNIT_CASE(page_somebody_else_has_is_not_written_to),
	KUNIT_CASE(page_somebody_else_has_is_not_moved_up),
	KUNIT_CASE(own_references_do_not_matter),
	KUNIT_CASE(shared_page_is_not_replaced),
	KUNIT_CASE(wired_page_is_not_replaced),
	KUNIT_CASE(large_page_is_left_as_a_whole),
	{}
};

static struct kunit_suite pin_suite = {
	.name = "vmobj_pin",
	.init = world_init,
	.exit = world_exit,
	.test_cases = pin_cases,
};

kunit_test_suite(pin_suite);
