// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that come from a store.  See include/vmobj/pager.h.
 *
 * BSD puts a busy page without data into the object, reads into it, and all others
 * wait for it.  Here pages are read while nobody can find them, and put into the
 * object when they have their data:
 *
 * - Nobody waits for the lock of a page whose read waits for the file.  A write(2) to
 *   the file from our own memory faults with the file's lock held, so a page lock held
 *   over a read would be the wrong way round on file systems that lock the file for it.
 * - A read that fails leaves nothing to be cleaned up.
 *
 * The price: two faults for one page at the same time both read it, the second from
 * the page cache, and one of the copies is thrown away.
 *
 * What has been read may be out of date when it is put in.  Whoever changes the store
 * counts that in vm_pager.changes, under the family lock held for writing, before it
 * throws the old pages away: if the count is another now, we read again.  For swap the
 * same count is vm_object.swap_changes; there a block may also be given back, and used
 * for something else, while it is read: then its entry has gone.
 *
 * Where both need different things, the functions for swap have "swap" in their names.
 */
#include <linux/highmem.h>
#include <linux/sched/signal.h>

#include <vmobj/compat.h>
#include <vmobj/handle.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pager.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/trace.h>

/* So often a cluster is read before it is one page only. */
#define VM_PAGEIN_TRIES	3

/**
 * struct vm_pagein - a cluster on its way in
 * @object: where to
 * @pager: where from; NULL: swap
 * @blk: with swap, the block of @start; the others follow
 * @index: page that is wanted
 * @start: first page of the cluster
 * @nr: pages of it
 * @changes: &vm_pager.changes or &vm_object.swap_changes before it was read
 * @page: the pages, locked, in no tree
 * @bv: the same for I/O
 */
struct vm_pagein {
	struct vm_object *object;
	struct vm_pager *pager;
	vm_swblk_t blk;
	pgoff_t index;
	pgoff_t start;
	unsigned int nr;
	u32 changes;
	struct vm_page *page[VM_CLUSTER];
	struct bio_vec bv[VM_CLUSTER];
};

void vm_pager_setup(struct vm_pager *pager, const struct vm_pager_ops *ops)
{
	pager->ops = ops;
	pager->changes = 0;
	mutex_init(&pager->clean_lock);
}
EXPORT_SYMBOL_IF_KUNIT(vm_pager_setup);

static pgoff_t vm_pager_pages(struct vm_pager *pager)
{
	return DIV_ROUND_UP_ULL(pager->ops->size(pager), PAGE_SIZE);
}

/* The absent pages around the one wanted.  -EEXIST if that is there. */
static int vm_pagein_choose_store(struct vm_pagein *in, bool cluster)
{
	struct vm_memq *q = in->object->memq;
	pgoff_t pages = vm_pager_pages(in->pager);
	pgoff_t start = in->index, end = in->index + 1;

	if (in->index >= pages)
		return -EFAULT;
	while (cluster && start % VM_CLUSTER && !vm_page_lookup(q, start - 1))
		start--;
	while (cluster && end % VM_CLUSTER && end < pages &&
	       !vm_page_lookup(q, end))
		end++;
	in->start = start;
	in->nr = end - start;
	in->changes = in->pager->changes;
	return 0;
}

/* Is a neighbour in swap alone, and in the block where it belongs? */
static bool vm_pagein_swap_follows(const struct vm_pagein *in, pgoff_t index)
{
	vm_swblk_t blk = vm_swap_lookup(in->object, index);

	return blk != VM_SWBLK_NONE && blk == in->blk + index - in->index &&
	       !vm_page_lookup(in->object->memq, index);
}

/* The same for swap: as far as the blocks follow one another. */
static int vm_pagein_choose_swap(struct vm_pagein *in, bool cluster)
{
	pgoff_t start = in->index, end = in->index + 1;

	in->changes = in->object->swap_changes;
	in->blk = vm_swap_lookup(in->object, in->index);
	/* It was there when the fault looked, so it has come back meanwhile. */
	if (in->blk == VM_SWBLK_NONE)
		return -EEXIST;
	while (cluster && start % VM_CLUSTER &&
	       vm_pagein_swap_follows(in, start - 1))
		start--;
	while (cluster && end % VM_CLUSTER && vm_pagein_swap_follows(in, end))
		end++;
	in->start = start;
	in->nr = end - start;
	in->blk -= in->index - start;
	return 0;
}

