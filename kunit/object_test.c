// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of objects, and ranges of their pages.
 */
#include "world.h"

/* Fails if a new object is not what BSD's vm_object_allocate made. */
static void u1_allocate_anonymous(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned long objects = w->family->nr_objects;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	KUNIT_EXPECT_EQ(test, a->size, 8UL);
	KUNIT_EXPECT_EQ(test, w->family->nr_objects, objects + 1);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if a named object claims to be mapped once. */
static void u2_allocate_named_has_no_onemapping(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = vm_object_allocate(w->family, VM_OBJECT_VNODE, at(0), 8,
			       GFP_KERNEL);
	EXPECT_OBJECT(w, a, 1, 0, 0, false);
	KUNIT_EXPECT_FALSE(test, vm_object_internal(a));
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if the last remaining user does not get ONEMAPPING back. */
static void u3_reference_and_deallocate(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	vm_object_reference(a);
	clear_bit(VM_OBJ_ONEMAPPING, &a->flags);
	EXPECT_OBJECT(w, a, 2, 0, 0, false);
	vm_object_deallocate(a);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if an object outlives its last reference, or its pages outlive it. */
static void u4_last_deallocate_frees(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	world_put(w, a, 3, 33);
	world_put(w, a, 7, 77);
	vm_object_deallocate(a);
	world_unlock(w);
	KUNIT_EXPECT_EQ(test, world_objects(w), 0UL);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL);
	EXPECT_COUNT(w, VMOBJ_OBJECTS_TERMINATED, 1);
}

/* Fails if one reference too many is dropped silently, or crashes. */
static void u5_deallocate_too_often_is_caught(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	vm_object_deallocate(a);
	/* Dead, and kept by the lock until it is let go. */
	vm_object_deallocate(a);
	KUNIT_EXPECT_EQ(test, a->ref_count, 0U);
	world_unlock(w);
	EXPECT_COUNT(w, VMOBJ_OBJECTS_TERMINATED, 1);
}

/* Fails if a split moves what has one user, or what others see. */
static void u47_split_only_with_onemapping_and_users(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	world_written(w, 10);
	c = world_fork(w, P);		/* R == 1: not split */
	EXPECT_COUNT(w, VMOBJ_SPLITS, 0);
	world_clip(w, P, 4);
	world_fork(w, P);		/* no ONEMAPPING: not split */
	EXPECT_COUNT(w, VMOBJ_SPLITS, 0);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, P, 0), world_object(w, c, 5));
	world_dump(w);
}

/*
 * Fails if a fork does not split an object that is clipped, or shrinks it.
 * (Swap blocks of the range: with the swap pager.)
 */
static void u46_fork_splits_clipped_object(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *n;

	world_written(w, 10);
	a = world_object(w, P, 0);
	world_clip(w, P, 4);
	EXPECT_OBJECT(w, a, 2, 0, 10, true);
	world_fork(w, P);
	n = world_object(w, P, 0);
	KUNIT_EXPECT_PTR_NE(test, a, n);
	KUNIT_EXPECT_PTR_EQ(test, a, world_object(w, P, 4));
	EXPECT_OBJECT(w, n, 2, 0, 4, false);
	EXPECT_OBJECT(w, a, 2, 0, 6, false);
	KUNIT_EXPECT_EQ(test, a->size, 10UL);
	KUNIT_EXPECT_TRUE(test, world_entry(w, P, 0)->needs_copy);
	KUNIT_EXPECT_TRUE(test, world_entry(w, P, 9)->needs_copy);
	EXPECT_COUNT(w, VMOBJ_SPLITS, 1);
	world_dump(w);
}

/* Fails if unmapping a part keeps its pages, or forgets to shrink the object. */
static void u48_partial_unmap_frees_and_shrinks(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 10);
	a = world_object(w, P, 0);
	world_unmap(w, P, 4, 6);
	EXPECT_OBJECT(w, a, 2, 0, 8, true);
	KUNIT_EXPECT_EQ(test, w->proc[P]->nr_entries, 2UL);
	KUNIT_EXPECT_EQ(test, a->size, 10UL);
	world_unmap(w, P, 6, 10);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	KUNIT_EXPECT_EQ(test, a->size, 6UL);
	world_dump(w);
}

/* Fails if unmapping a part takes pages that a child still sees. */
static void u49_partial_unmap_after_fork_keeps_pages(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	int c;

	world_written(w, 10);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	world_unmap(w, P, 4, 6);
	KUNIT_EXPECT_EQ(test, a->memq->resident, 10UL);
	world_dump(w);
	world_kill(w, c);
	world_kill(w, P);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL);
}

static void remove_pages(struct world *w, struct vm_object *a,
			 unsigned long from, pgoff_t end, bool clean_only)
{
	world_lock(w);
	vm_object_page_remove(a, at(from), end, clean_only);
	world_unlock(w);
}

/*
 * Fails if a range is taken for another: BSD took (k, k) for nothing, but (0, 0)
 * for everything.  (Swap of the range: with the swap pager.)
 */
