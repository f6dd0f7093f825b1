// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of the unit tests.  See world.h.
 */
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "world.h"

int world_init(struct kunit *test)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	w->test = test;
	w->detached = vm_page_nr_detached();
	for (i = 0; i < VMOBJ_NR_STATS; i++)
		w->start[i] = vmobj_stat_read(i);
	w->file = vm_family_create();
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->file));
	w->family = w->file->private_data;
	return 0;
}

void world_exit(struct kunit *test)
{
	struct world *w = test->priv;
	int i;

	if (!w || IS_ERR_OR_NULL(w->file))
		return;
	KUNIT_EXPECT_EQ(test, vm_check_family(w->family, NULL), 0U);
	for (i = 0; i < WORLD_PROCS; i++)
		if (w->proc[i])
			world_kill(w, i);
	KUNIT_EXPECT_EQ(test, vm_check_all(), 0U);
	/* I33: nothing is left when all maps are gone. */
	KUNIT_EXPECT_EQ(test, world_objects(w), 0UL);
	KUNIT_EXPECT_EQ(test, world_pages(w), 0UL);
	KUNIT_EXPECT_EQ(test, vm_page_nr_detached(), w->detached);
	KUNIT_EXPECT_EQ(test, w->family->nr_objects, 0UL);
	fput(w->file);
}

void world_lock(struct world *w)
{
	vm_family_write_lock(w->family);
}

void world_unlock(struct world *w)
{
	vm_family_write_unlock(w->family);
}

void world_wait_for_worker(struct world *w)
{
	flush_work(&w->family->collapse_work);
}

void world_limit_depth(struct world *w, struct vm_object *top)
{
	world_lock(w);
	vm_object_limit_depth(top);
	world_unlock(w);
	world_wait_for_worker(w);
}

/* ---- processes ---- */

void world_region(struct world *w, unsigned long pages)
{
	world_lock(w);
	w->proc[P] = vm_map_create(w->family, NULL, 0);
	vm_map_insert(w->proc[P], at(0), at(pages), NULL, VM_INHERIT_COPY,
		      false);
	world_unlock(w);
}

void world_written(struct world *w, unsigned long pages)
{
	unsigned long i;

	world_region(w, pages);
	for (i = 0; i < pages; i++)
		world_write(w, P, i, i + 1);
}

int world_fork(struct world *w, int parent)
{
	int child = 0;

	while (w->proc[child])
		child++;
	KUNIT_ASSERT_LT(w->test, child, WORLD_PROCS);
	world_lock(w);
	w->proc[child] = vm_map_create(w->family, NULL, 0);
	vm_map_fork(w->proc[child], w->proc[parent], 0, ULONG_MAX);
	world_unlock(w);
	memcpy(w->want[child], w->want[parent], sizeof(w->want[child]));
	return child;
}

void world_kill(struct world *w, int proc)
{
	world_lock(w);
	vm_map_destroy(w->proc[proc]);
	w->proc[proc] = NULL;
	world_unlock(w);
}

void world_unmap(struct world *w, int proc, unsigned long from,
		 unsigned long to)
{
	world_lock(w);
	vm_map_delete(w->proc[proc], at(from), at(to));
	world_unlock(w);
}

void world_clip(struct world *w, int proc, unsigned long page)
{
	world_lock(w);
	vm_map_clip(w->proc[proc], at(page));
	world_unlock(w);
}

void world_inherit(struct world *w, int proc, enum vm_inherit inheritance)
{
	world_lock(w);
	vm_map_inherit(w->proc[proc], at(0), at(WORLD_PAGES), inheritance);
	world_unlock(w);
}

/* ---- memory ---- */

static u64 *world_kmap(struct folio *folio, unsigned long page)
{
	return kmap_local_folio(folio, (at(page) - folio->index) << PAGE_SHIFT);
}

int world_fault(struct world *w, int proc, unsigned long page, bool write,
		struct folio **folio)
{
	return (__force int)vm_fault_page(w->proc[proc], at(page), write, folio);
}

void world_write(struct world *w, int proc, unsigned long page, u64 value)
{
	struct folio *folio;
	u64 *p;

	KUNIT_ASSERT_EQ(w->test, 0, world_fault(w, proc, page, true, &folio));
	p = world_kmap(folio, page);
	*p = value;
	kunmap_local(p);
	folio_set_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
	if (page < WORLD_PAGES)
		w->want[proc][page] = value;
}

u64 world_read(struct world *w, int proc, unsigned long page)
{
	struct folio *folio;
	u64 value, *p;

	KUNIT_ASSERT_EQ(w->test, 0, world_fault(w, proc, page, false, &folio));
	p = world_kmap(folio, page);
	value = *p;
	kunmap_local(p);
	folio_unlock(folio);
	folio_put(folio);
	return value;
}

