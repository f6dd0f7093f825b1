// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a store: vm_pager_getpage() and vm_object_page_clean(), with an array for a
 * file.  Each page holds one number, and so does each element of the array.
 */
#include <linux/highmem.h>
#include <linux/pagemap.h>

#include <vmobj/handle.h>
#include <vmobj/pageout.h>
#include <vmobj/pager.h>

#include "world.h"

#define STORE_PAGES	64
#define NUMBER(i)	(1000 + (i))	/* what page i of the store holds at first */

/**
 * struct store - a pager for tests
 * @pager: the pager
 * @handle: handle of the object
 * @w: the world
 * @object: object of the store
 * @bytes: where it ends
 * @data: what is in it
 * @writes: calls of write
 * @written: how often each page was written
 * @reads: calls of read
 * @syncs: calls of sync
 * @error: what the next reads and writes return
 * @only: pages that an error is about: this one, or all if it is negative
 * @during: called in the middle of a read or write
 */
struct store {
	struct vm_pager pager;
	struct vm_handle handle;
	struct world *w;
	struct vm_object *object;
	loff_t bytes;
	u64 data[STORE_PAGES];
	unsigned int writes;
	unsigned int written[STORE_PAGES];
	unsigned int reads;
	unsigned int syncs;
	int error;
	int only;
	void (*during)(struct store *store);
};

static loff_t store_size(struct vm_pager *pager)
{
	return container_of(pager, struct store, pager)->bytes;
}

static bool store_fails(struct store *store, unsigned long first,
			unsigned int nr)
{
	return store->error && (store->only < 0 ||
				(store->only >= first &&
				 store->only < first + nr));
}

static ssize_t store_read(struct vm_pager *pager, loff_t pos,
			  struct bio_vec *bv, unsigned int nr)
{
	struct store *store = container_of(pager, struct store, pager);
	unsigned long first = (pos >> PAGE_SHIFT) - WORLD_BASE;
	unsigned int i;

	store->reads++;
	if (store_fails(store, first, nr))
		return store->error;
	for (i = 0; i < nr && first + i < STORE_PAGES; i++) {
		void *p = kmap_local_page(bv[i].bv_page);

		memset(p, 0xee, PAGE_SIZE);
		*(u64 *)p = store->data[first + i];
		kunmap_local(p);
	}
	if (store->during)
		store->during(store);
	return min_t(loff_t, (loff_t)nr << PAGE_SHIFT, store->bytes - pos);
}

static int store_write(struct vm_pager *pager, pgoff_t index,
		       struct bio_vec *bv, unsigned int nr)
{
	struct store *store = container_of(pager, struct store, pager);
	unsigned long first = index - WORLD_BASE;
	unsigned int i;

	store->writes++;
	if (store_fails(store, first, nr))
		return store->error;
	for (i = 0; i < nr; i++) {
		u64 *p = kmap_local_page(bv[i].bv_page);

		store->data[first + i] = *p;
		store->written[first + i]++;
		kunmap_local(p);
	}
	if (store->during)
		store->during(store);
	return 0;
}

static int store_sync(struct vm_pager *pager, loff_t start, loff_t last)
{
	container_of(pager, struct store, pager)->syncs++;
	return 0;
}

static const struct vm_pager_ops store_ops = {
	.size = store_size,
	.read = store_read,
	.write = store_write,
	.sync = store_sync,
};

static struct store *store_make(struct kunit *test)
{
	struct store *store = kunit_kzalloc(test, sizeof(*store), GFP_KERNEL);
	struct world *w = test->priv;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, store);
	vm_pager_setup(&store->pager, &store_ops);
	store->w = w;
	store->only = -1;
	store->bytes = (loff_t)at(STORE_PAGES) << PAGE_SHIFT;
	for (i = 0; i < STORE_PAGES; i++)
		store->data[i] = NUMBER(i);
	world_lock(w);
	store->object = vm_object_allocate(w->family, VM_OBJECT_VNODE, at(0),
					   STORE_PAGES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, store->object);
	store->handle.pager = &store->pager;
	store->object->handle = &store->handle;
	world_unlock(w);
	return store;
}

static void store_end(struct store *store)
{
	world_lock(store->w);
	vm_object_deallocate(store->object);
	world_unlock(store->w);
}

