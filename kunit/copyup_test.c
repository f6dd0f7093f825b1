// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains that are kept short by copying up, and merges in pieces.
 */
#include "world.h"

#define DEPTH	3	/* max_chain_depth, where the worker is to come */
#define ORDER	2
#define LARGE	4	/* pages */

/* The tests below change it. */
static unsigned int depth_before;

static int copyup_init(struct kunit *test)
{
	depth_before = vm_max_chain_depth;
	return world_init(test);
}

static void copyup_exit(struct kunit *test)
{
	WRITE_ONCE(vm_max_chain_depth, depth_before);
	world_exit(test);
}

static bool copy_up(struct world *w, struct vm_object *top, unsigned long nr)
{
	unsigned long budget = nr;
	bool some;

	world_lock(w);
	some = vm_object_copy_up(top, &budget);
	world_unlock(w);
	return some;
}

/*
 * Six pages; children are forked, and live; the first process writes so many pages
 * after each fork, from page 0 on.
 */
static void grow(struct world *w, const int *pages, int forks)
{
	int i, page;

	world_written(w, 6);
	for (i = 0; i < forks; i++) {
		world_fork(w, P);
		for (page = 0; page < pages[i]; page++)
			world_write(w, P, page, 100 * (i + 1) + page);
	}
}

/* Fails if what is shortest to copy is not chosen, or somebody sees a change. */
static void the_cheapest_object_goes(struct kunit *test)
{
	static const int pages[] = { 3, 2, 1, 4 };
	struct world *w = test->priv;
	struct vm_object *top, *x, *y, *z;

	grow(w, pages, 4);
	top = world_object(w, P, 0);
	y = top->backing_object;	/* 1 page; the top is left out */
	x = y;
	y = x->backing_object;		/* 2 pages */
	z = y->backing_object;
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_PTR_EQ(test, x->backing_object, z);
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 1);
	KUNIT_EXPECT_EQ(test, x->memq->resident, 2UL);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	world_dump(w);

	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 3U);
	world_dump(w);
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 2U);
	world_dump(w);
	KUNIT_EXPECT_FALSE(test, copy_up(w, top, 100));
	world_dump(w);
}

/* Fails if a piece that is cut short shows, or is not gone on with. */
static void pieces_change_nothing(struct kunit *test)
{
	static const int pages[] = { 5, 1, 1 };
	struct world *w = test->priv;
	struct vm_object *top, *x;
	int i;

	grow(w, pages, 3);
	top = world_object(w, P, 0);
	x = top->backing_object;
	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, copy_up(w, top, 1));
		EXPECT_COUNT(w, VMOBJ_COPY_UPS, i);
		EXPECT_COUNT(w, VMOBJ_BYPASSES, 0);
		world_dump(w);
	}
	/* Page 0 it has: this is the last. */
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 1));
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 4);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	KUNIT_EXPECT_EQ(test, x->memq->resident, 5UL);
	world_dump(w);
}

/* Fails if copies are lost or shown to others when everybody writes and exits. */
static void what_was_copied_is_its_own(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *top;
	int i;

	world_written(w, 6);
	for (i = 0; i < 6; i++) {
		world_fork(w, P);
		world_write(w, P, i, 100 + i);
		world_write(w, P, (i + 1) % 6, 200 + i);
	}
	top = world_object(w, P, 0);
	while (copy_up(w, top, 1))
		world_dump(w);
	for (i = 1; i <= 6; i++) {
		world_write(w, i, i - 1, 1000 * i);
		world_write(w, i, 5, 1000 * i + 1);
		world_dump(w);
	}
	for (i = 6; i > 0; i--) {
		world_kill(w, i);
		world_dump(w);
	}
	world_wait_for_worker(w);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	KUNIT_EXPECT_EQ(test, world_pages(w), 6UL);
}

