// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page daemon's scans, called one by one.  The store remembers what the pages of the
 * world hold: one number each.
 */
#include <linux/highmem.h>
#include <linux/kthread.h>

#include <vmobj/advise.h>
#include <vmobj/pageout.h>

#include "world.h"

#define STORE_BLOCKS	64UL

/* So many scans without success, and any page has been tried. */
#define PASSES		4

static struct {
	u64 block[STORE_BLOCKS];
	unsigned int writes;
	int error;
} store;

static int store_read(void *data, unsigned long first, struct page **pages,
		      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 *to = kmap_local_page(pages[i]);

		memset(to, 0, PAGE_SIZE);
		*to = store.block[first + i];
		kunmap_local(to);
	}
	return 0;
}

static int store_write(void *data, unsigned long first, struct page **pages,
		       unsigned int nr)
{
	unsigned int i;

	store.writes++;
	for (i = 0; i < nr && !store.error; i++) {
		u64 *from = kmap_local_page(pages[i]);

		store.block[first + i] = *from;
		kunmap_local(from);
	}
	return store.error;
}

static const struct vm_store_ops store_ops = {
	.type = "kunit",
	.read = store_read,
	.write = store_write,
};

static int pageout_test_init(struct kunit *test)
{
	memset(&store, 0, sizeof(store));
	return world_init(test) ?:
		vm_swapstore_add("kunit", &store_ops, NULL, STORE_BLOCKS, false,
				 1000);
}

static void pageout_test_exit(struct kunit *test)
{
	world_exit(test);
	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove("kunit"));
}

/* ---- helpers ---- */

static void deactivate_all(struct world *w, struct vm_object *object)
{
	world_lock(w);
	vm_object_deactivate_pages(object);
	world_unlock(w);
}

/* A region that has been written to, all of it inactive and dirty. */
static struct vm_object *written_and_inactive(struct world *w, unsigned long pages)
{
	struct vm_object *object;

	world_written(w, pages);
	object = world_object(w, P, 0);
	deactivate_all(w, object);
	return object;
}

static void expect_queue(struct world *w, struct vm_object *object,
			 unsigned long from, unsigned long to,
			 enum vm_pageq_id queue)
{
	for (; from < to; from++)
		KUNIT_EXPECT_EQ(w->test, (int)world_page(object, from)->queue,
				(int)queue);
}

/* ---- the inactive queue ---- */

/* Fails if dirty pages are written in the first round, or not in the second. */
static void u60_second_chance(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	a = written_and_inactive(w, 4);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 0), 0UL);
	KUNIT_EXPECT_EQ(test, store.writes, 0U);
	expect_queue(w, a, 0, 4, VM_PAGEQ_LAUNDRY);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 0), 4UL);
	KUNIT_EXPECT_EQ(test, store.writes, 1U);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	EXPECT_COUNT(w, VMOBJ_RECLAIMS, 4);
	EXPECT_COUNT(w, VMOBJ_SCANS, 5);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
}

/* Fails if who touches an inactive page does not get it another round, and a longer one. */
static void u60_touched_pages_are_active(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	a = written_and_inactive(w, 4);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 0), 0UL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	expect_queue(w, a, 1, 2, VM_PAGEQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, (int)world_page(a, 1)->act_count,
			VM_ACT_INIT + VM_ACT_ADVANCE);
	EXPECT_COUNT(w, VMOBJ_REACTIVATIONS, 1);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 3, 0), 3UL);
	EXPECT_OBJECT(w, a, 1, 0, 1, true);
	/* Its chance is a new one. */
	deactivate_all(w, a);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 1, 0), 0UL);
	world_dump(w);
}

/* Fails if what is clean waits, or is written. */
static void clean_pages_go_at_once(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_region(w, 4);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 2), 0ULL);
	a = world_object(w, P, 2);
	deactivate_all(w, a);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 1, 0), 1UL);
	KUNIT_EXPECT_EQ(test, store.writes, 0U);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
}