/* As a process would with a shared mapping. */
static void store_dirty(struct store *store, unsigned long page, u64 value)
{
	struct vm_page *pg;
	u64 *p;

	vm_family_read_lock(store->w->family);
	pg = world_page(store->object, page);
	KUNIT_ASSERT_NOT_NULL(store->w->test, pg);
	folio_lock(pg->folio);
	vm_object_set_writeable_dirty(store->object);
	p = kmap_local_folio(pg->folio, 0);
	*p = value;
	kunmap_local(p);
	folio_set_dirty(pg->folio);
	folio_unlock(pg->folio);
	vm_family_read_unlock(store->w->family);
}

static int store_get(struct store *store, unsigned long page)
{
	int err;

	vm_object_pip_add(store->object);
	err = vm_pager_getpage(store->object, at(page));
	vm_object_pip_wakeup(store->object);
	return err;
}

/* Bring pages in, and write to each: 1, 2, 3... */
static void store_dirty_range(struct store *store, unsigned long from,
			      unsigned long to)
{
	unsigned long i;

	for (i = from; i < to; i++) {
		KUNIT_ASSERT_EQ(store->w->test, store_get(store, i), 0);
		store_dirty(store, i, i + 1);
	}
}

static bool store_is_dirty(struct store *store, unsigned long page)
{
	struct vm_page *pg = world_page(store->object, page);

	return pg && folio_test_dirty(pg->folio);
}

static unsigned int store_nr_dirty(struct store *store)
{
	unsigned int nr = 0;
	unsigned long i;

	for (i = 0; i < STORE_PAGES; i++)
		nr += store_is_dirty(store, i);
	return nr;
}

static unsigned int store_nr_written(struct store *store)
{
	unsigned int nr = 0;
	unsigned long i;

	for (i = 0; i < STORE_PAGES; i++)
		nr += store->written[i];
	return nr;
}

static bool store_might_be_dirty(struct store *store)
{
	return vm_object_test(store->object, VM_OBJ_MIGHTBEDIRTY);
}

/* ---- in ---- */

/* Fails if neighbours are not read along, or more than a cluster is. */
static void getpage_reads_a_cluster(struct kunit *test)
{
	struct store *store = store_make(test);

	KUNIT_EXPECT_EQ(test, store_get(store, 20), 0);
	KUNIT_EXPECT_EQ(test, store->reads, 1U);
	KUNIT_EXPECT_EQ(test, store->object->memq->resident,
			(unsigned long)VM_CLUSTER);
	KUNIT_EXPECT_NOT_NULL(test, world_page(store->object, 16));
	KUNIT_EXPECT_NOT_NULL(test, world_page(store->object, 31));
	KUNIT_EXPECT_EQ(test, store_nr_dirty(store), 0U);
	/* There already. */
	KUNIT_EXPECT_EQ(test, store_get(store, 21), 0);
	KUNIT_EXPECT_EQ(test, store->reads, 1U);
	/* Stops at what is there. */
	world_lock(store->w);
	vm_object_page_remove(store->object, at(18), at(22), false);
	world_unlock(store->w);
	KUNIT_EXPECT_EQ(test, store_get(store, 20), 0);
	KUNIT_EXPECT_EQ(test, store->reads, 2U);
	KUNIT_EXPECT_EQ(test, store->object->memq->resident,
			(unsigned long)VM_CLUSTER);
	store_end(store);
}

/* Fails if the last page shows what was in its memory before, or there is a next. */
static void getpage_at_the_end(struct kunit *test)
{
	struct store *store = store_make(test);
	struct vm_page *pg;
	u8 *p;

	store->bytes = ((loff_t)at(9) << PAGE_SHIFT) + 100;
	KUNIT_EXPECT_EQ(test, store_get(store, 8), 0);
	pg = world_page(store->object, 9);
	KUNIT_ASSERT_NOT_NULL(test, pg);
	p = kmap_local_folio(pg->folio, 0);
	KUNIT_EXPECT_EQ(test, p[99], (u8)0xee);
	KUNIT_EXPECT_NULL(test, memchr_inv(p + 100, 0, PAGE_SIZE - 100));
	kunmap_local(p);
	KUNIT_EXPECT_NULL(test, world_page(store->object, 10));
	KUNIT_EXPECT_EQ(test, store_get(store, 10), -EFAULT);
	store_end(store);
}

