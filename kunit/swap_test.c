// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swap: pages out and in, and what becomes of blocks when objects change.  The store is
 * an array in memory.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include <vmobj/advise.h>
#include <vmobj/pager.h>

#include "world.h"

#define STORE_BLOCKS	64UL

/* What the store does, and has done. */
static struct {
	struct page *block[STORE_BLOCKS];
	unsigned long used;	/* when the test began */
	int error;		/* of all I/O from now on */
	unsigned int reads;
	unsigned int writes;
	void (*on_write)(struct world *w);
	void (*on_read)(struct world *w);
	struct world *w;
} store;

static int store_copy(unsigned long first, struct page **pages, unsigned int nr,
		      bool write)
{
	unsigned int i;

	if (store.error)
		return store.error;
	for (i = 0; i < nr; i++) {
		if (write)
			copy_highpage(store.block[first + i], pages[i]);
		else
			copy_highpage(pages[i], store.block[first + i]);
	}
	return 0;
}

static int store_read(void *data, unsigned long first, struct page **pages,
		      unsigned int nr)
{
	int err = store_copy(first, pages, nr, false);

	store.reads++;
	if (store.on_read)
		store.on_read(store.w);
	return err;
}

static int store_write(void *data, unsigned long first, struct page **pages,
		       unsigned int nr)
{
	int err = store_copy(first, pages, nr, true);

	store.writes++;
	if (store.on_write)
		store.on_write(store.w);
	return err;
}

static const struct vm_store_ops store_ops = {
	.read = store_read,
	.write = store_write,
};

static int swap_test_init_blocks(struct kunit *test, unsigned long blocks)
{
	unsigned long i;
	int err;

	memset(&store, 0, sizeof(store));
	for (i = 0; i < STORE_BLOCKS; i++) {
		store.block[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, store.block[i]);
	}
	err = world_init(test);
	store.w = test->priv;
	store.used = vm_swblk_used();
	return err ?: vm_swapstore_add("kunit", &store_ops, NULL, blocks, false,
				       1000);
}

static int swap_test_init(struct kunit *test)
{
	return swap_test_init_blocks(test, STORE_BLOCKS);
}

static void swap_test_exit(struct kunit *test)
{
	unsigned long i;

	store.error = 0;
	world_exit(test);
	/* I33: no block is left when all objects are gone. */
	KUNIT_EXPECT_EQ(test, vm_swblk_used(), store.used);
	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove("kunit"));
	for (i = 0; i < STORE_BLOCKS; i++)
		if (store.block[i])
			__free_page(store.block[i]);
}

#define EXPECT_USED(nr) \
	KUNIT_EXPECT_EQ(test, vm_swblk_used() - store.used, (unsigned long)(nr))

/* ---- helpers ---- */

/* Page out one page, and what it takes with it.  What vm_page_out() returns. */
static long page_out(struct world *w, struct vm_object *object,
		     unsigned long page)
{
	struct vm_page *pg = world_page(object, page);
	struct folio *folio;
	long ret;

	KUNIT_ASSERT_NOT_NULL(w->test, pg);
	folio = pg->folio;
	folio_get(folio);
	ret = vm_page_out(folio, true);
	folio_put(folio);
	return ret;
}

/* One page only: its neighbours are active. */
static void page_out_one(struct world *w, struct vm_object *object,
			 unsigned long page)
{
	KUNIT_ASSERT_EQ(w->test, page_out(w, object, page), 1L);
	KUNIT_ASSERT_NULL(w->test, world_page(object, page));
	KUNIT_ASSERT_TRUE(w->test, vm_swap_lookup(object, at(page)));
}

static void deactivate(struct world *w, struct vm_object *object)
{
	world_lock(w);
	vm_object_deactivate_pages(object);
	world_unlock(w);
}

/* P writes pages [from, to) after a fork; the object it shadows stays as it is. */
static void rewrite(struct world *w, int proc, unsigned long from,
		    unsigned long to)
{
	unsigned long i;

	for (i = from; i < to; i++)
		world_write(w, proc, i, 1000 * (proc + 1) + i);
}

static void collapse(struct world *w, struct vm_object *object)
{
	world_lock(w);
	vm_object_collapse(object);
	world_unlock(w);
}

