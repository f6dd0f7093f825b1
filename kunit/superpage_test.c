// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages in chains: hidden in part, merged, bypassed, cut.  Those here span
 * four pages, which makes no difference to the object layer.
 */
#include "world.h"

#define ORDER	2
#define LARGE	4	/* pages */

/* Eight pages in two large ones: 1, 2, 3... */
static struct vm_object *two_large(struct world *w)
{
	struct vm_object *a;
	unsigned long i;

	world_region(w, 2 * LARGE);
	KUNIT_ASSERT_EQ(w->test, 0, vm_map_prepare(w->proc[P], at(0), true));
	a = world_object(w, P, 0);
	world_put_large(w, a, 0, ORDER, 1);
	world_put_large(w, a, LARGE, ORDER, 1 + LARGE);
	for (i = 0; i < 2 * LARGE; i++)
		w->want[P][i] = i + 1;
	world_dump(w);
	return a;
}

/* Fails if what was copied out of a large page is lost or does not go back in. */
static void small_page_above_is_absorbed(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	two_large(w);
	c = world_fork(w, P);
	world_write(w, P, 1, 100);
	world_write(w, c, 2, 200);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 2);
	world_dump(w);
	world_kill(w, c);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, 2 * LARGE, true);
	KUNIT_EXPECT_EQ(test, world_object(w, P, 0)->memq->large, 2UL);
	EXPECT_COUNT(w, VMOBJ_ABSORBS, 1);
	world_dump(w);
}

/* The same when there is more above than below. */
static void bigger_top_absorbs_too(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned long i;
	int c;

	world_region(w, 3 * LARGE);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	world_put_large(w, world_object(w, P, 0), 0, ORDER, 1);
	for (i = 0; i < LARGE; i++)
		w->want[P][i] = i + 1;
	c = world_fork(w, P);
	for (i = 2; i < 3 * LARGE; i++)
		world_write(w, P, i, 100 + i);
	world_kill(w, c);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, 3 * LARGE, true);
	EXPECT_COUNT(w, VMOBJ_ABSORBS, 2);
	world_dump(w);
}

/* Fails if a page of which little is left to see is kept, or that little is lost. */
static void large_page_that_is_mostly_hidden_goes(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *pinned;
	struct vm_object *b;
	unsigned long i;
	int c;

	two_large(w);
	c = world_fork(w, P);
	for (i = 0; i < LARGE - 1; i++)
		world_write(w, P, i, 100 + i);
	world_write(w, P, LARGE, 200);
	b = world_object(w, P, 0);
	pinned = world_page(b->backing_object, 0)->folio;
	folio_get(pinned);
	world_kill(w, c);
	KUNIT_EXPECT_NOT_NULL(test, b->backing_object);
	EXPECT_COUNT(w, VMOBJ_DEMOTES, 0);
	world_dump(w);

	folio_put(pinned);
	world_kill(w, world_fork(w, P));
	EXPECT_COUNT(w, VMOBJ_DEMOTES, 1);
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 1);
	EXPECT_COUNT(w, VMOBJ_ABSORBS, 1);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, 2 * LARGE, true);
	KUNIT_EXPECT_EQ(test, world_object(w, P, 0)->memq->large, 1UL);
	world_dump(w);
}

/* The same when there is more above than below. */
static void bigger_top_demotes_too(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned long i;
	int c;

	world_region(w, 3 * LARGE);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	world_put_large(w, world_object(w, P, 0), 0, ORDER, 1);
	for (i = 0; i < LARGE; i++)
		w->want[P][i] = i + 1;
	c = world_fork(w, P);
	for (i = 1; i < 3 * LARGE; i++)
		world_write(w, P, i, 100 + i);
	world_kill(w, c);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, 3 * LARGE, true);
	EXPECT_COUNT(w, VMOBJ_DEMOTES, 1);
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 1);
	EXPECT_COUNT(w, VMOBJ_ABSORBS, 0);
	world_dump(w);
}

/* Fails if a page is copied into one that somebody has pinned, or out of one. */
static void pinned_pages_are_not_merged(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w), *b;
	struct folio *pinned;
	int c, round;

	for (round = 0; round < 2; round++) {
		c = world_fork(w, P);
		world_write(w, P, 1, 100 + round);
		b = world_object(w, P, 0);
		a = b->backing_object;
		pinned = world_page(round ? b : a, 1)->folio;
		folio_get(pinned);
		world_kill(w, c);
		KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
		EXPECT_COUNT(w, VMOBJ_COLLAPSES, round);
		world_dump(w);

		folio_put(pinned);
		world_kill(w, world_fork(w, P));
		EXPECT_COUNT(w, VMOBJ_COLLAPSES, round + 1);
		EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, 2 * LARGE, true);
		world_dump(w);
	}
}

