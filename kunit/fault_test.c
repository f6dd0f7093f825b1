// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forks, faults, inheritance, advice; and random histories of all of it.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include <vmobj/advise.h>

#include "world.h"

/* Fails if forking untouched memory makes objects, or ties the two together. */
static void u9_fork_of_untouched_memory(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	world_region(w, 4);
	c = world_fork(w, P);
	KUNIT_EXPECT_NULL(test, world_object(w, P, 0));
	KUNIT_EXPECT_NULL(test, world_object(w, c, 0));
	KUNIT_EXPECT_FALSE(test, world_entry(w, P, 0)->needs_copy);
	KUNIT_EXPECT_FALSE(test, world_entry(w, c, 0)->needs_copy);
	world_write(w, P, 0, 100);
	world_write(w, c, 1, 200);
	world_dump(w);
}

/* Fails if fork copies, allocates, or leaves somebody the right to write. */
static void u10_fork_is_lazy(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	KUNIT_EXPECT_PTR_EQ(test, world_object(w, P, 0), world_object(w, c, 0));
	EXPECT_OBJECT(w, world_object(w, P, 0), 2, 0, 4, false);
	KUNIT_EXPECT_TRUE(test, world_entry(w, P, 0)->needs_copy);
	KUNIT_EXPECT_TRUE(test, world_entry(w, c, 0)->needs_copy);
	EXPECT_COUNT(w, VMOBJ_OBJECTS_CREATED, 1);
	world_dump(w);
}

/* Fails if the first write after a fork does more than one shadow and one copy. */
static void u11_first_write_shadows(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c;

	world_written(w, 4);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	world_write(w, P, 0, 100);
	b = world_object(w, P, 0);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	EXPECT_OBJECT(w, b, 1, 0, 1, true);
	EXPECT_OBJECT(w, a, 2, 1, 4, false);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 0), 1ULL);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 1);
	world_dump(w);
}

/* A chain of three: Z <- A <- B; page 3 is in Z only. */
static struct vm_object *chain_of_three(struct world *w)
{
	world_written(w, 4);
	world_fork(w, P);
	world_write(w, P, 0, 100);
	world_fork(w, P);
	world_write(w, P, 1, 200);
	KUNIT_EXPECT_EQ(w->test, world_depth(w, P), 3U);
	return world_object(w, P, 0);
}

/* Fails if a read through a chain leaves anything behind in the top object. */
static void u34_read_through_the_chain(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b = chain_of_three(w), *o;

	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
	KUNIT_EXPECT_EQ(test, b->memq->resident, 1UL);
	for (o = b; o; o = o->backing_object)
		KUNIT_EXPECT_EQ(test, atomic_read(&o->paging_in_progress), 0);
	world_dump(w);
}

/* Fails if a write changes the source, or makes a copy that counts as clean. */
static void u35_write_copies_up(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *b = chain_of_three(w);
	struct vm_object *z = b->backing_object->backing_object;
	struct vm_page *source = world_page(z, 3);

	world_write(w, P, 3, 300);
	KUNIT_EXPECT_EQ(test, b->memq->resident, 2UL);
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(world_page(b, 3)->folio));
	KUNIT_EXPECT_PTR_EQ(test, world_page(z, 3), source);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 3);
	EXPECT_COUNT(w, VMOBJ_COW_MOVES, 0);
	world_dump(w);
}

/*
 * Fails if a page of a backing object that only the top uses is copied.  Such a
 * pair exists only while paging keeps it from merging.  (The swap block that BSD
 * forgot there: with the swap pager.)
 */
static void u36_move_up(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	struct vm_page *pg;
	int c, i;

	world_written(w, 4);
	c = world_fork(w, P);
	world_write(w, P, 0, 100);
	b = world_object(w, P, 0);
	a = b->backing_object;
	pg = world_page(a, 2);
	vm_object_pip_add(a);
	folio_lock(pg->folio);
	world_kill(w, c);		/* all but page 2 moves */
	folio_unlock(pg->folio);
	EXPECT_OBJECT(w, a, 1, 1, 1, false);
	world_write(w, P, 2, 300);
	KUNIT_EXPECT_PTR_EQ(test, world_page(b, 2), pg);
	KUNIT_EXPECT_EQ(test, a->memq->resident, 0UL);
	EXPECT_COUNT(w, VMOBJ_COW_MOVES, 1);
	EXPECT_COUNT(w, VMOBJ_COW_COPIES, 1);
	vm_object_pip_wakeup(a);
	for (i = 0; i < 500 && b->backing_object; i++)
		msleep(20);
	world_dump(w);
}