static bool is_dirty(struct vm_object *object, unsigned long page)
{
	return folio_test_dirty(world_page(object, page)->folio);
}

/* ---- out and in ---- */

/* Fails if idle neighbours do not go along, or the clusters are cut elsewhere. */
static void u57_pageout_clusters(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	unsigned long i;

	world_written(w, 20);
	a = world_object(w, P, 0);
	KUNIT_EXPECT_EQ(test, (int)a->type, (int)VM_OBJECT_DEFAULT);
	deactivate(w, a);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 5), 16L);
	KUNIT_EXPECT_EQ(test, store.writes, 1U);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 16), 4L);
	KUNIT_EXPECT_EQ(test, store.writes, 2U);
	KUNIT_EXPECT_EQ(test, (int)a->type, (int)VM_OBJECT_SWAP);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	KUNIT_EXPECT_EQ(test, vm_swap_nr(a), 20UL);
	EXPECT_USED(20);
	EXPECT_COUNT(w, VMOBJ_SWAPOUTS, 20);
	world_dump(w);
	store.reads = 0;
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, world_read(w, P, i), i + 1);
	/* One read for each cluster, after the one that shows that they are in a row. */
	KUNIT_EXPECT_EQ(test, store.reads, 3U);
	world_dump(w);
}

/* Fails if active neighbours go along. */
static void pageout_leaves_active_neighbours(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 8);
	a = world_object(w, P, 0);
	page_out_one(w, a, 3);
	EXPECT_OBJECT(w, a, 1, 0, 7, true);
	EXPECT_USED(1);
	world_dump(w);
}

/* Fails if a page that is clean is not free for the taking, or its data are lost. */
static void u59_pagein_keeps_the_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	page_out_one(w, a, 1);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	KUNIT_EXPECT_FALSE(test, is_dirty(a, 1));
	EXPECT_USED(1);
	/* Out again without a write, and in again. */
	KUNIT_EXPECT_EQ(test, page_out(w, a, 1), 1L);
	KUNIT_EXPECT_EQ(test, store.writes, 1U);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	/* A write makes the block stale. */
	world_write(w, P, 1, 77);
	EXPECT_USED(0);
	KUNIT_EXPECT_TRUE(test, is_dirty(a, 1));
	page_out_one(w, a, 1);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 77ULL);
	world_dump(w);
}

/* Fails if a page of zeros that was never written to is not free for the taking. */
static void untouched_zeros_need_no_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_region(w, 4);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 2), 0ULL);
	a = world_object(w, P, 2);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 2), 1L);
	EXPECT_USED(0);
	KUNIT_EXPECT_EQ(test, store.writes, 0U);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 2), 0ULL);
	world_dump(w);
}

/* Fails if pages get lost, or blocks, when there are not enough. */
static void u58_swap_full(struct kunit *test)
{
	struct world *w = test->priv;
	vm_swblk_t all[STORE_BLOCKS];
	struct vm_object *a;
	unsigned int i;

	/* Only two are left. */
	for (i = 0; i < STORE_BLOCKS; i++)
		KUNIT_ASSERT_EQ(test, vm_swblk_alloc(1, &all[i]), 1U);
	vm_swblk_free(all[0], 1);
	vm_swblk_free(all[1], 1);

	world_written(w, 8);
	a = world_object(w, P, 0);
	deactivate(w, a);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 4), 2L);
	EXPECT_OBJECT(w, a, 1, 0, 6, true);
	EXPECT_USED(STORE_BLOCKS);
	world_dump(w);
	/* Nothing to be had: the page stays, dirty. */
	KUNIT_EXPECT_EQ(test, page_out(w, a, 0), (long)-ENOSPC);
	KUNIT_EXPECT_TRUE(test, is_dirty(a, 0));
	EXPECT_OBJECT(w, a, 1, 0, 6, true);
	world_dump(w);
	/* Later it works. */
	vm_swblk_free(all[2], 1);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 0), 1L);
	for (i = 3; i < STORE_BLOCKS; i++)
		vm_swblk_free(all[i], 1);
	EXPECT_USED(3);
	world_dump(w);
}