/* Fails if a part of a large page that shows is taken for hidden. */
static void bypass_needs_all_of_it_hidden(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);
	unsigned long i;

	world_fork(w, P);
	for (i = 0; i < 2 * LARGE - 1; i++)
		world_write(w, P, i, 100 + i);
	world_kill(w, world_fork(w, P));
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 0);
	world_write(w, P, i, 100 + i);
	world_kill(w, world_fork(w, P));
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	KUNIT_EXPECT_NULL(test, world_object(w, P, 0)->backing_object);
	EXPECT_OBJECT(w, a, 1, 0, 2 * LARGE, true);
	world_dump(w);
}

/* Fails if small pages below a large one come back to light. */
static void large_page_above_hides_small_ones(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b;
	unsigned long i;
	int c;

	world_written(w, 2 * LARGE);
	c = world_fork(w, P);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	b = world_object(w, P, 0);
	world_put_large(w, b, 0, ORDER, 100);
	for (i = 0; i < LARGE; i++)
		w->want[P][i] = 100 + i;
	world_dump(w);
	world_kill(w, c);
	EXPECT_OBJECT(w, b, 1, 0, 2 * LARGE, true);
	KUNIT_EXPECT_EQ(test, b->memq->large, 1UL);
	world_dump(w);
}

/* Fails if a large page moves up past a small one, or the fault never ends. */
static void large_page_moves_up_if_nothing_hides_it(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);
	struct folio *pinned;
	int c;

	c = world_fork(w, P);
	world_write(w, P, 1, 100);
	pinned = world_page(a, 0)->folio;
	folio_get(pinned);
	world_kill(w, c);		/* cannot merge */

	world_write(w, P, 2, 101);
	EXPECT_COUNT(w, VMOBJ_COW_MOVES, 0);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 2);
	world_write(w, P, LARGE, 102);
	EXPECT_COUNT(w, VMOBJ_COW_MOVES, 1);
	KUNIT_EXPECT_EQ(test, world_object(w, P, 0)->memq->large, 1UL);
	world_dump(w);
	folio_put(pinned);
}

/* Fails if memory that was unmapped keeps its data, or loses what is beside it. */
static void removed_part_is_zero(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);
	struct folio *pinned = world_page(a, LARGE)->folio;

	world_lock(w);
	KUNIT_EXPECT_TRUE(test, vm_object_page_remove(a, at(2), at(3), false));
	w->want[P][2] = 0;
	folio_get(pinned);
	KUNIT_EXPECT_FALSE(test, vm_object_page_remove(a, at(LARGE), at(LARGE + 1),
						       false));
	folio_put(pinned);
	KUNIT_EXPECT_TRUE(test, vm_object_page_remove(a, at(0), at(LARGE), false));
	memset(w->want[P], 0, LARGE * sizeof(u64));
	world_unlock(w);
	EXPECT_OBJECT(w, a, 1, 0, LARGE, true);
	world_dump(w);
}

/* Fails if a page of which nothing can be seen any more is left behind (I9). */
static void cut_off_from_both_sides(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);

	world_unmap(w, P, 2 * LARGE - 1, 2 * LARGE);
	EXPECT_OBJECT(w, a, 1, 0, 2 * LARGE, true);
	world_unmap(w, P, LARGE - 1, 2 * LARGE - 1);
	EXPECT_OBJECT(w, a, 1, 0, LARGE, true);
	world_dump(w);
}

/* Fails if grown memory shows what a large page has behind the end. */
static void growth_over_a_large_page_is_zero(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);
	struct folio *pinned = world_page(a, LARGE)->folio;
	int round;

	for (round = 0; round < 2; round++) {
		/* While it is pinned the object cannot grow over it. */
		if (!round)
			folio_get(pinned);
		world_unmap(w, P, LARGE + 2, 2 * LARGE);
		world_lock(w);
		vm_map_fill(w->proc[P], at(0), at(2 * LARGE), VM_INHERIT_COPY);
		world_unlock(w);
		w->want[P][LARGE + 2] = 0;
		w->want[P][LARGE + 3] = 0;
		world_dump(w);
		KUNIT_EXPECT_EQ(test, world_read(w, P, LARGE + 3), 0ULL);
		KUNIT_EXPECT_EQ(test, world_read(w, P, LARGE + 1), LARGE + 2ULL);
		if (!round)
			folio_put(pinned);
	}
	KUNIT_EXPECT_PTR_EQ(test, a, world_object(w, P, 0));
}