/* Fails if a page moves away from under others. */
static void u37_no_move_from_a_shared_object(struct kunit *test)
{
	struct world *w = test->priv;

	chain_of_three(w);
	world_write(w, P, 3, 300);	/* two levels down */
	world_write(w, P, 0, 301);	/* direct, but the child uses it */
	EXPECT_COUNT(w, VMOBJ_COW_MOVES, 0);
	world_dump(w);
}

/* Fails if memory nobody wrote is not zero, or changes by being read. */
static void u38_zero_fill(struct kunit *test)
{
	struct world *w = test->priv;
	int c;

	world_region(w, 4);
	world_write(w, P, 0, 100);
	c = world_fork(w, P);
	world_write(w, c, 1, 200);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 3), 0ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 0ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 3), 0ULL);
	EXPECT_COUNT(w, VMOBJ_ZERO_FILLS, 4);
	world_dump(w);
}

/* Fails if a fault outside all entries leaks a page, or finds one. */
static void u39_fault_outside(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;

	world_written(w, 4);
	KUNIT_EXPECT_EQ(test, (__force int)VM_FAULT_SIGBUS,
			world_fault(w, P, 4, true, &folio));
	KUNIT_EXPECT_EQ(test, (__force int)VM_FAULT_SIGBUS,
			world_fault(w, P, 4, false, &folio));
	KUNIT_EXPECT_EQ(test, world_pages(w), 4UL);
	world_dump(w);
}

/* A process that writes and reads back as fast as it can. */
struct writer {
	struct world *w;
	unsigned long bad;
	unsigned long rounds;
};

static int writer_fn(void *data)
{
	struct writer *writer = data;
	struct folio *folio;
	unsigned long page, n = 0;

	while (!kthread_should_stop()) {
		page = n++ % 4;
		if (vm_fault_page(writer->w->proc[P], at(page), n & 1, &folio)) {
			writer->bad++;
			continue;
		}
		folio_unlock(folio);
		folio_put(folio);
		writer->rounds++;
		cond_resched();
	}
	return 0;
}

/*
 * Fails if a fault that meets an object on its way out reports an error: in BSD
 * programs died of that "for no reason".
 */
static void u40_faults_beside_forks_and_exits(struct kunit *test)
{
	struct world *w = test->priv;
	struct writer writer = { .w = w };
	struct task_struct *task;
	int i;

	world_written(w, 4);
	task = kthread_run(writer_fn, &writer, "vmobj-writer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 300; i++) {
		int c = world_fork(w, P);

		world_write(w, c, i % 4, i);
		world_kill(w, c);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, writer.bad, 0UL);
	KUNIT_EXPECT_GT(test, writer.rounds, 0UL);
	world_dump(w);
}

/*
 * Fails if a copy is clean until somebody writes: after a merge nothing else
 * would hold its data.
 */