/* Fails if a page is lost whose write failed, or a bad block is used again. */
static void write_error_keeps_the_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	store.error = -EIO;
	KUNIT_EXPECT_EQ(test, page_out(w, a, 1), (long)-EIO);
	store.error = 0;
	KUNIT_EXPECT_TRUE(test, is_dirty(a, 1));
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	EXPECT_USED(0);
	page_out_one(w, a, 1);
	world_dump(w);
}

/* Fails if others are harmed when a page cannot be read, or if it is given up. */
static void read_error_harms_its_reader_only(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;
	struct folio *folio;

	world_written(w, 4);
	a = world_object(w, P, 0);
	page_out_one(w, a, 1);
	store.error = -EIO;
	KUNIT_EXPECT_EQ(test, world_fault(w, P, 1, false, &folio),
			(__force int)VM_FAULT_SIGBUS);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 2), 3ULL);
	EXPECT_USED(1);
	store.error = 0;
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	world_dump(w);
}

static void write_page_0(struct world *w)
{
	store.on_write = NULL;
	world_write(w, P, 0, 4711);
}

/* Fails if what is written to a page on its way out is lost. */
static void write_while_it_is_written(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	store.on_write = write_page_0;
	KUNIT_EXPECT_EQ(test, page_out(w, a, 0), (long)-EAGAIN);
	EXPECT_OBJECT(w, a, 1, 0, 4, true);
	KUNIT_EXPECT_TRUE(test, is_dirty(a, 0));
	EXPECT_USED(0);
	world_dump(w);
}

static void unmap_page_0(struct world *w)
{
	store.on_write = NULL;
	world_unmap(w, P, 0, 2);
}

/* Fails if a page that is freed on its way out keeps its block. */
static void unmap_while_it_is_written(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	world_clip(w, P, 2);	/* the object lives on */
	a = world_object(w, P, 3);
	store.on_write = unmap_page_0;
	KUNIT_EXPECT_EQ(test, page_out(w, a, 0), (long)-EAGAIN);
	EXPECT_USED(0);
	EXPECT_OBJECT(w, a, 1, 0, 2, true);
	world_dump(w);
}

static int fork_child;

static void fork_now(struct world *w)
{
	store.on_write = NULL;
	fork_child = world_fork(w, P);
	world_write(w, P, 0, 31);
}

/* Fails if a fork, and a copy of the page, meanwhile lead to the wrong page. */
static void fork_while_it_is_written(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	store.on_write = fork_now;
	page_out(w, a, 0);
	world_dump(w);
	world_kill(w, fork_child);
	world_dump(w);
}

/* A region of 16 pages that is one large page. */
static struct vm_object *one_large(struct world *w)
{
	struct vm_object *a;
	unsigned int i;

	world_region(w, 16);
	world_lock(w);
	a = world_bare(w, 0, 16);
	vm_map_entry_set_object(vm_map_lookup(w->proc[P], at(0)), a);
	world_put_large(w, a, 0, 4, 100);
	world_unlock(w);
	for (i = 0; i < 16; i++)
		w->want[P][i] = 100 + i;
	world_dump(w);
	return a;
}

/* The same, paged out. */
static struct vm_object *large_in_swap(struct world *w)
{
	struct vm_object *a = one_large(w);

	KUNIT_EXPECT_EQ(w->test, page_out(w, a, 0), 16L);
	return a;
}

/* Fails if a large page does not go as a whole, or comes back wrong. */
static void pageout_of_a_large_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = large_in_swap(w);
	unsigned int i;

	EXPECT_USED(16);
	EXPECT_OBJECT(w, a, 1, 0, 0, true);
	world_dump(w);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, world_read(w, P, i), 100ULL + i);
	world_dump(w);
}

/* Fails if it comes back in pieces or wrong, or its blocks are forgotten. */
static void pagein_of_a_large_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = large_in_swap(w);

	KUNIT_EXPECT_TRUE(test, vm_pager_get_large(a, at(5), 4));
	EXPECT_OBJECT(w, a, 1, 0, 16, true);
	EXPECT_COUNT(w, VMOBJ_SUPERPAGE_INS, 1);
	KUNIT_EXPECT_EQ(test, (int)world_page(a, 0)->order, 4);
	world_dump(w);
	/* It is there: nothing is read. */
	KUNIT_EXPECT_FALSE(test, vm_pager_get_large(a, at(5), 4));
	world_write(w, P, 3, 55);
	world_dump(w);
}

