// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps: what is mapped beside other memory, or grows, extends the object that is there.
 */
#include "world.h"

#include <vmobj/writeset.h>

static bool coalesce(struct world *w, struct vm_object *prev,
		     unsigned long end, unsigned long pages)
{
	bool done;

	world_lock(w);
	done = vm_object_coalesce(prev, at(end), pages);
	world_unlock(w);
	return done;
}

/* Fails if an object grows over what others may use, or does not grow at all. */
static void u50_coalesce(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *named;

	KUNIT_EXPECT_TRUE(test, coalesce(w, NULL, 4, 2));

	world_lock(w);
	named = vm_object_allocate(w->family, VM_OBJECT_VNODE, at(0), 4,
				   GFP_KERNEL);
	world_unlock(w);
	KUNIT_EXPECT_FALSE(test, coalesce(w, named, 4, 2));
	world_lock(w);
	vm_object_deallocate(named);
	a = world_bare(w, 0, 4);
	world_unlock(w);

	KUNIT_EXPECT_TRUE(test, coalesce(w, a, 4, 2));		/* R == 1 */
	KUNIT_EXPECT_EQ(test, a->size, 6UL);
	world_lock(w);
	vm_object_reference(a);
	world_unlock(w);
	KUNIT_EXPECT_FALSE(test, coalesce(w, a, 4, 2));		/* not the end */
	KUNIT_EXPECT_TRUE(test, coalesce(w, a, 6, 2));		/* the end */
	KUNIT_EXPECT_EQ(test, a->size, 8UL);
	world_lock(w);
	vm_object_deallocate(a);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if an object that shadows shared data grows. */
static void u50_coalesce_not_over_shared_backing(struct kunit *test)
{
	struct world *w = test->priv;

	world_written(w, 4);
	world_fork(w, P);
	world_write(w, P, 0, 100);
	KUNIT_EXPECT_FALSE(test, coalesce(w, world_object(w, P, 0), 4, 2));
	world_dump(w);
}

/* Fails if pages of an earlier mapping come back in grown memory. */
static void u51_coalesce_discards_stale_tail(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	world_put(w, a, 1, 11);
	world_put(w, a, 5, 55);
	world_put(w, a, 7, 77);
	world_unlock(w);
	KUNIT_EXPECT_TRUE(test, coalesce(w, a, 4, 3));
	KUNIT_EXPECT_EQ(test, a->size, 8UL);
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 1));
	KUNIT_EXPECT_NULL(test, world_page(a, 5));
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 7));
	world_lock(w);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if growth through a map shows what was unmapped there before. */
static void u51_grown_memory_is_zero(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned long i;

	world_written(w, 8);
	world_clip(w, P, 4);
	world_unmap(w, P, 4, 8);
	world_lock(w);
	vm_map_fill(w->proc[P], at(0), at(8), VM_INHERIT_COPY);
	world_unlock(w);
	for (i = 4; i < 8; i++)
		w->want[P][i] = 0;
	KUNIT_EXPECT_EQ(test, world_read(w, P, 6), 0ULL);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

/* ---- downwards ---- */

static bool coalesce_front(struct world *w, struct vm_object *next,
			   unsigned long start, unsigned long pages)
{
	bool done;

	world_lock(w);
	done = vm_object_coalesce_front(next, at(start), pages);
	world_unlock(w);
	return done;
}

/* The mirror of u50_coalesce. */
static void u50_coalesce_front(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *named;

	KUNIT_EXPECT_TRUE(test, coalesce_front(w, NULL, 4, 2));

	world_lock(w);
	named = vm_object_allocate(w->family, VM_OBJECT_VNODE, at(8), 4,
				   GFP_KERNEL);
	world_unlock(w);
	KUNIT_EXPECT_FALSE(test, coalesce_front(w, named, 8, 2));
	world_lock(w);
	vm_object_deallocate(named);
	a = world_bare(w, 8, 4);
	world_put(w, a, 9, 99);
	world_unlock(w);

	KUNIT_EXPECT_TRUE(test, coalesce_front(w, a, 8, 2));	/* R == 1 */
	KUNIT_EXPECT_EQ(test, a->pg_base, at(6));
	KUNIT_EXPECT_EQ(test, a->size, 6UL);
	world_lock(w);
	vm_object_reference(a);
	world_unlock(w);
	KUNIT_EXPECT_FALSE(test, coalesce_front(w, a, 8, 2));	/* not the start */
	KUNIT_EXPECT_TRUE(test, coalesce_front(w, a, 6, 4));	/* the start */
	KUNIT_EXPECT_EQ(test, a->pg_base, at(2));
	KUNIT_EXPECT_EQ(test, a->size, 10UL);
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 9));
	EXPECT_COUNT(w, VMOBJ_COALESCES, 2);
	world_lock(w);
	vm_object_deallocate(a);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* Fails if pages of an earlier mapping come back in front of an object. */
static void u51_coalesce_front_discards_stale_pages(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_lock(w);
	a = world_bare(w, 0, 8);
	world_put(w, a, 0, 10);
	world_put(w, a, 2, 12);
	world_put(w, a, 5, 15);
	world_unlock(w);
	KUNIT_EXPECT_TRUE(test, coalesce_front(w, a, 4, 3));
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 0));
	KUNIT_EXPECT_NULL(test, world_page(a, 2));
	KUNIT_EXPECT_NOT_NULL(test, world_page(a, 5));
	world_lock(w);
	vm_object_deallocate(a);
	world_unlock(w);
}