static void u41_copy_is_dirty_at_once(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	KUNIT_ASSERT_EQ(test, 0, world_fault(w, P, 1, true, &folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	folio_unlock(folio);
	folio_put(folio);
	world_kill(w, c);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	world_dump(w);
}

/* A child that shares its copy with a grandchild. */
static int share_with_grandchild(struct world *w, int child)
{
	int g;

	world_inherit(w, child, VM_INHERIT_SHARE);
	g = world_fork(w, child);
	return g;
}

/*
 * CVE-2021-29626: with a shared shadow, one sharer's copy left the others with the
 * old page.  Fails if the child does not read what the grandchild wrote.  (That the
 * PTEs go is tested from user space.)
 */
static void u42_shared_shadow(struct kunit *test)
{
	struct world *w = test->priv;
	int c, g;

	world_written(w, 4);
	c = world_fork(w, P);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 1), 2ULL);
	g = share_with_grandchild(w, c);
	world_write(w, g, 1, 300);
	w->want[c][1] = 300;
	KUNIT_EXPECT_EQ(test, world_read(w, c, 1), 300ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	world_dump(w);
	world_kill(w, P);		/* merge under the shared object */
	world_dump(w);
	world_write(w, c, 2, 400);
	w->want[g][2] = 400;
	world_dump(w);
}

/* Fails if sharing a lazy copy shares what it was copied from. */
static void u43_share_of_needs_copy(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *t;
	int c, g;

	world_written(w, 4);
	a = world_object(w, P, 0);
	c = world_fork(w, P);
	g = share_with_grandchild(w, c);
	t = world_object(w, c, 0);
	KUNIT_EXPECT_PTR_EQ(test, t, world_object(w, g, 0));
	KUNIT_EXPECT_PTR_EQ(test, t->backing_object, a);
	EXPECT_OBJECT(w, t, 2, 0, 0, false);
	KUNIT_EXPECT_FALSE(test, world_entry(w, c, 0)->needs_copy);
	KUNIT_EXPECT_FALSE(test, world_entry(w, g, 0)->needs_copy);
	world_dump(w);
}

/* Fails if a child gets what it must not inherit. */
static void u44_inherit_none(struct kunit *test)
{
	struct world *w = test->priv;
	struct folio *folio;
	struct vm_object *a;
	int c, g;

	world_written(w, 4);
	a = world_object(w, P, 0);
	world_inherit(w, P, VM_INHERIT_NONE);
	c = world_fork(w, P);
	KUNIT_EXPECT_TRUE(test, world_entry(w, c, 0)->absent);
	KUNIT_EXPECT_EQ(test, world_fault(w, c, 1, false, &folio),
			(__force int)VM_FAULT_SIGSEGV);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	memset(w->want[c], 0, sizeof(w->want[c]));
	world_dump(w);
	/* and so for ever */
	g = world_fork(w, c);
	KUNIT_EXPECT_EQ(test, world_fault(w, g, 3, true, &folio),
			(__force int)VM_FAULT_SIGSEGV);
	world_dump(w);
}

static void u45_wired_fork(struct kunit *test)
{
	kunit_skip(test, "entries are never wired: mlock() is Linux's own");
}

/*
 * D2.  Fails if a copy of shared memory changes when a sharer goes on writing: in
 * BSD it did.
 */
static void d2_copy_of_shared_memory_is_a_point_in_time(struct kunit *test)
{
	struct world *w = test->priv;
	int s, c;

	world_written(w, 4);
	world_inherit(w, P, VM_INHERIT_SHARE);
	s = world_fork(w, P);
	world_inherit(w, P, VM_INHERIT_COPY);
	c = world_fork(w, P);
	EXPECT_COUNT(w, VMOBJ_FREEZES, 1);
	world_write(w, s, 1, 300);
	w->want[P][1] = 300;
	world_write(w, P, 2, 400);
	w->want[s][2] = 400;
	KUNIT_EXPECT_EQ(test, world_read(w, c, 1), 2ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 2), 3ULL);
	world_dump(w);
	world_kill(w, c);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
	world_dump(w);
}

/* ---- advice ---- */

static void advise(struct world *w, struct vm_object *object, unsigned long page,
		   unsigned long pages, enum vm_advice advice)
{
	world_lock(w);
	vm_object_madvise(object, at(page), pages, advice);
	world_unlock(w);
}

/* Fails if FREE changes a value at once, or leaves the page dirty. (Swap: later.) */
static void u53_free_without_backing(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	advise(w, a, 1, 2, VM_ADVICE_FREE);
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(world_page(a, 0)->folio));
	KUNIT_EXPECT_FALSE(test, folio_test_dirty(world_page(a, 1)->folio));
	KUNIT_EXPECT_FALSE(test, folio_test_dirty(world_page(a, 2)->folio));
	world_dump(w);
	world_write(w, P, 1, 100);
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(world_page(a, 1)->folio));
	world_dump(w);
}

/* FreeBSD PR 240061.  Fails if FREE would bring old data back. */
static void u54_free_with_backing_does_nothing(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	world_written(w, 4);
	a = world_object(w, P, 0);
	world_fork(w, P);
	advise(w, a, 0, 4, VM_ADVICE_FREE);	/* not ONEMAPPING */
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(world_page(a, 0)->folio));
	world_write(w, P, 0, 100);
	b = world_object(w, P, 0);
	advise(w, b, 0, 4, VM_ADVICE_FREE);	/* has a backing object */
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(world_page(b, 0)->folio));
	world_dump(w);
}

/*
 * Fails if advice lands on the wrong page of an object below: BSD once used the
 * wrong object's offset, and forked servers lost data for years.
 */