/* What is in a block of swap. */
static u64 world_peek_block(struct world *w, vm_swblk_t blk)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u64 value;

	KUNIT_ASSERT_NOT_NULL(w->test, page);
	KUNIT_EXPECT_EQ(w->test, 0, vm_swblk_read(blk, &page, 1));
	value = *(u64 *)page_address(page);
	__free_page(page);
	return value;
}

/* What a process would see, without a fault. */
static u64 world_peek(struct world *w, struct vm_map_entry *entry,
		      unsigned long page)
{
	struct vm_object *object;
	struct vm_page *pg;
	u64 value, *p;
	vm_swblk_t blk;

	for (object = entry->object; object; object = object->backing_object) {
		pg = vm_page_lookup(object->memq, at(page));
		blk = vm_swap_lookup(object, at(page));
		if (!pg && blk)
			return world_peek_block(w, blk);
		if (!pg)
			continue;
		p = world_kmap(pg->folio, page);
		value = *p;
		kunmap_local(p);
		return value;
	}
	return 0;
}

void world_dump(struct world *w)
{
	struct vm_map_entry *entry;
	unsigned long page;
	int proc;

	world_lock(w);
	for (proc = 0; proc < WORLD_PROCS; proc++) {
		if (!w->proc[proc])
			continue;
		for (page = 0; page < WORLD_PAGES; page++) {
			entry = vm_map_lookup(w->proc[proc], at(page));
			if (!entry)
				continue;
			KUNIT_EXPECT_EQ_MSG(w->test, world_peek(w, entry, page),
					    w->want[proc][page],
					    "process %d, page %lu", proc, page);
		}
	}
	world_unlock(w);
	KUNIT_EXPECT_EQ(w->test, vm_check_family(w->family, NULL), 0U);
}

/* ---- looking at things ---- */

struct vm_map_entry *world_entry(struct world *w, int proc, unsigned long page)
{
	struct vm_map_entry *entry;

	world_lock(w);
	entry = vm_map_lookup(w->proc[proc], at(page));
	world_unlock(w);
	KUNIT_ASSERT_NOT_NULL(w->test, entry);
	return entry;
}

struct vm_object *world_object(struct world *w, int proc, unsigned long page)
{
	return world_entry(w, proc, page)->object;
}

struct vm_page *world_page(struct vm_object *object, unsigned long page)
{
	return vm_page_lookup(object->memq, at(page));
}

unsigned int world_depth(struct world *w, int proc)
{
	struct vm_object *object = world_object(w, proc, 0);
	unsigned int depth = 0;

	for (; object; object = object->backing_object)
		depth++;
	return depth;
}

unsigned long world_count(struct world *w, enum vmobj_stat stat)
{
	return vmobj_stat_read(stat) - w->start[stat];
}

unsigned long world_objects(struct world *w)
{
	return world_count(w, VMOBJ_OBJECTS_CREATED) -
	       world_count(w, VMOBJ_OBJECTS_TERMINATED) -
	       world_count(w, VMOBJ_OBJECTS_COLLAPSED);
}

unsigned long world_pages(struct world *w)
{
	return world_count(w, VMOBJ_PAGE_ALLOCS) -
	       world_count(w, VMOBJ_PAGE_FREES);
}

/* ---- objects by hand ---- */

struct vm_object *world_bare(struct world *w, unsigned long page,
			     unsigned long size)
{
	struct vm_object *object;

	object = vm_object_allocate(w->family, VM_OBJECT_DEFAULT, at(page),
				    size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(w->test, object);
	return object;
}

struct vm_page *world_put_large(struct world *w, struct vm_object *object,
				unsigned long page, unsigned int order,
				u64 value)
{
	unsigned long i;
	struct vm_page *pg;
	u64 *p;

	pg = vm_page_alloc(w->family->mapping, at(page), order, true);
	KUNIT_ASSERT_NOT_NULL(w->test, pg);
	for (i = page; i < page + vm_page_nr(pg); i++) {
		p = world_kmap(pg->folio, i);
		*p = value++;
		kunmap_local(p);
	}
	folio_set_dirty(pg->folio);
	KUNIT_ASSERT_EQ(w->test, 0, vm_page_insert(object->memq, pg));
	folio_unlock(pg->folio);
	return pg;
}

struct vm_page *world_put(struct world *w, struct vm_object *object,
			  unsigned long page, u64 value)
{
	return world_put_large(w, object, page, 0, value);
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of vmobj");
VMOBJ_IMPORT_KUNIT();
