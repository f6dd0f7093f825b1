// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages that come back from swap as large pages.  See include/vmobj/pager.h.
 *
 * Who reads memory in a row will read the rest of the large page too, and takes one fault
 * and one page for what would be hundreds.  The blocks need not follow one another, but
 * mostly do: a large page is written as a whole (swap_pager.c).
 *
 * Nothing here is necessary: whatever is in the way, the caller goes on with small pages.
 */
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pageout.h>
#include <vmobj/pager.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/trace.h>

/**
 * struct vm_large_in - a large page on its way in
 * @object: where to
 * @start: its first page
 * @nr: small pages it is made of
 * @changes: &vm_object.swap_changes before it was read
 * @pg: the page, locked, in no tree
 * @page: its small pages
 * @blk: their blocks
 */
struct vm_large_in {
	struct vm_object *object;
	pgoff_t start;
	unsigned int nr;
	u32 changes;
	struct vm_page *pg;
	struct page **page;
	vm_swblk_t *blk;
};

/* Nobody is waited for: small pages do as well. */
static bool vm_large_in_alloc_lists(struct vm_large_in *in)
{
	in->page = kmalloc_array(in->nr, sizeof(*in->page) + sizeof(*in->blk),
				 GFP_NOWAIT | __GFP_NOWARN);
	if (in->page)
		in->blk = (vm_swblk_t *)(in->page + in->nr);
	return in->page;
}

static bool vm_large_in_alloc_page(struct vm_large_in *in)
{
	unsigned int i;

	in->pg = vm_page_alloc(in->object->family->mapping, in->start,
			       ilog2(in->nr), false);
	if (!in->pg)
		return false;
	for (i = 0; i < in->nr; i++)
		in->page[i] = folio_page(in->pg->folio, i);
	return true;
}

/* What of the page is in swap?  Its blocks are noted, or compared with those noted. */
static bool vm_large_in_blocks(struct vm_large_in *in, bool note)
{
	pgoff_t end = in->start + in->nr;
	unsigned int found = 0;
	unsigned long index;
	void *entry;

	xa_for_each_range(&in->object->swap, index, entry, in->start, end - 1) {
		vm_swblk_t *blk = in->blk + index - in->start;

		if (note)
			*blk = xa_to_value(entry);
		else if (*blk != xa_to_value(entry))
			return false;
		found++;
	}
	return found == in->nr;
}

/* Is all of it in swap, and nothing in memory? */
static bool vm_large_in_choose(struct vm_large_in *in)
{
	struct vm_object *object = in->object;
	pgoff_t end = in->start + in->nr;

	lockdep_assert_held(&object->family->lock);

	in->changes = object->swap_changes;
	return object->type == VM_OBJECT_SWAP && in->start >= object->pg_base &&
	       end <= vm_object_end(object) &&
	       !vm_page_any(object->memq, in->start, end) &&
	       vm_large_in_blocks(in, true);
}

/* Runs of blocks that follow one another, one after the other. */
static int vm_large_in_read(struct vm_large_in *in)
{
	unsigned int i, run;
	int err = 0;

	for (i = 0; i < in->nr && !err; i += run) {
		run = vm_swblk_run(in->blk + i, in->nr - i);
		err = vm_swblk_read(in->blk[i], in->page + i, run);
	}
	return err;
}

static bool vm_large_in_keeps(const struct vm_large_in *in)
{
	unsigned int i;

	for (i = 0; i < in->nr; i++)
		if (!vm_swblk_keeps(in->blk[i]))
			return false;
	return true;
}

/* As vm_pagein_insert(), but all or nothing: somebody may have read a part of it. */
static int vm_large_in_insert(struct vm_large_in *in)
{
	struct vm_object *object = in->object;
	struct folio *folio = in->pg->folio;
	int err;

	lockdep_assert_held(&object->family->lock);

	if (object->swap_changes != in->changes || !vm_large_in_blocks(in, false))
		return -EAGAIN;
	folio_mark_uptodate(folio);
	err = vm_page_insert(object->memq, in->pg);
	if (err)
		return err;
	vmobj_stat_add(VMOBJ_SWAPINS, in->nr);
	vmobj_stat_inc(VMOBJ_SUPERPAGE_INS);
	if (!vm_large_in_keeps(in)) {
		folio_set_dirty(folio);
		vm_swap_unswapped(object, folio);
	}
	folio_unlock(folio);
	in->pg = NULL;
	return 0;
}

static int vm_large_in_once(struct vm_large_in *in)
{
	struct vm_family *family = in->object->family;
	bool chosen;
	int err;

	vm_family_read_lock(family);
	chosen = vm_large_in_choose(in);
	vm_family_read_unlock(family);
	if (!chosen)
		return -ENODATA;
	if (!vm_large_in_alloc_page(in))
		return -ENOMEM;
	err = vm_large_in_read(in);
	if (!err) {
		vm_family_read_lock(family);
		err = vm_large_in_insert(in);
		vm_family_read_unlock(family);
	}
	trace_vmobj_pagein(in->object->id, in->start, in->nr, err);
	return err;
}

bool vm_pager_get_large(struct vm_object *object, pgoff_t index,
			unsigned int order)
{
	struct vm_large_in in = {
		.object = object,
		.start = round_down(index, 1UL << order),
		.nr = 1U << order,
	};
	int err;

	if (!vm_pageout_has_room(in.nr) || !vm_large_in_alloc_lists(&in))
		return false;
	err = vm_large_in_once(&in);
	if (in.pg) {
		folio_unlock(in.pg->folio);
		vm_page_free(in.pg);
	}
	kfree(in.page);
	if (!err)
		WRITE_ONCE(object->next_pagein, in.start + in.nr);
	return !err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pager_get_large);