/* Fails if what is there, or was never there, is overwritten with what is in swap. */
static void no_pagein_of_a_part(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = large_in_swap(w);

	world_write(w, P, 7, 77);
	KUNIT_EXPECT_FALSE(test, vm_pager_get_large(a, at(0), 4));
	world_dump(w);
	EXPECT_COUNT(w, VMOBJ_SUPERPAGE_INS, 0);
	page_out_one(w, a, 7);
	KUNIT_EXPECT_TRUE(test, vm_pager_get_large(a, at(0), 4));
	world_dump(w);
}

static void write_one_now(struct world *w)
{
	store.on_read = NULL;
	world_write(w, P, 9, 99);
}

/* Fails if what was written while it was read is lost. */
static void write_while_a_large_page_is_read(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = large_in_swap(w);

	store.on_read = write_one_now;
	KUNIT_EXPECT_FALSE(test, vm_pager_get_large(a, at(0), 4));
	EXPECT_COUNT(w, VMOBJ_SUPERPAGE_INS, 0);
	world_dump(w);
}

/* Fails if an error of one block harms more than its page. */
static void read_error_in_a_large_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = large_in_swap(w);

	store.error = -EIO;
	KUNIT_EXPECT_FALSE(test, vm_pager_get_large(a, at(0), 4));
	store.error = 0;
	world_dump(w);
}

/* ---- chains ---- */

/* Fails if a page in swap is taken for one that shows, as 1.29 did; or is overlooked. */
static void u20_bypass_of_swapped_pages(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;

	world_written(w, 4);
	world_fork(w, P);
	a = world_object(w, P, 0);
	rewrite(w, P, 0, 3);
	b = world_object(w, P, 0);
	page_out_one(w, a, 1);
	page_out_one(w, a, 3);
	page_out_one(w, b, 2);
	collapse(w, b);
	/* Page 3 shows. */
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 0);
	world_dump(w);
	world_write(w, P, 3, 55);
	collapse(w, b);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	EXPECT_COUNT(w, VMOBJ_BYPASSES, 1);
	world_dump(w);
}

/* A: written, four pages; B over it, written to by P, pages 0 and 1; the child C. */
static int two_objects(struct world *w, struct vm_object **a, struct vm_object **b)
{
	int c;

	world_written(w, 4);
	c = world_fork(w, P);
	*a = world_object(w, P, 0);
	rewrite(w, P, 0, 2);
	*b = world_object(w, P, 0);
	return c;
}

/* Fails if the page below survives, or the block above is lost. */
static void u24_merge_swap_above_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, b, 0);
	world_kill(w, c);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	KUNIT_EXPECT_NULL(test, world_page(b, 0));
	EXPECT_OBJECT(w, b, 1, 0, 3, true);
	EXPECT_USED(1);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 0), 1000ULL);
}

/* Fails if two objects stay apart after the large page has gone that kept them so. */
static void merge_when_a_large_page_has_gone(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a = one_large(w), *b;
	int c = world_fork(w, P);

	world_write(w, P, 3, 33);
	b = world_object(w, P, 0);
	page_out_one(w, b, 3);
	world_kill(w, c);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 0);
	KUNIT_EXPECT_PTR_EQ(test, b->backing_object, a);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 0), 16L);
	flush_work(&w->family->collapse_work);
	EXPECT_COUNT(w, VMOBJ_COLLAPSES, 1);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	EXPECT_USED(16);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 33ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 4), 104ULL);
}

/* Fails if a page that is in swap below alone is lost, or read. */
static void u25_merge_moves_swap_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 3);
	world_kill(w, c);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	KUNIT_EXPECT_EQ(test, (int)b->type, (int)VM_OBJECT_SWAP);
	KUNIT_EXPECT_EQ(test, vm_swap_nr(b), 1UL);
	EXPECT_USED(1);
	KUNIT_EXPECT_EQ(test, store.reads, 0U);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
	world_dump(w);
}