/*
 * Fails if a page that may be written gets lost when its object grows downwards: the
 * write set counts from where the object began.
 */
static void write_set_of_an_object_that_grows_downwards(struct kunit *test)
{
	static const pgoff_t where[] = { 200000, 199999, 190000, 150003, 260000 };
	struct vm_writeset_part part = { .link = NULL };
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned long bit, i, found = 0;

	world_lock(w);
	a = vm_object_allocate(w->family, VM_OBJECT_DEFAULT, 200000, 100000,
			       GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, vm_writeset_add(a, where[0], 1), 0);
	KUNIT_EXPECT_TRUE(test, vm_object_coalesce_front(a, 200000, 60000));
	for (i = 1; i < ARRAY_SIZE(where); i++)
		KUNIT_EXPECT_EQ(test, vm_writeset_add(a, where[i], 1), 0);
	while (vm_writeset_take(a, 0, ULONG_MAX, &part))
		for_each_set_bit(bit, vm_writeset_part_bits(&part),
				 VM_WRITESET_CHUNK)
			for (i = 0; i < ARRAY_SIZE(where); i++)
				if (part.base + bit == where[i])
					found |= BIT(i);
	KUNIT_EXPECT_EQ(test, found, BIT(ARRAY_SIZE(where)) - 1);
	vm_object_deallocate(a);
	world_unlock(w);
}

/* ---- entries ---- */

static void insert_fresh(struct world *w, unsigned long from, unsigned long to,
			 enum vm_inherit inheritance)
{
	world_lock(w);
	vm_map_insert_fresh(w->proc[P], at(from), at(to), inheritance);
	world_unlock(w);
	memset(&w->want[P][from], 0, (to - from) * sizeof(w->want[P][0]));
}

/*
 * Fails if the entry and the references do not follow (DragonFly's leak of 2014), or
 * if what was there shows again.
 */
static void u50_a_hole_is_closed_again(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 12);
	a = world_object(w, P, 0);
	world_unmap(w, P, 4, 8);
	EXPECT_OBJECT(w, a, 2, 0, 8, true);
	insert_fresh(w, 4, 6, VM_INHERIT_COPY);		/* behind the lower part */
	EXPECT_OBJECT(w, a, 2, 0, 8, true);
	insert_fresh(w, 6, 8, VM_INHERIT_COPY);		/* the rest of it */
	EXPECT_OBJECT(w, a, 1, 0, 8, true);
	KUNIT_EXPECT_EQ(test, w->proc[P]->nr_entries, 1UL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 5), 0ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 7), 0ULL);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

/* Fails if memory in front of an entry does not become part of it. */
static void u50_an_entry_grows_downwards(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 12);
	a = world_object(w, P, 0);
	world_unmap(w, P, 0, 8);
	insert_fresh(w, 6, 8, VM_INHERIT_COPY);
	insert_fresh(w, 1, 6, VM_INHERIT_COPY);
	KUNIT_EXPECT_EQ(test, w->proc[P]->nr_entries, 1UL);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, P, 1), a);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 0ULL);
	world_write(w, P, 2, 33);
	world_dump(w);
}

/*
 * Fails if memory that is to be copied, or is inherited in another way, becomes part of
 * what is mapped beside it.
 */
static void u50_only_alike_entries_grow(struct kunit *test)
{
	struct world *w = test->priv;

	world_written(w, 8);
	world_unmap(w, P, 4, 8);
	world_inherit(w, P, VM_INHERIT_ZERO);
	insert_fresh(w, 4, 6, VM_INHERIT_COPY);
	KUNIT_EXPECT_EQ(test, w->proc[P]->nr_entries, 2UL);
	KUNIT_EXPECT_EQ(test, (int)world_entry(w, P, 4)->inheritance,
			(int)VM_INHERIT_COPY);
	world_write(w, P, 4, 44);
	world_inherit(w, P, VM_INHERIT_COPY);
	world_fork(w, P);
	insert_fresh(w, 6, 8, VM_INHERIT_COPY);		/* beside a lazy copy */
	KUNIT_EXPECT_FALSE(test, world_entry(w, P, 6)->needs_copy);
	world_write(w, P, 6, 66);
	world_dump(w);
}

/* Fails if memory is taken for unused that another entry still maps. */
static void u50_no_growth_over_what_a_relative_maps(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	int c;

	world_written(w, 8);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	world_unmap(w, P, 4, 8);
	KUNIT_EXPECT_FALSE(test, coalesce(w, a, 4, 4));
	insert_fresh(w, 4, 8, VM_INHERIT_COPY);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 5), 0ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 5), 6ULL);
	world_dump(w);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(u50_coalesce),
	KUNIT_CASE(u50_coalesce_not_over_shared_backing),
	KUNIT_CASE(u51_coalesce_discards_stale_tail),
	KUNIT_CASE(u51_grown_memory_is_zero),
	KUNIT_CASE(u50_coalesce_front),
	KUNIT_CASE(u51_coalesce_front_discards_stale_pages),
	KUNIT_CASE(write_set_of_an_object_that_grows_downwards),
	KUNIT_CASE(u50_a_hole_is_closed_again),
	KUNIT_CASE(u50_an_entry_grows_downwards),
	KUNIT_CASE(u50_only_alike_entries_grow),
	KUNIT_CASE(u50_no_growth_over_what_a_relative_maps),
	{}
};

static struct kunit_suite map_suite = {
	.name = "vmobj_map",
	.init = world_init,
	.exit = world_exit,
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