/* Fails if an error leaves a page behind, or harms who did not ask for that page. */
static void getpage_error(struct kunit *test)
{
	struct store *store = store_make(test);

	store->error = -EIO;
	store->only = 3;
	KUNIT_EXPECT_EQ(test, store_get(store, 5), 0);
	KUNIT_EXPECT_EQ(test, store->object->memq->resident, 1UL);
	KUNIT_EXPECT_EQ(test, store_get(store, 3), -EIO);
	KUNIT_EXPECT_EQ(test, store->object->memq->resident, 1UL);
	store->error = 0;
	KUNIT_EXPECT_EQ(test, store_get(store, 3), 0);
	store_end(store);
}

static void store_change_once(struct store *store)
{
	store->during = NULL;
	world_lock(store->w);
	store->pager.changes++;
	store->data[7] = 77;
	world_unlock(store->w);
}

/* Fails if data get in that were out of date by then. */
static void getpage_races_with_change(struct kunit *test)
{
	struct store *store = store_make(test);
	u64 *p;

	store->during = store_change_once;
	KUNIT_EXPECT_EQ(test, store_get(store, 7), 0);
	KUNIT_EXPECT_EQ(test, store->reads, 2U);
	p = kmap_local_folio(world_page(store->object, 7)->folio, 0);
	KUNIT_EXPECT_EQ(test, *p, 77ULL);
	kunmap_local(p);
	store_end(store);
}

/* ---- out ---- */

/* Fails if a partial range is not kept to, as in DragonFly 1.29. */
static void u62_page_clean_of_a_range(struct kunit *test)
{
	struct store *store = store_make(test);

	store_dirty_range(store, 0, 8);
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, at(2), at(5),
						   0), 0);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 3U);
	KUNIT_EXPECT_EQ(test, store->data[2], 3ULL);
	KUNIT_EXPECT_EQ(test, store->data[4], 5ULL);
	KUNIT_EXPECT_EQ(test, store->data[5], (u64)NUMBER(5));
	KUNIT_EXPECT_EQ(test, store_nr_dirty(store), 5U);
	KUNIT_EXPECT_TRUE(test, store_might_be_dirty(store));
	/* The rest; nothing twice. */
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0,
						   VM_CLEAN_SYNC), 0);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 8U);
	KUNIT_EXPECT_EQ(test, store_nr_dirty(store), 0U);
	KUNIT_EXPECT_FALSE(test, store_might_be_dirty(store));
	KUNIT_EXPECT_EQ(test, store->syncs, 1U);
	store_end(store);
}

/* Fails if neighbours are written one by one, or over a page that is clean. */
static void page_clean_clusters(struct kunit *test)
{
	struct store *store = store_make(test);

	store_dirty_range(store, 0, 20);
	vm_object_page_clean(store->object, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, store->writes, 2U);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 20U);

	store_dirty(store, 3, 1);
	store_dirty(store, 4, 1);
	store_dirty(store, 6, 1);
	store->writes = 0;
	vm_object_page_clean(store->object, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, store->writes, 2U);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 23U);
	store_end(store);
}

/* Fails if what is clean, or out of the range, or wired, is treated wrongly. */
static void page_clean_inval(struct kunit *test)
{
	struct store *store = store_make(test);
	struct vm_page *wired;

	store_dirty_range(store, 0, 4);
	wired = world_page(store->object, 3);
	folio_lock(wired->folio);
	vm_page_wire(wired);
	folio_unlock(wired->folio);
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, at(1), at(12),
						   VM_CLEAN_INVAL), 0);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 3U);
	KUNIT_EXPECT_TRUE(test, store_is_dirty(store, 0));
	KUNIT_EXPECT_NULL(test, world_page(store->object, 1));
	KUNIT_EXPECT_NULL(test, world_page(store->object, 11));
	KUNIT_EXPECT_NOT_NULL(test, world_page(store->object, 12));
	KUNIT_EXPECT_PTR_EQ(test, world_page(store->object, 3), wired);
	KUNIT_EXPECT_TRUE(test, vm_page_valid(wired));
	vm_page_unwire(wired);
	/* Comes back as it was written. */
	KUNIT_EXPECT_EQ(test, store_get(store, 1), 0);
	KUNIT_EXPECT_EQ(test, store->data[1], 2ULL);
	store_end(store);
}