/* Fails if the block below survives, or hides the one above. */
static void u26_merge_frees_double_swap_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 0);
	page_out_one(w, b, 0);
	EXPECT_USED(2);
	world_kill(w, c);
	EXPECT_USED(1);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 0), 1000ULL);
	world_dump(w);
}

/*
 * Fails if a page that is clean below is taken for clean above, and its block has gone.
 * Where the trees are exchanged, page and block both stay good.
 */
static void u27_merge_of_page_with_swap_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 3);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 3), 4ULL);
	EXPECT_USED(1);
	world_kill(w, c);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	KUNIT_EXPECT_FALSE(test, is_dirty(b, 3));
	EXPECT_USED(1);
	KUNIT_EXPECT_EQ(test, page_out(w, b, 3), 1L);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
}

/* The same, and the page is moved: it is dirty, and its block is freed. */
static void u27_merge_moves_page_with_swap_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	unsigned long i;
	int c;

	world_region(w, 8);
	for (i = 0; i < 4; i++)
		world_write(w, P, i, i + 1);
	c = world_fork(w, P);
	a = world_object(w, P, 0);
	rewrite(w, P, 4, 8);
	rewrite(w, P, 0, 1);
	b = world_object(w, P, 0);
	page_out_one(w, a, 3);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 3), 4ULL);
	EXPECT_USED(1);
	world_kill(w, c);
	EXPECT_OBJECT(w, b, 1, 0, 8, true);
	KUNIT_EXPECT_TRUE(test, is_dirty(b, 3));
	EXPECT_USED(0);
	world_dump(w);
}

/* Fails if a block stays that a page above has hidden. */
static void u28_merge_frees_swap_below_page(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 0);
	world_kill(w, c);
	EXPECT_USED(0);
	EXPECT_OBJECT(w, b, 1, 0, 4, true);
	world_dump(w);
}

/* Fails if the trees are exchanged and a page in swap is then not found. */
static void merge_with_the_bigger_object_below(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c;

	world_written(w, 16);
	c = world_fork(w, P);
	a = world_object(w, P, 0);
	world_write(w, P, 15, 99);
	world_write(w, P, 0, 98);
	b = world_object(w, P, 0);
	page_out_one(w, b, 15);
	page_out_one(w, a, 0);
	page_out_one(w, a, 7);
	world_kill(w, c);
	KUNIT_EXPECT_NULL(test, b->backing_object);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 15), 99ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 7), 8ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 0), 98ULL);
	EXPECT_USED(2);
	world_dump(w);
}

/* U36.  Fails if a page that moves up leaves its block behind. */
static void move_up_frees_the_block(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 3);
	KUNIT_EXPECT_EQ(test, world_read(w, c, 3), 4ULL);
	EXPECT_USED(1);
	/* The child's write copies; the block below is still good. */
	world_write(w, c, 3, 66);
	EXPECT_USED(1);
	world_dump(w);
}

/* U46.  Fails if blocks stay with the object that was split. */
static void split_moves_blocks(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *n;

	world_written(w, 10);
	a = world_object(w, P, 0);
	page_out_one(w, a, 1);
	page_out_one(w, a, 8);
	world_clip(w, P, 4);
	world_fork(w, P);
	n = world_object(w, P, 0);
	KUNIT_EXPECT_PTR_NE(test, n, a);
	KUNIT_EXPECT_EQ(test, vm_swap_nr(n), 1UL);
	EXPECT_USED(2);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 2ULL);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 8), 9ULL);
	world_dump(w);
}

/* U52, U48.  Fails if what is unmapped stays in swap. */
static void unmap_frees_blocks(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 10);
	a = world_object(w, P, 0);
	page_out_one(w, a, 5);
	page_out_one(w, a, 8);
	world_unmap(w, P, 4, 6);
	EXPECT_USED(1);
	world_unmap(w, P, 6, 10);
	EXPECT_USED(0);
	world_dump(w);
}