static void u52_page_remove(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned long i;
	struct vm_page *pg;

	world_lock(w);
	a = world_bare(w, 0, 10);
	for (i = 0; i < 10; i++)
		world_put(w, a, i, i + 1);
	world_unlock(w);

	remove_pages(w, a, 3, at(3), false);
	KUNIT_EXPECT_EQ(test, a->memq->resident, 10UL);
	remove_pages(w, a, 2, at(4), false);
	KUNIT_EXPECT_EQ(test, a->memq->resident, 8UL);
	KUNIT_EXPECT_NULL(test, world_page(a, 3));
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 4));

	folio_clear_dirty(world_page(a, 5)->folio);
	remove_pages(w, a, 4, at(7), true);	/* 4 and 6 are dirty */
	KUNIT_EXPECT_EQ(test, a->memq->resident, 7UL);
	KUNIT_EXPECT_NULL(test, world_page(a, 5));

	pg = world_page(a, 8);
	folio_lock(pg->folio);
	vm_page_wire(pg);
	folio_unlock(pg->folio);
	remove_pages(w, a, 6, 0, false);	/* to the end */
	KUNIT_EXPECT_EQ(test, a->memq->resident, 4UL);
	KUNIT_EXPECT_PTR_EQ(test, world_page(a, 8), pg);
	KUNIT_EXPECT_FALSE(test, vm_page_valid(pg));
	KUNIT_EXPECT_FALSE(test, folio_test_dirty(pg->folio));
	vm_page_unwire(pg);

	world_lock(w);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if a generation stands still or goes back (I32). */
static void i32_generation_grows(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b;
	unsigned long gen;
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	world_write(w, P, 0, 100);
	b = world_object(w, P, 0);
	gen = vm_object_generation(b);
	world_write(w, P, 1, 101);
	KUNIT_EXPECT_GT(test, vm_object_generation(b), gen);
	gen = vm_object_generation(b);
	world_kill(w, c);		/* merge */
	KUNIT_EXPECT_GT(test, vm_object_generation(b), gen);
	world_dump(w);
}

/* Whatever page the search begins at, it finds what a walk through the tree finds. */
static void expect_near(struct kunit *test, struct vm_object *object)
{
	unsigned long nr = 0, i, near;
	struct vm_page *pg;

	for (i = 0; i < WORLD_PAGES; i++)
		for (near = 0; near < WORLD_PAGES; near++)
			KUNIT_EXPECT_PTR_EQ(test, world_page(object, i),
					    vm_memq_find_near(object->memq, at(i),
							      world_page(object, near)));
	for (pg = vm_page_first(object->memq, 0); pg; pg = vm_page_next(pg))
		nr++;
	KUNIT_EXPECT_EQ(test, nr, object->memq->resident);
}

/* Fails if pages are not in order after they were put near any other. */
static void pages_are_in_order_wherever_insertion_begins(struct kunit *test)
{
	static const unsigned char order[] = { 7, 3, 11, 12, 13, 1, 0, 15, 4, 5 };
	struct world *w = test->priv;
	struct vm_object *a;
	struct vm_page *pg;
	unsigned int i;

	world_lock(w);
	a = world_bare(w, 0, WORLD_PAGES);
	for (i = 0; i < 2 * ARRAY_SIZE(order); i++) {
		unsigned long page = order[i % ARRAY_SIZE(order)];

		pg = vm_page_alloc(w->family->mapping, at(page), 0, true);
		KUNIT_ASSERT_NOT_NULL(test, pg);
		KUNIT_EXPECT_EQ(test, i < ARRAY_SIZE(order) ? 0 : -EEXIST,
				vm_page_insert_near(a->memq, pg,
						    world_page(a, i % WORLD_PAGES)));
		folio_unlock(pg->folio);
		if (i >= ARRAY_SIZE(order))
			vm_page_free(pg);
		expect_near(test, a);
	}
	for (i = 0; i < ARRAY_SIZE(order); i += 3) {
		pg = world_page(a, order[i]);
		vm_page_remove(pg);
		vm_page_free(pg);
		expect_near(test, a);
	}
	vm_object_deallocate(a);
	world_unlock(w);
}

static struct kunit_case object_cases[] = {
	KUNIT_CASE(u1_allocate_anonymous),
	KUNIT_CASE(u2_allocate_named_has_no_onemapping),
	KUNIT_CASE(u3_reference_and_deallocate),
	KUNIT_CASE(u4_last_deallocate_frees),
	KUNIT_CASE(u5_deallocate_too_often_is_caught),
	KUNIT_CASE(u46_fork_splits_clipped_object),
	KUNIT_CASE(u47_split_only_with_onemapping_and_users),
	KUNIT_CASE(u48_partial_unmap_frees_and_shrinks),
	KUNIT_CASE(u49_partial_unmap_after_fork_keeps_pages),
	KUNIT_CASE(u52_page_remove),
	KUNIT_CASE(i32_generation_grows),
	KUNIT_CASE(pages_are_in_order_wherever_insertion_begins),
	{}
};

static struct kunit_suite object_suite = {
	.name = "vmobj_object",
	.init = world_init,
	.exit = world_exit,
	.test_cases = object_cases,
};

kunit_test_suite(object_suite);