static void u55_dontneed_two_levels_down(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *z, *a, *b;
	unsigned long i;

	world_lock(w);
	z = world_bare(w, 0, 16);
	for (i = 0; i < 16; i++)
		world_put(w, z, i, i);
	a = world_bare(w, 2, 12);
	vm_object_link_shadow(a, z);
	b = world_bare(w, 5, 8);
	vm_object_link_shadow(b, a);
	/* Page 1 of b is page 4 of a and page 6 of z. */
	vm_object_madvise(b, b->pg_base + 1, 1, VM_ADVICE_DONTNEED);
	for (i = 0; i < 16; i++)
		if (i != 6)
			KUNIT_EXPECT_EQ(test, (int)world_page(z, i)->queue,
					(int)VM_PAGEQ_ACTIVE);
	/* One call of 32 leaves its page alone. */
	if (world_page(z, 6)->queue == VM_PAGEQ_ACTIVE)
		KUNIT_EXPECT_LT(test, (int)world_page(z, 6)->act_count,
				VM_ACT_INIT);
	else
		KUNIT_EXPECT_EQ(test, (int)world_page(z, 6)->queue,
				(int)VM_PAGEQ_INACTIVE);
	vm_object_deallocate(b);
	world_unlock(w);
}

/* Fails if WILLNEED does not make resident pages active. */
static void u56_willneed_activates(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned long i;

	world_written(w, 4);
	a = world_object(w, P, 0);
	world_lock(w);
	vm_object_deactivate_pages(a);
	world_unlock(w);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, (int)world_page(a, i)->queue,
				(int)VM_PAGEQ_INACTIVE);
	advise(w, a, 1, 2, VM_ADVICE_WILLNEED);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, (int)world_page(a, i)->queue,
				i == 1 || i == 2 ? (int)VM_PAGEQ_ACTIVE :
				(int)VM_PAGEQ_INACTIVE);
	world_dump(w);
}

/* Which page does a scan of the inactive queue find first? */
static struct vm_page *first_inactive(struct vm_page *marker)
{
	struct vm_page *first = NULL;
	struct folio *folio;

	while ((folio = vm_pageq_scan_next(marker, VM_PAGEQ_INACTIVE))) {
		first = first ?: folio->private;
		folio_put(folio);
	}
	return first;
}

/* Fails if DONTNEED's wheel does not turn as BSD's: 16 left, 48 tail, 448 head. */
static void u61_dontneed_ratios(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_page *marker = vm_pageq_marker_alloc(), *pg, *other;
	unsigned int left = 0, head = 0, tail = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, marker);
	world_written(w, 2);
	pg = world_page(world_object(w, P, 0), 0);
	other = world_page(world_object(w, P, 0), 1);
	folio_lock(other->folio);
	vm_page_deactivate(other);
	folio_unlock(other->folio);

	folio_lock(pg->folio);
	for (i = 0; i < 512; i++) {
		vm_page_activate(pg);
		folio_clear_dirty(pg->folio);
		vm_page_dontneed(pg);
		if (pg->queue == VM_PAGEQ_ACTIVE)
			left++;
		else if (first_inactive(marker) == pg)
			head++;
		else
			tail++;
	}
	folio_unlock(pg->folio);
	vm_pageq_marker_free(marker);
	KUNIT_EXPECT_EQ(test, left, 16U);
	KUNIT_EXPECT_EQ(test, tail, 48U);
	KUNIT_EXPECT_EQ(test, head, 448U);
}

/* Fails if a scan loses its place when the page it stands on goes away. */
static void scan_survives_removal(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_page *marker = vm_pageq_marker_alloc();
	struct vm_object *a;
	struct folio *folio;
	unsigned int seen = 0;
	unsigned long i;

	KUNIT_ASSERT_NOT_NULL(test, marker);
	world_written(w, 8);
	a = world_object(w, P, 0);
	world_lock(w);
	vm_object_deactivate_pages(a);
	world_unlock(w);
	while ((folio = vm_pageq_scan_next(marker, VM_PAGEQ_INACTIVE))) {
		i = folio->index;
		folio_put(folio);
		seen++;
		world_lock(w);
		vm_object_page_remove(a, i, i + 1, false);
		world_unlock(w);
	}
	vm_pageq_marker_free(marker);
	KUNIT_EXPECT_EQ(test, seen, 8U);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_INACTIVE), 0UL);
	for (i = 0; i < 8; i++)
		w->want[P][i] = 0;
	world_dump(w);
}

/* Fails if a page is cached that is dirty, not valid or wired. */
static void only_clean_pages_are_cached(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_page *pg;

	world_written(w, 1);
	pg = world_page(world_object(w, P, 0), 0);
	folio_lock(pg->folio);
	KUNIT_EXPECT_FALSE(test, vm_page_cache(pg));
	folio_clear_dirty(pg->folio);
	vm_page_wire(pg);
	KUNIT_EXPECT_FALSE(test, vm_page_cache(pg));
	folio_unlock(pg->folio);
	vm_page_unwire(pg);
	folio_lock(pg->folio);
	KUNIT_EXPECT_TRUE(test, vm_page_cache(pg));
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_CACHE), 1UL);
	vm_page_activate(pg);
	folio_unlock(pg->folio);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_CACHE), 0UL);
	world_dump(w);
}