/* Fails if an object is split through a large page. */
static void fork_does_not_split_a_large_page(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	two_large(w);
	world_clip(w, P, 2);
	c = world_fork(w, P);
	EXPECT_COUNT(w, VMOBJ_SPLITS, 0);
	world_write(w, P, 1, 100);
	world_write(w, c, 3, 200);
	world_dump(w);
	world_kill(w, c);
	world_dump(w);
}

/* Returns whether the small pages around @page have become a large one. */
static bool world_promote(struct world *w, struct vm_object *object,
			  unsigned long page)
{
	struct vm_page *large;
	bool done;

	large = vm_page_alloc(w->family->mapping, at(round_down(page, LARGE)),
			      ORDER, true);
	KUNIT_ASSERT_NOT_NULL(w->test, large);
	folio_unlock(large->folio);
	world_lock(w);
	done = vm_object_promote(object, large);
	world_unlock(w);
	if (!done)
		vm_page_free(large);
	return done;
}

/* Fails if a promotion loses a page, or what is not there does not become zeros. */
static void small_pages_are_promoted(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_region(w, 2 * LARGE);
	world_write(w, P, 1, 100);
	world_write(w, P, 2, 200);
	world_write(w, P, LARGE + 1, 300);
	a = world_object(w, P, 0);
	KUNIT_EXPECT_TRUE(test, world_promote(w, a, 3));
	EXPECT_COUNT(w, VMOBJ_PROMOTES, 1);
	EXPECT_OBJECT(w, a, 1, 0, LARGE + 1, true);
	KUNIT_EXPECT_EQ(test, a->memq->large, 1UL);
	world_dump(w);
	world_write(w, P, 0, 400);
	world_dump(w);
}

/* Fails if what is large already is copied, or what nobody has touched is filled. */
static void nothing_to_promote(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = two_large(w);

	world_unmap(w, P, LARGE, 2 * LARGE);
	world_lock(w);
	vm_map_fill(w->proc[P], at(0), at(2 * LARGE), VM_INHERIT_COPY);
	memset(w->want[P] + LARGE, 0, LARGE * sizeof(u64));
	world_unlock(w);
	KUNIT_EXPECT_FALSE(test, world_promote(w, a, 1));
	KUNIT_EXPECT_FALSE(test, world_promote(w, a, LARGE));
	KUNIT_EXPECT_FALSE(test, world_promote(w, a, 2 * LARGE));
	EXPECT_COUNT(w, VMOBJ_PROMOTES, 0);
	world_dump(w);
}

/* Fails if a page is promoted that others see, or use, or that hides one below. */
static void only_what_is_nobody_elses_is_promoted(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct folio *pinned;
	int c;

	world_written(w, LARGE);
	a = world_object(w, P, 0);
	pinned = world_page(a, 1)->folio;
	folio_get(pinned);
	KUNIT_EXPECT_FALSE(test, world_promote(w, a, 0));
	folio_put(pinned);

	c = world_fork(w, P);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_FALSE(test, world_promote(w, a, 0));
	KUNIT_EXPECT_FALSE(test, world_promote(w, world_object(w, P, 0), 0));
	EXPECT_COUNT(w, VMOBJ_PROMOTES, 0);
	world_dump(w);
	world_kill(w, c);

	a = world_object(w, P, 0);
	KUNIT_EXPECT_TRUE(test, world_promote(w, a, 0));
	EXPECT_OBJECT(w, a, 1, 0, LARGE, true);
	KUNIT_EXPECT_EQ(test, a->memq->nr, 1UL);
	world_dump(w);
}

static struct kunit_case superpage_cases[] = {
	KUNIT_CASE(small_page_above_is_absorbed),
	KUNIT_CASE(bigger_top_absorbs_too),
	KUNIT_CASE(large_page_that_is_mostly_hidden_goes),
	KUNIT_CASE(bigger_top_demotes_too),
	KUNIT_CASE(pinned_pages_are_not_merged),
	KUNIT_CASE(bypass_needs_all_of_it_hidden),
	KUNIT_CASE(large_page_above_hides_small_ones),
	KUNIT_CASE(large_page_moves_up_if_nothing_hides_it),
	KUNIT_CASE(removed_part_is_zero),
	KUNIT_CASE(cut_off_from_both_sides),
	KUNIT_CASE(growth_over_a_large_page_is_zero),
	KUNIT_CASE(fork_does_not_split_a_large_page),
	KUNIT_CASE(small_pages_are_promoted),
	KUNIT_CASE(nothing_to_promote),
	KUNIT_CASE(only_what_is_nobody_elses_is_promoted),
	{}
};

static struct kunit_suite superpage_suite = {
	.name = "vmobj_superpage",
	.init = world_init,
	.exit = world_exit,
	.test_cases = superpage_cases,
};

kunit_test_suite(superpage_suite);