/* Fails if a page that somebody reads without a PTE becomes somebody else's. */
static void used_page_is_not_copied(struct kunit *test)
{
	static const int pages[] = { 2, 1, 1 };
	struct world *w = test->priv;
	struct vm_object *top, *y;
	struct folio *pinned;

	grow(w, pages, 3);
	top = world_object(w, P, 0);
	y = top->backing_object->backing_object;	/* 2 pages */
	pinned = world_page(y, 1)->folio;
	folio_get(pinned);
	/* Instead of it the next one goes, of six pages. */
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_NULL(test, y->backing_object);
	KUNIT_EXPECT_EQ(test, y->memq->resident, 6UL);
	/* All but that page can still be copied. */
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_FALSE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 3U);
	world_dump(w);
	folio_put(pinned);
	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 2U);
	world_dump(w);
}

/* Fails if parts of a large page are lost, or hidden ones come back to light. */
static void large_page_is_copied_in_small_ones(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *top, *x, *y;
	unsigned long i;

	world_region(w, 2 * LARGE);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	y = world_object(w, P, 0);
	world_put_large(w, y, 0, ORDER, 1);
	world_put_large(w, y, LARGE, ORDER, 1 + LARGE);
	for (i = 0; i < 2 * LARGE; i++)
		w->want[P][i] = i + 1;
	world_fork(w, P);
	world_write(w, P, 1, 100);
	x = world_object(w, P, 0);
	world_fork(w, P);
	world_write(w, P, 2, 200);
	top = world_object(w, P, 0);
	world_dump(w);

	KUNIT_EXPECT_TRUE(test, copy_up(w, top, 100));
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 2 * LARGE - 1);
	KUNIT_EXPECT_NULL(test, x->backing_object);
	KUNIT_EXPECT_EQ(test, x->memq->resident, 2UL * LARGE);
	KUNIT_EXPECT_EQ(test, x->memq->large, 0UL);
	KUNIT_EXPECT_EQ(test, y->memq->large, 2UL);
	world_dump(w);
}

/* Fails if pages outside the window of the object above are copied. */
static void only_what_can_be_seen_is_copied(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *x, *y;

	world_written(w, 8);
	world_fork(w, P);
	world_clip(w, P, 2);
	world_clip(w, P, 5);
	world_write(w, P, 2, 100);
	x = world_object(w, P, 2);
	y = x->backing_object;
	KUNIT_EXPECT_EQ(test, x->size, 3UL);
	world_fork(w, P);
	world_write(w, P, 3, 200);
	KUNIT_EXPECT_TRUE(test, copy_up(w, world_object(w, P, 3), 100));
	KUNIT_EXPECT_NULL(test, x->backing_object);
	EXPECT_COUNT(w, VMOBJ_COPY_UPS, 2);
	KUNIT_EXPECT_EQ(test, y->memq->resident, 8UL);
	world_dump(w);
}

/* Fails if living children can make a chain as long as they like. */
static void depth_is_bounded(struct kunit *test)
{
	struct world *w = test->priv;
	int i, proc;

	WRITE_ONCE(vm_max_chain_depth, DEPTH);
	world_written(w, WORLD_PAGES);
	for (i = 0; i < WORLD_PROCS - 1; i++) {
		world_fork(w, P);
		world_write(w, P, i, 100 + i);
		KUNIT_EXPECT_LE(test, world_depth(w, P), 1U + 2 * DEPTH);
		world_dump(w);
	}
	world_wait_for_worker(w);
	world_dump(w);
	for (proc = 0; proc < WORLD_PROCS; proc++)
		KUNIT_EXPECT_LE(test, world_depth(w, proc), 1U + DEPTH);
	KUNIT_EXPECT_GT(test, world_count(w, VMOBJ_COPY_UPS), 0UL);
	for (proc = 1; proc < WORLD_PROCS; proc++) {
		world_kill(w, proc);
		world_dump(w);
	}
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL + WORLD_PAGES);
}