/* ---- random histories ---- */

static int random_process(struct world *w, struct rnd_state *rnd)
{
	int proc;

	do {
		proc = prandom_u32_state(rnd) % WORLD_PROCS;
	} while (!w->proc[proc]);
	return proc;
}

static unsigned int live_processes(struct world *w)
{
	unsigned int n = 0, i;

	for (i = 0; i < WORLD_PROCS; i++)
		n += !!w->proc[i];
	return n;
}

static void random_step(struct world *w, struct rnd_state *rnd)
{
	unsigned int what = prandom_u32_state(rnd) % 16;
	unsigned long page = prandom_u32_state(rnd) % WORLD_PAGES, i;
	int proc = random_process(w, rnd);

	if (what < 9) {
		world_lock(w);
		i = !!vm_map_lookup(w->proc[proc], at(page));
		world_unlock(w);
		if (i && what < 7)
			world_write(w, proc, page, prandom_u32_state(rnd));
		else if (i)
			KUNIT_EXPECT_EQ(w->test, world_read(w, proc, page),
					w->want[proc][page]);
	} else if (what < 12) {
		if (live_processes(w) < WORLD_PROCS)
			world_fork(w, proc);
	} else if (what < 14) {
		if (live_processes(w) > 1)
			world_kill(w, proc);
	} else if (what == 14) {
		i = min_t(unsigned long, page + 1 + prandom_u32_state(rnd) % 4,
			  WORLD_PAGES);
		world_unmap(w, proc, page, i);
		/* What comes there again is fresh. */
		memset(&w->want[proc][page], 0, (i - page) * sizeof(u64));
	} else {
		world_lock(w);
		vm_map_fill(w->proc[proc], at(0), at(WORLD_PAGES),
			    VM_INHERIT_COPY);
		world_unlock(w);
	}
}

/*
 * I24, I25.  Fails if any of fork, write, unmap, growth and exit in any order shows
 * a process anything but its own memory.
 */
static void random_histories(struct kunit *test)
{
	struct world *w = test->priv;
	struct rnd_state rnd;
	int run, step, proc;

	for (run = 0; run < 40; run++) {
		prandom_seed_state(&rnd, 1000 + run);
		memset(w->want, 0, sizeof(w->want));
		world_region(w, WORLD_PAGES);
		for (step = 0; step < 100; step++) {
			random_step(w, &rnd);
			if (step % 10 == 9)
				world_dump(w);
		}
		for (proc = 0; proc < WORLD_PROCS; proc++)
			if (w->proc[proc])
				world_kill(w, proc);
		KUNIT_ASSERT_EQ_MSG(test, world_objects(w), 0UL, "run %d", run);
		KUNIT_ASSERT_EQ_MSG(test, world_pages(w), 0UL, "run %d", run);
	}
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(u9_fork_of_untouched_memory),
	KUNIT_CASE(u10_fork_is_lazy),
	KUNIT_CASE(u11_first_write_shadows),
	KUNIT_CASE(u34_read_through_the_chain),
	KUNIT_CASE(u35_write_copies_up),
	KUNIT_CASE(u36_move_up),
	KUNIT_CASE(u37_no_move_from_a_shared_object),
	KUNIT_CASE(u38_zero_fill),
	KUNIT_CASE(u39_fault_outside),
	KUNIT_CASE(u40_faults_beside_forks_and_exits),
	KUNIT_CASE(u41_copy_is_dirty_at_once),
	KUNIT_CASE(u42_shared_shadow),
	KUNIT_CASE(u43_share_of_needs_copy),
	KUNIT_CASE(u44_inherit_none),
	KUNIT_CASE(u45_wired_fork),
	KUNIT_CASE(d2_copy_of_shared_memory_is_a_point_in_time),
	KUNIT_CASE(u53_free_without_backing),
	KUNIT_CASE(u54_free_with_backing_does_nothing),
	KUNIT_CASE(u55_dontneed_two_levels_down),
	KUNIT_CASE(u56_willneed_activates),
	KUNIT_CASE(u61_dontneed_ratios),
	KUNIT_CASE(scan_survives_removal),
	KUNIT_CASE(only_clean_pages_are_cached),
	KUNIT_CASE(random_histories),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "vmobj_fault",
	.init = world_init,
	.exit = world_exit,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