/* Fails if pages that may wait do not, or are forgotten. */
static void page_clean_nosync(struct kunit *test)
{
	struct store *store = store_make(test);

	store_dirty_range(store, 0, 4);
	world_page(store->object, 2)->nosync = true;
	vm_object_page_clean(store->object, 0, 0, VM_CLEAN_NOSYNC);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 3U);
	KUNIT_EXPECT_TRUE(test, store_is_dirty(store, 2));
	KUNIT_EXPECT_TRUE(test, store_might_be_dirty(store));
	vm_object_page_clean(store->object, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, store->written[2], 1U);
	KUNIT_EXPECT_FALSE(test, store_might_be_dirty(store));
	store_end(store);
}

/* A process writes to a page that is being written, and to one that has been. */
static void store_write_again(struct store *store)
{
	if (store->writes == 2) {
		store_dirty(store, 0, 100);
		store_dirty(store, 17, 117);
	}
}

/* Fails if that is lost, or keeps the scan busy. */
static void page_clean_redirtied(struct kunit *test)
{
	struct store *store = store_make(test);

	store_dirty_range(store, 0, 40);
	store->during = store_write_again;
	vm_object_page_clean(store->object, 0, 0, VM_CLEAN_SYNC);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 40U);
	KUNIT_EXPECT_EQ(test, store_nr_dirty(store), 2U);
	KUNIT_EXPECT_TRUE(test, store_might_be_dirty(store));
	store->during = NULL;
	vm_object_page_clean(store->object, 0, 0, VM_CLEAN_SYNC);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 42U);
	KUNIT_EXPECT_EQ(test, store->data[0], 100ULL);
	KUNIT_EXPECT_EQ(test, store->data[17], 117ULL);
	KUNIT_EXPECT_FALSE(test, store_might_be_dirty(store));
	store_end(store);
}

/* Fails if an error loses data, or is told to one descriptor only, or twice. */
static void page_clean_error(struct kunit *test)
{
	struct store *store = store_make(test);
	struct world *w = test->priv;

	store_dirty_range(store, 0, 40);
	store->error = -ENOSPC;
	store->only = 20;
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0, 0),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, store_nr_dirty(store), 16U);
	KUNIT_EXPECT_TRUE(test, store_is_dirty(store, 20));
	KUNIT_EXPECT_FALSE(test, store_is_dirty(store, 39));
	KUNIT_EXPECT_TRUE(test, store_might_be_dirty(store));
	KUNIT_EXPECT_EQ(test, file_check_and_advance_wb_err(w->file), -ENOSPC);
	KUNIT_EXPECT_EQ(test, file_check_and_advance_wb_err(w->file), 0);
	store->error = 0;
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, store_nr_written(store), 40U);
	KUNIT_EXPECT_EQ(test, store->data[20], 21ULL);
	store_end(store);
}

static void store_launder(struct store *store, unsigned long page)
{
	struct vm_page *pg = world_page(store->object, page);

	folio_lock(pg->folio);
	vm_page_launder(pg);
	folio_unlock(pg->folio);
}

/* Fails if what has been laundered is not the first to go, or cannot be used any longer. */
static void laundered_pages_are_cached(struct kunit *test)
{
	struct store *store = store_make(test);
	struct vm_page *pg;
	unsigned long i;

	store_dirty_range(store, 0, 4);
	for (i = 0; i < 3; i++)
		store_launder(store, i);
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, vm_pageq_count(VM_PAGEQ_CACHE), 3UL);
	KUNIT_EXPECT_EQ(test, (int)world_page(store->object, 3)->queue,
			(int)VM_PAGEQ_ACTIVE);
	pg = world_page(store->object, 1);
	folio_lock(pg->folio);
	vm_page_touched(pg);
	folio_unlock(pg->folio);
	KUNIT_EXPECT_EQ(test, vm_pageout_scan(NULL, 4, 0), 2UL);
	KUNIT_EXPECT_PTR_EQ(test, world_page(store->object, 0), NULL);
	KUNIT_EXPECT_PTR_EQ(test, world_page(store->object, 1), pg);
	KUNIT_EXPECT_PTR_EQ(test, world_page(store->object, 2), NULL);
	/* One that cannot be written is not. */
	store_dirty(store, 1, 7);
	store_launder(store, 1);
	store->error = -EIO;
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0, 0), -EIO);
	KUNIT_EXPECT_EQ(test, (int)pg->queue, (int)VM_PAGEQ_LAUNDRY);
	store->error = 0;
	store_end(store);
}