/*
 * Every object has a page that somebody uses, so none can go.  Fails if that is not
 * marked (I35), or nobody comes back to it.
 */
static void used_pages_make_it_wait(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *pinned[8];
	int i;

	WRITE_ONCE(vm_max_chain_depth, 2);
	world_written(w, 9);
	for (i = 0; i < 8; i++) {
		world_fork(w, P);
		world_write(w, P, i, 100 + i);
		pinned[i] = world_page(world_object(w, P, 0), i)->folio;
		folio_get(pinned[i]);
	}
	world_wait_for_worker(w);
	KUNIT_EXPECT_GT(test, world_depth(w, P), 5U);
	KUNIT_EXPECT_TRUE(test, vm_object_test(world_object(w, P, 0),
					       VM_OBJ_COLLAPSE_PENDING));
	world_dump(w);
	for (i = 0; i < 8; i++)
		folio_put(pinned[i]);

	world_fork(w, P);
	world_write(w, P, 8, 200);
	world_wait_for_worker(w);
	KUNIT_EXPECT_LE(test, world_depth(w, P), 3U);
	KUNIT_EXPECT_FALSE(test, vm_object_test(world_object(w, P, 0),
						VM_OBJ_COLLAPSE_PENDING));
	world_dump(w);
}

/* ---- merges in pieces ---- */

#define MANY	(2 * VM_MERGE_AT_ONCE + 200)

/* Pages of which every second one is written after the fork. */
static int forked_and_half_written(struct world *w)
{
	unsigned long i;
	int c;

	world_written(w, MANY);
	c = world_fork(w, P);
	for (i = 0; i < MANY; i += 2)
		world_write(w, P, i, 100000 + i);
	return c;
}

static void expect_half_written(struct world *w, int proc)
{
	unsigned long i;

	for (i = WORLD_PAGES; i < MANY; i++)
		KUNIT_EXPECT_EQ(w->test, world_read(w, proc, i),
				i % 2 ? i + 1 : 100000 + i);
	world_dump(w);
}

/* Let a process exit; its parent is to be merged with what it leaves. */
static void exit_and_expect_it_put_off(struct world *w, int proc)
{
	struct vm_object *b = world_object(w, P, 0);

	world_lock(w);
	vm_map_destroy(w->proc[proc]);
	w->proc[proc] = NULL;
	KUNIT_EXPECT_NOT_NULL(w->test, b->backing_object);
	KUNIT_EXPECT_TRUE(w->test, vm_object_test(b, VM_OBJ_COLLAPSE_PENDING));
	world_unlock(w);
}

/* Fails if a big merge is done at once, never, or loses a page. */
static void big_merge_is_put_off(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_half_written(w);

	exit_and_expect_it_put_off(w, c);
	world_wait_for_worker(w);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, MANY, true);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL + MANY);
	expect_half_written(w, P);
}

/* Piece by piece, and a look at everything after each. */
static void pieces_of_a_merge_change_nothing(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_half_written(w), pieces = 0;
	struct vm_object *b = world_object(w, P, 0), *a = b->backing_object;
	unsigned long budget, left;
	bool more = true;

	world_lock(w);
	vm_map_destroy(w->proc[c]);
	w->proc[c] = NULL;
	for (left = a->memq->nr; more; pieces++) {
		more = vm_object_collapse_pending(w->family);
		if (b->backing_object)
			KUNIT_EXPECT_EQ(test, left - VM_PIECE, a->memq->nr);
		left -= VM_PIECE;
	}
	world_unlock(w);
	KUNIT_EXPECT_EQ(test, pieces,
			DIV_ROUND_UP(MANY - VM_PIECE, VM_PIECE) + 1);
	EXPECT_OBJECT(w, b, 1, 0, MANY, true);
	expect_half_written(w, P);

	/* Nothing is left to be done. */
	budget = VM_PIECE;
	world_lock(w);
	KUNIT_EXPECT_FALSE(test, vm_object_copy_up(b, &budget));
	world_unlock(w);
}