static int vm_pagein_choose(struct vm_pagein *in, bool cluster)
{
	lockdep_assert_held(&in->object->family->lock);

	if (vm_page_lookup(in->object->memq, in->index))
		return -EEXIST;
	return in->pager ? vm_pagein_choose_store(in, cluster) :
			   vm_pagein_choose_swap(in, cluster);
}

/* Give up what was not, or no longer, wanted from page @from on. */
static void vm_pagein_drop(struct vm_pagein *in, unsigned int from)
{
	while (in->nr > from) {
		struct vm_page *pg = in->page[--in->nr];

		folio_unlock(pg->folio);
		vm_page_free(pg);
	}
}

static int vm_pagein_alloc(struct vm_pagein *in)
{
	struct address_space *mapping = in->object->family->mapping;
	unsigned int i, nr = in->nr;
	struct vm_page *pg;

	for (i = 0; i < nr; i++) {
		pg = vm_page_alloc(mapping, in->start + i, 0, false);
		if (!pg)
			break;
		in->page[i] = pg;
		in->bv[i].bv_page = &pg->folio->page;
		in->bv[i].bv_len = PAGE_SIZE;
		in->bv[i].bv_offset = 0;
	}
	in->nr = i;
	if (in->start + i > in->index)
		return 0;
	vm_pagein_drop(in, 0);
	return -ENOMEM;
}

/* What is behind the end of the store is zeros, whole pages of it are not there. */
static int vm_pagein_read_store(struct vm_pagein *in)
{
	size_t bytes = (size_t)in->nr << PAGE_SHIFT;
	unsigned int used;
	ssize_t got;

	got = in->pager->ops->read(in->pager, (loff_t)in->start << PAGE_SHIFT,
				   in->bv, in->nr);
	used = got > 0 ? DIV_ROUND_UP(min_t(size_t, got, bytes), PAGE_SIZE) : 0;
	vm_pagein_drop(in, used);
	if (got < 0)
		return got;
	if (in->start + used <= in->index) {
		vm_pagein_drop(in, 0);
		return -EFAULT;
	}
	if (offset_in_page(got))
		folio_zero_segment(in->page[used - 1]->folio,
				   offset_in_page(got), PAGE_SIZE);
	return 0;
}

static int vm_pagein_read_swap(struct vm_pagein *in)
{
	struct page *pages[VM_CLUSTER];
	unsigned int i;
	int err;

	for (i = 0; i < in->nr; i++)
		pages[i] = in->bv[i].bv_page;
	err = vm_swblk_read(in->blk, pages, in->nr);
	if (err)
		vm_pagein_drop(in, 0);
	return err;
}

/*
 * A block that could not be read, or holds something else: that is so only if it is
 * still the block of the page.
 */
static int vm_pagein_swap_error(struct vm_pagein *in, int err)
{
	struct vm_object *object = in->object;
	bool same;

	if (err == -ENOMEM || err == -EINTR || err == -ERESTARTSYS)
		return err;
	vm_family_read_lock(object->family);
	same = object->swap_changes == in->changes &&
	       vm_swap_lookup(object, in->index) ==
	       in->blk + in->index - in->start;
	vm_family_read_unlock(object->family);
	if (!same)
		return -EAGAIN;
	/* The caller tries the one page by itself before that is the end of it. */
	if (in->nr > 1)
		return err;
	vmobj_stat_inc(VMOBJ_SWAP_ERRORS);
	pr_err_ratelimited("vmobj: object %llu: page at 0x%llx of it cannot be read back from swap: %s (%d)\n",
			   object->id,
			   (u64)(in->index - object->pg_base) << PAGE_SHIFT,
			   err == -EBADMSG ? "wrong checksum" : "read error", err);
	return -EIO;
}