/* Fails if pages are written while there are clean ones, or if they go in no order. */
static void clean_pages_before_the_laundry(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	a = written_and_inactive(w, 5);
	/* The first two are looked at: so many are wanted. */
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, 0), 0UL);
	expect_queue(w, a, 0, 2, VM_PAGEQ_LAUNDRY);
	expect_queue(w, a, 2, 5, VM_PAGEQ_INACTIVE);
	folio_clear_dirty(world_page(a, 2)->folio);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 1, 0), 1UL);
	KUNIT_EXPECT_EQ(test, store.writes, 0U);
	KUNIT_EXPECT_PTR_EQ(test, world_page(a, 2), NULL);
	/* Neighbours of the laundry's first go along. */
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 1, 0), 2UL);
	KUNIT_EXPECT_EQ(test, store.writes, 1U);
	EXPECT_OBJECT(w, a, 1, 0, 2, true);
	/* Its data went with the mark. */
	world_write(w, P, 2, 3);
	world_dump(w);
}

/* Fails if a page in the laundry loses its place to advice, or stays there when clean. */
static void in_and_out_of_the_laundry(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct vm_page *pg;

	a = written_and_inactive(w, 2);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, 0), 0UL);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_LAUNDRY), 2UL);
	deactivate_all(w, a);
	expect_queue(w, a, 0, 2, VM_PAGEQ_LAUNDRY);
	pg = world_page(a, 1);
	folio_lock(pg->folio);
	folio_clear_dirty(pg->folio);
	vm_page_laundered(pg);
	folio_unlock(pg->folio);
	expect_queue(w, a, 1, 2, VM_PAGEQ_INACTIVE);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 0), 1ULL);
	expect_queue(w, a, 0, 1, VM_PAGEQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_LAUNDRY), 0UL);
	world_dump(w);
}

/* Fails if more goes than is wanted: what goes along in a cluster is not counted. */
static void no_more_than_wanted(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned long i;

	world_region(w, 8);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, world_read(w, P, i), 0ULL);
	a = world_object(w, P, 0);
	deactivate_all(w, a);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 3, 0), 3UL);
	EXPECT_OBJECT(w, a, 1, 0, 5, true);
	EXPECT_COUNT(w, VMOBJ_SCANS, 3);
}

/* Fails if a scan waits for a busy page, or moves it. */
static void busy_pages_are_left_alone(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct vm_page *pg;

	a = written_and_inactive(w, 2);
	pg = world_page(a, 0);
	folio_lock(pg->folio);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, 1), 1UL);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_INACTIVE);
	folio_unlock(pg->folio);
	EXPECT_OBJECT(w, a, 1, 0, 1, true);
	world_dump(w);
}

/* Fails if memory goes that mlock() has made stay; it is active then. */
static void locked_pages_stay(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct vm_page *pg;

	world_written(w, 2);
	a = world_object(w, P, 0);
	pg = world_page(a, 0);
	folio_set_mlocked(pg->folio);
	deactivate_all(w, a);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, 1), 1UL);
	KUNIT_EXPECT_PTR_EQ(test, world_page(a, 0), pg);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, PASSES), 0UL);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_ACTIVE);
	folio_clear_mlocked(pg->folio);
	world_dump(w);
}

/* Fails if a page that somebody uses goes, or is asked for again in each scan. */
static void pages_in_use_become_active(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct folio *folio;

	/* Clean, so that the first scan tries them. */
	world_region(w, 2);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 0ULL);
	a = world_object(w, P, 0);
	deactivate_all(w, a);
	folio = world_page(a, 0)->folio;
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 2, 0), 1UL);
	KUNIT_ASSERT_PTR_EQ(test, world_page(a, 0)->folio, folio);
	expect_queue(w, a, 0, 1, VM_PAGEQ_ACTIVE);
	folio_put(folio);
	world_dump(w);
}

/*
 * Fails if data are lost, or queues are wrong, when nothing can be written, or if it is tried
 * again and again.
 */
static void errors_lose_nothing(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	a = written_and_inactive(w, 4);
	store.error = -EIO;
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 1), 0UL);
	/* Four attempts are enough to know. */
	KUNIT_EXPECT_EQ(test, store.writes, 4U);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 1), 0UL);
	KUNIT_EXPECT_EQ(test, store.writes, 4U);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	world_dump(w);
	store.error = 0;
	schedule_timeout_uninterruptible(HZ + 2);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 1), 4UL);
	world_dump(w);
}

/* ---- the active queue ---- */