/* U51.  Fails if a stale block shows when memory grows over it. */
static void coalesce_frees_stale_blocks(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 8);
	a = world_object(w, P, 0);
	page_out_one(w, a, 6);
	world_lock(w);
	KUNIT_EXPECT_TRUE(test, vm_object_coalesce(a, at(4), 4));
	world_unlock(w);
	EXPECT_USED(0);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 6), 0ULL);
	memset(w->want[P] + 4, 0, 4 * sizeof(u64));
	world_dump(w);
}

/* U53.  Fails if what is not needed any more stays in swap. */
static void free_frees_blocks(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a;

	world_written(w, 4);
	a = world_object(w, P, 0);
	page_out_one(w, a, 1);
	page_out_one(w, a, 3);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
	world_lock(w);
	vm_object_madvise(a, at(0), 4, VM_ADVICE_FREE);
	world_unlock(w);
	EXPECT_USED(0);
	/* In memory still, and there for the taking. */
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 4ULL);
	KUNIT_EXPECT_EQ(test, page_out(w, a, 3), 1L);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 3), 0ULL);
	w->want[P][1] = 0;
	w->want[P][3] = 0;
	world_dump(w);
}

/* Fails if swap keeps a chain long, or if what is copied up from there is wrong. */
static void copy_up_of_swapped_pages(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int before = vm_max_chain_depth;
	struct vm_object *top, *object;
	unsigned long i;

	world_written(w, 6);
	for (i = 0; i < 5; i++) {
		world_fork(w, P);
		world_write(w, P, i, 100 + i);
		world_write(w, P, 5, 200 + i);
	}
	top = world_object(w, P, 0);
	for (object = top->backing_object; object; object = object->backing_object)
		for (i = 0; i < 6; i++)
			if (world_page(object, i))
				KUNIT_EXPECT_GT(test, page_out(w, object, i), 0L);
	EXPECT_USED(6 + 2 * 4);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 6U);

	WRITE_ONCE(vm_max_chain_depth, 3);
	store.error = -EIO;
	world_limit_depth(w, top);
	KUNIT_EXPECT_EQ(test, store.reads, 1U);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 6U);
	store.error = 0;
	world_limit_depth(w, top);
	KUNIT_EXPECT_GT(test, store.reads, 1U);
	KUNIT_EXPECT_EQ(test, world_depth(w, P), 4U);
	world_dump(w);
	for (i = 1; i < 6; i++) {
		world_kill(w, i);
		world_dump(w);
	}
	WRITE_ONCE(vm_max_chain_depth, before);
	KUNIT_EXPECT_EQ(test, world_objects(w), 1UL);
}

/* Fails if a store cannot be left while pages are in it. */
static void drain_brings_all_back(struct kunit *test)
{
	struct world *w = test->priv;
	struct vm_object *a, *b;
	int c = two_objects(w, &a, &b);

	page_out_one(w, a, 3);
	page_out_one(w, a, 0);
	page_out_one(w, b, 1);
	KUNIT_EXPECT_EQ(test, world_read(w, P, 1), 1001ULL);
	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove("kunit"));
	EXPECT_USED(0);
	EXPECT_OBJECT(w, b, 1, 0, 2, true);
	KUNIT_EXPECT_EQ(test, a->memq->resident, 4UL);
	world_dump(w);
	world_kill(w, c);
	world_dump(w);
	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_add("kunit", &store_ops, NULL,
						  STORE_BLOCKS, false, 1000));
}

/* ---- histories ---- */

static u32 history_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Page out anything anywhere. */
static void history_page_out(struct world *w, u32 *seed)
{
	struct vm_object *object;
	struct vm_page *pg = NULL;
	struct folio *folio = NULL;
	unsigned long skip;

	world_lock(w);
	skip = history_random(seed) % (w->family->nr_objects + 1);
	list_for_each_entry(object, &w->family->objects, family_link) {
		if (skip--)
			continue;
		pg = vm_page_first(object->memq,
				   at(history_random(seed) % WORLD_PAGES));
		if (history_random(seed) % 4 == 0)
			vm_object_deactivate_pages(object);
		break;
	}
	if (pg) {
		folio = pg->folio;
		folio_get(folio);
	}
	world_unlock(w);
	if (!folio)
		return;
	vm_page_out(folio, true);
	folio_put(folio);
}