/*
 * A page of swap: clean, and its block is a copy of it, where that pays; or else dirty,
 * and the block is free.
 */
static void vm_pagein_swapped_in(struct vm_pagein *in, struct vm_page *pg)
{
	vmobj_stat_inc(VMOBJ_SWAPINS);
	if (vm_swblk_keeps(in->blk + pg->index - in->start))
		return;
	folio_set_dirty(pg->folio);
	vm_swap_unswapped(in->object, pg->folio);
}

/* With swap, is the block still that of the page? */
static bool vm_pagein_is_current(const struct vm_pagein *in, pgoff_t index)
{
	return in->pager || vm_swap_lookup(in->object, index) ==
			    in->blk + index - in->start;
}

/* -EAGAIN if it may be out of date.  Somebody else may have been quicker. */
static int vm_pagein_insert(struct vm_pagein *in)
{
	u32 changes = in->pager ? in->pager->changes : in->object->swap_changes;
	unsigned int i;

	lockdep_assert_held(&in->object->family->lock);

	if (changes != in->changes)
		return -EAGAIN;
	for (i = 0; i < in->nr; i++) {
		struct vm_page *pg = in->page[i];

		folio_mark_uptodate(pg->folio);
		if (!vm_pagein_is_current(in, pg->index) ||
		    vm_page_insert(in->object->memq, pg))
			continue;
		in->page[i] = NULL;
		if (in->pager)
			vmobj_stat_inc(VMOBJ_PAGEINS);
		else
			vm_pagein_swapped_in(in, pg);
		folio_unlock(pg->folio);
	}
	return 0;
}

static int vm_pagein_finish(struct vm_pagein *in)
{
	unsigned int i;
	int err;

	vm_family_read_lock(in->object->family);
	err = vm_pagein_insert(in);
	vm_family_read_unlock(in->object->family);
	for (i = 0; i < in->nr; i++) {
		if (!in->page[i])
			continue;
		folio_unlock(in->page[i]->folio);
		vm_page_free(in->page[i]);
	}
	return err;
}

static int vm_pagein_once(struct vm_pagein *in, bool cluster)
{
	int err;

	if (in->pager && in->pager->ops->refresh)
		in->pager->ops->refresh(in->pager);
	vm_family_read_lock(in->object->family);
	err = vm_pagein_choose(in, cluster);
	vm_family_read_unlock(in->object->family);
	if (!err)
		err = vm_pagein_alloc(in);
	if (err)
		return err;
	if (in->pager) {
		err = vm_pagein_read_store(in);
	} else {
		unsigned int nr = in->nr;

		err = vm_pagein_read_swap(in);
		if (err) {
			in->nr = nr;
			err = vm_pagein_swap_error(in, err);
		}
	}
	err = err ?: vm_pagein_finish(in);
	trace_vmobj_pagein(in->object->id, in->start, in->nr, err);
	return err;
}

/*
 * Does it pay to read the neighbours?  A file has read its own ahead anyway.  In swap
 * they may be touched in no order, and each would drive out another page.
 */
static bool vm_pagein_wants_cluster(const struct vm_pagein *in)
{
	return in->pager || in->index == READ_ONCE(in->object->next_pagein);
}

int vm_pager_getpage(struct vm_object *object, pgoff_t index)
{
	struct vm_pagein in = {
		.object = object,
		.pager = object->handle ? object->handle->pager : NULL,
		.index = index,
	};
	bool cluster, wanted = vm_pagein_wants_cluster(&in);
	unsigned int tries = 0;
	int err;

	/* A neighbour that cannot be read is not to harm. */
	do {
		cluster = wanted && tries++ < VM_PAGEIN_TRIES;
		err = vm_pagein_once(&in, cluster);
		if (cluster && err && err != -EAGAIN && err != -EEXIST)
			err = vm_pagein_once(&in, false);
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (err == -EAGAIN);
	if (!err)
		WRITE_ONCE(object->next_pagein, in.start + in.nr);
	return err == -EEXIST ? 0 : err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pager_getpage);