/* Pages go and come while others are written. */
static void store_stir(struct store *store)
{
	unsigned int page = 48 + store->writes % 16;

	store->during = NULL;
	world_lock(store->w);
	vm_object_page_remove(store->object, at(page), at(page + 1), true);
	vm_object_page_remove(store->object, at(33), at(34), false);
	world_unlock(store->w);
	store_get(store, page);
	store_dirty(store, 1, 1);	/* has been passed: not this time */
	store->during = store_stir;
}

/* Fails if a change makes the scan miss a page, or begin again for ever. */
static void page_clean_generation_changes(struct kunit *test)
{
	struct store *store = store_make(test);
	unsigned long generation;
	unsigned int i;

	store_get(store, 48);
	for (i = 0; i < 40; i += 2) {
		store_get(store, i);
		store_dirty(store, i, i);
	}
	store_get(store, 33);
	store_get(store, 1);
	store->during = store_stir;
	generation = vm_object_generation(store->object);
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0,
						   VM_CLEAN_SYNC), 0);
	KUNIT_EXPECT_NE(test, vm_object_generation(store->object), generation);
	for (i = 2; i < 40; i += 2)
		KUNIT_EXPECT_EQ(test, store->written[i], 1U);
	KUNIT_EXPECT_LE(test, store->written[1], 1U);
	KUNIT_EXPECT_EQ(test, store->writes, 20U);
	store_end(store);
}

/* The store is changed while a page is written, and the page wanted. */
static void store_change_and_get(struct store *store)
{
	store->during = NULL;
	store->data[2] = NUMBER(2);	/* what has been written is not there yet */
	world_lock(store->w);
	store->pager.changes++;
	vm_object_page_remove(store->object, at(0), 0, true);
	world_unlock(store->w);
	KUNIT_EXPECT_EQ(store->w->test, store_get(store, 2), 0);
	KUNIT_EXPECT_EQ(store->w->test, store->reads, 1U);
	store->data[2] = 3;
}

/* Fails if the page is read from the store before it has been written there. */
static void page_clean_races_with_change(struct kunit *test)
{
	struct store *store = store_make(test);
	u64 *p;

	store_dirty_range(store, 2, 3);
	store->during = store_change_and_get;
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(store->object, 0, 0, 0), 0);
	/* Out of date perhaps. */
	KUNIT_EXPECT_NULL(test, world_page(store->object, 2));
	KUNIT_EXPECT_EQ(test, store_get(store, 2), 0);
	p = kmap_local_folio(world_page(store->object, 2)->folio, 0);
	KUNIT_EXPECT_EQ(test, *p, 3ULL);
	kunmap_local(p);
	store_end(store);
}

/* Fails if anonymous memory is written anywhere. */
static void page_clean_of_anonymous_memory(struct kunit *test)
{
	struct world *w = test->priv;

	world_written(w, 4);
	KUNIT_EXPECT_EQ(test, vm_object_page_clean(world_object(w, P, 0), 0, 0,
						   VM_CLEAN_SYNC |
						   VM_CLEAN_INVAL), 0);
	world_dump(w);
}

static struct kunit_case pageclean_cases[] = {
	KUNIT_CASE(getpage_reads_a_cluster),
	KUNIT_CASE(getpage_at_the_end),
	KUNIT_CASE(getpage_error),
	KUNIT_CASE(getpage_races_with_change),
	KUNIT_CASE(u62_page_clean_of_a_range),
	KUNIT_CASE(page_clean_clusters),
	KUNIT_CASE(page_clean_inval),
	KUNIT_CASE(page_clean_nosync),
	KUNIT_CASE(page_clean_redirtied),
	KUNIT_CASE(page_clean_error),
	KUNIT_CASE(laundered_pages_are_cached),
	KUNIT_CASE(page_clean_generation_changes),
	KUNIT_CASE(page_clean_races_with_change),
	KUNIT_CASE(page_clean_of_anonymous_memory),
	{}
};

static struct kunit_suite pageclean_suite = {
	.name = "vmobj_pageclean",
	.init = world_init,
	.exit = world_exit,
	.test_cases = pageclean_cases,
};

kunit_test_suite(pageclean_suite);