static void history_step(struct world *w, u32 *seed)
{
	int proc = history_random(seed) % WORLD_PROCS, n = 0, i;
	unsigned long page = history_random(seed) % WORLD_PAGES;

	for (i = 0; i < WORLD_PROCS; i++)
		n += !!w->proc[i];
	while (!w->proc[proc])
		proc = (proc + 1) % WORLD_PROCS;
	switch (history_random(seed) % 8) {
	case 0:
		if (n < 6)
			world_fork(w, proc);
		break;
	case 1:
		if (n > 1)
			world_kill(w, proc);
		break;
	case 2:
	case 3:
		world_write(w, proc, page, history_random(seed));
		break;
	case 4:
		KUNIT_EXPECT_EQ(w->test, world_read(w, proc, page),
				w->want[proc][page]);
		break;
	default:
		history_page_out(w, seed);
	}
}

/* Fails if any history of forks, writes, exits and paging changes what anybody sees. */
static void random_histories_with_paging(struct kunit *test)
{
	struct world *w = test->priv;
	unsigned int run, step;
	u32 seed = 42;
	int proc;

	for (run = 0; run < 30; run++) {
		memset(w->want, 0, sizeof(w->want));
		world_written(w, WORLD_PAGES);
		for (step = 0; step < 120; step++) {
			history_step(w, &seed);
			if (step % 8 == 0)
				world_dump(w);
		}
		world_dump(w);
		for (proc = 0; proc < WORLD_PROCS; proc++)
			if (w->proc[proc])
				world_kill(w, proc);
		KUNIT_ASSERT_EQ_MSG(test, world_objects(w), 0UL, "run %u", run);
		KUNIT_ASSERT_EQ_MSG(test, world_pages(w), 0UL, "run %u", run);
		KUNIT_ASSERT_EQ_MSG(test, vm_swblk_used(), store.used,
				    "run %u", run);
	}
}

static struct kunit_case swap_cases[] = {
	KUNIT_CASE(u57_pageout_clusters),
	KUNIT_CASE(pageout_leaves_active_neighbours),
	KUNIT_CASE(u59_pagein_keeps_the_block),
	KUNIT_CASE(untouched_zeros_need_no_block),
	KUNIT_CASE(u58_swap_full),
	KUNIT_CASE(write_error_keeps_the_page),
	KUNIT_CASE(read_error_harms_its_reader_only),
	KUNIT_CASE(write_while_it_is_written),
	KUNIT_CASE(unmap_while_it_is_written),
	KUNIT_CASE(fork_while_it_is_written),
	KUNIT_CASE(pageout_of_a_large_page),
	KUNIT_CASE(pagein_of_a_large_page),
	KUNIT_CASE(no_pagein_of_a_part),
	KUNIT_CASE(write_while_a_large_page_is_read),
	KUNIT_CASE(read_error_in_a_large_page),
	KUNIT_CASE(u20_bypass_of_swapped_pages),
	KUNIT_CASE(u24_merge_swap_above_page),
	KUNIT_CASE(merge_when_a_large_page_has_gone),
	KUNIT_CASE(u25_merge_moves_swap_block),
	KUNIT_CASE(u26_merge_frees_double_swap_block),
	KUNIT_CASE(u27_merge_of_page_with_swap_block),
	KUNIT_CASE(u27_merge_moves_page_with_swap_block),
	KUNIT_CASE(u28_merge_frees_swap_below_page),
	KUNIT_CASE(merge_with_the_bigger_object_below),
	KUNIT_CASE(move_up_frees_the_block),
	KUNIT_CASE(split_moves_blocks),
	KUNIT_CASE(unmap_frees_blocks),
	KUNIT_CASE(coalesce_frees_stale_blocks),
	KUNIT_CASE(free_frees_blocks),
	KUNIT_CASE(copy_up_of_swapped_pages),
	KUNIT_CASE(drain_brings_all_back),
	KUNIT_CASE(random_histories_with_paging),
	{}
};

static struct kunit_suite swap_suite = {
	.name = "vmobj_swap",
	.init = swap_test_init,
	.exit = swap_test_exit,
	.test_cases = swap_cases,
};

kunit_test_suite(swap_suite);