/* Fails if pages do not become inactive in their time, neither earlier nor later. */
static void activity_declines(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	int i;

	world_written(w, 3);
	a = world_object(w, P, 0);
	for (i = 1; i < VM_ACT_INIT; i++) {
		KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 3, 0), 0UL);
		expect_queue(w, a, 0, 3, VM_PAGEQ_ACTIVE);
		KUNIT_EXPECT_EQ(test, (int)world_page(a, 2)->act_count,
				VM_ACT_INIT - i);
	}
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 3, 0), 0UL);
	expect_queue(w, a, 0, 3, VM_PAGEQ_INACTIVE);
	EXPECT_COUNT(w, VMOBJ_DEACTIVATIONS, 3);
	world_dump(w);
}

/* Fails if waiters would be told that there is no hope while there is. */
static void any_page_goes_in_so_many_passes(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned int pass;
	int i;

	world_written(w, 8);
	a = world_object(w, P, 0);
	for (i = 0; i < 8; i++)
		world_page(a, i)->act_count = VM_ACT_MAX;
	for (pass = 0; pass <= PASSES; pass++)
		if (vm_pageout_scan(NULL, 8, pass))
			break;
	KUNIT_EXPECT_LE(test, pass, (unsigned int)PASSES);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	world_dump(w);
}

/* Fails if no pages are made inactive ahead of time, or all of them. */
static void a_third_is_inactive(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned long inactive;
	int i;

	world_written(w, 12);
	inactive = vm_pageq_count(VM_PAGEQ_INACTIVE);
	for (i = 0; i < VM_ACT_INIT; i++)
		vm_pageout_scan(NULL, 0, 0);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_INACTIVE) - inactive,
			4UL);
	world_dump(w);
}

/* ---- scans beside others ---- */

/* Looks at all queues as a scan does, until it is told to stop. */
static int scanner(void *data)
{
	struct vm_page *marker = data;
	struct vm_family *family;
	enum vm_pageq_id id = VM_PAGEQ_ACTIVE;
	struct folio *folio;

	while (!kthread_should_stop()) {
		folio = vm_pageq_scan_next(marker, id);
		if (!folio) {
			id = id == VM_PAGEQ_ACTIVE ? VM_PAGEQ_INACTIVE :
						     VM_PAGEQ_ACTIVE;
			cond_resched();
			continue;
		}
		family = NULL;
		folio_lock(folio);
		if (folio->mapping) {
			family = vm_family_of_folio(folio);
			vm_page_deactivate(folio->private);
		}
		folio_unlock(folio);
		folio_put(folio);
		if (family)
			vm_family_put(family);
	}
	return 0;
}

/* Fails, under KASAN, if a page is freed while a scan uses it. */
static void pages_are_freed_under_a_scan(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_page *marker = vm_pageq_marker_alloc();
	struct task_struct *task;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, marker);
	task = kthread_run(scanner, marker, "vmobj_scan");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 60; i++) {
		world_written(w, WORLD_PAGES);
		world_kill(w, P);
		cond_resched();
	}
	kthread_stop(task);
	vm_pageq_marker_free(marker);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL);
}

static struct kunit_case pageout_cases[] = {
	KUNIT_CASE(u60_second_chance),
	KUNIT_CASE(u60_touched_pages_are_active),
	KUNIT_CASE(clean_pages_go_at_once),
	KUNIT_CASE(clean_pages_before_the_laundry),
	KUNIT_CASE(in_and_out_of_the_laundry),
	KUNIT_CASE(no_more_than_wanted),
	KUNIT_CASE(busy_pages_are_left_alone),
	KUNIT_CASE(locked_pages_stay),
	KUNIT_CASE(pages_in_use_become_active),
	KUNIT_CASE(errors_lose_nothing),
	KUNIT_CASE(activity_declines),
	KUNIT_CASE(any_page_goes_in_so_many_passes),
	KUNIT_CASE(a_third_is_inactive),
	KUNIT_CASE(pages_are_freed_under_a_scan),
	{}
};

static struct kunit_suite pageout_suite = {
	.name = "vmobj_pageout",
	.init = pageout_test_init,
	.exit = pageout_test_exit,
	.test_cases = pageout_cases,
};

kunit_test_suite(pageout_suite);