/* Fails if a fork and writes in between are not just as they would be without. */
static void fork_while_a_merge_is_under_way(struct kunit *test)
{
	struct world *w = test->priv;
	int c = forked_and_half_written(w), d;

	exit_and_expect_it_put_off(w, c);
	d = world_fork(w, P);
	world_write(w, P, 1, 1);
	world_write(w, d, 2, 2);
	world_write(w, d, 3, 3);
	world_dump(w);
	world_wait_for_worker(w);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_objects(w), 3UL);
	expect_half_written(w, d);
	world_kill(w, d);
	world_wait_for_worker(w);
	EXPECT_OBJECT(w, world_object(w, P, 0), 1, 0, MANY, true);
	expect_half_written(w, P);
}

/* Fails if two objects that cannot be merged keep the rest of the chain long. */
static void used_pages_in_a_merge_do_not_matter(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b, *a;
	struct folio *pinned;
	unsigned long i;
	int c;

	world_region(w, 1024);
	KUNIT_ASSERT_EQ(test, 0, vm_map_prepare(w->proc[P], at(0), true));
	world_write(w, P, 1023, 1);
	for (i = 0; i < 4; i++) {
		world_fork(w, P);
		world_write(w, P, i, 10 + i);
	}
	/* Now the top two, which only the first process will see. */
	c = world_fork(w, P);
	a = world_object(w, P, 0);
	world_put_large(w, a, 512, 9, 1000);
	pinned = world_page(a, 512)->folio;
	for (i = 300; i < 900; i++)
		world_write(w, P, i, 2000 + i);
	b = world_object(w, P, 0);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	folio_get(pinned);
	world_kill(w, c);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 6U);
	WRITE_ONCE(vm_max_chain_depth, 2);
	world_limit_depth(w, b);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	KUNIT_EXPECT_LE(test, world_depth(w, P), 3U);
	world_dump(w);
	folio_put(pinned);
	world_kill(w, world_fork(w, P));
	world_wait_for_worker(w);
	KUNIT_EXPECT_PTR_NE(test, b->backing_object, a);
	for (i = 300; i < 900; i++)
		KUNIT_EXPECT_EQ(test, world_read(w, P, i), 2000 + i);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 900), 1000ULL + 900 - 512);
	world_dump(w);
}

/* Fails if the worker trips over a family that goes away under it. */
static void all_exit_while_a_merge_is_under_way(struct kunit *test)
{
	struct world *w = test->priv;

	exit_and_expect_it_put_off(w, forked_and_half_written(w));
	world_kill(w, P);
	world_wait_for_worker(w);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL);
}

static struct kunit_case copyup_cases[] = {
	KUNIT_CASE(the_cheapest_object_goes),
	KUNIT_CASE(pieces_change_nothing),
	KUNIT_CASE(what_was_copied_is_its_own),
	KUNIT_CASE(used_page_is_not_copied),
	KUNIT_CASE(large_page_is_copied_in_small_ones),
	KUNIT_CASE(only_what_can_be_seen_is_copied),
	KUNIT_CASE(depth_is_bounded),
	KUNIT_CASE(used_pages_make_it_wait),
	KUNIT_CASE(big_merge_is_put_off),
	KUNIT_CASE(pieces_of_a_merge_change_nothing),
	KUNIT_CASE(fork_while_a_merge_is_under_way),
	KUNIT_CASE(used_pages_in_a_merge_do_not_matter),
	KUNIT_CASE(all_exit_while_a_merge_is_under_way),
	{}
};

static struct kunit_suite copyup_suite = {
	.name = "vmobj_copyup",
	.init = copyup_init,
	.exit = copyup_exit,
	.test_cases = copyup_cases,
};

kunit_test_suite(copyup_suite);
