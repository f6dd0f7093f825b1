/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The swap pager: which page of an object is in which block of swap.
 *
 * An object of type SWAP has blocks for some of its indexes.  A block is the only copy
 * of a page that is not resident, or one more copy of a page that is resident and clean.
 * Under a dirty page it is stale, and goes when somebody comes by: when the page is made
 * dirty by a fault, at the latest when it is written out again.
 *
 * Who may change a block's entry:
 *	enter, move	family lock held for writing
 *	free		that, or the folio lock of the resident page at the index, with the
 *			family lock held for reading
 */
#ifndef _VMOBJ_SWAP_H
#define _VMOBJ_SWAP_H

#include <linux/bits.h>
#include <linux/types.h>

#include <vmobj/object.h>
#include <vmobj/swapstore.h>

struct folio;
struct vm_page;

/* ---- swap.c: blocks of objects ---- */

/**
 * vm_swap_init() - no blocks yet
 * @object: object being made
 */
void vm_swap_init(struct vm_object *object);

/**
 * vm_swap_destroy() - give all blocks back
 * @object: object nobody can reach any more
 */
void vm_swap_destroy(struct vm_object *object);

/**
 * vm_swap_lookup() - the block of a page (BSD swp_pager_meta_ctl)
 * @object: object; family lock held at least for reading
 * @index: page, family coordinates
 *
 * Return: the block, or VM_SWBLK_NONE.
 */
static inline vm_swblk_t vm_swap_lookup(struct vm_object *object, pgoff_t index)
{
	void *entry;

	if (likely(object->type != VM_OBJECT_SWAP))
		return VM_SWBLK_NONE;
	entry = xa_load(&object->swap, index);
	return entry ? xa_to_value(entry) : VM_SWBLK_NONE;
}

/**
 * vm_swap_lookup_page() - where is a page of an object, surely?
 * @object: object; family lock held at least for reading
 * @index: page, family coordinates
 * @swapped: out: it is in swap, and not in memory
 *
 * For objects that may have blocks: a page that comes in from swap is in the tree
 * before its block is given back.
 *
 * Return: the page, not locked, or NULL.
 */
static inline struct vm_page *vm_swap_lookup_page(struct vm_object *object,
						  pgoff_t index, bool *swapped)
{
	struct vm_page *pg;
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&object->memq->seq);
		pg = vm_memq_find(object->memq, index);
		*swapped = !pg && vm_swap_lookup(object, index);
	} while (!pg && !*swapped &&
		 read_seqcount_retry(&object->memq->seq, seq));
	return pg;
}

/**
 * vm_swap_any() - is there a block in a range?
 * @object: object; family lock held at least for reading
 * @start: first page, family coordinates
 * @end: first page behind
 */
bool vm_swap_any(struct vm_object *object, pgoff_t start, pgoff_t end);

/**
 * vm_object_empty() - has an object nothing in a range, in memory or in swap?
 * @object: object; family lock held at least for reading
 * @start: first page, family coordinates
 * @end: first page behind
 *
 * A page that comes in from swap meanwhile is in one of both.
 */
static inline bool vm_object_empty(struct vm_object *object, pgoff_t start,
				   pgoff_t end)
{
	unsigned int seq;

	if (likely(object->type != VM_OBJECT_SWAP))
		return !vm_page_any(object->memq, start, end);
	do {
		seq = read_seqcount_begin(&object->memq->seq);
		if (vm_page_any(object->memq, start, end) ||
		    vm_swap_any(object, start, end))
			return false;
	} while (read_seqcount_retry(&object->memq->seq, seq));
	return true;
}

/**
 * vm_swap_next() - the first index with a block
 * @object: object; family lock held at least for reading
 * @index: where to look from, family coordinates
 *
 * Return: the index, ULONG_MAX if there is none.
 */
pgoff_t vm_swap_next(struct vm_object *object, pgoff_t index);

/**
 * vm_swap_next_absent() - the first index of a page that is in swap alone
 * @object: object; family lock held for writing
 * @index: where to look from, family coordinates
 *
 * Return: the index, ULONG_MAX if there is none.
 */
pgoff_t vm_swap_next_absent(struct vm_object *object, pgoff_t index);

/**
 * vm_swap_nr() - blocks an object has (BSD swp_bcount)
 * @object: object
 */
static inline unsigned long vm_swap_nr(const struct vm_object *object)
{
	return atomic_long_read(&object->swapped);
}

/**
 * vm_swap_enter() - a page has been written (BSD swp_pager_meta_build)
 * @object: object that is anonymous; becomes SWAP.  Family lock held for writing
 * @index: page, family coordinates
 * @blk: where it is; one that was there before is freed
 * @gfp: how to allocate
 *
 * Return: 0, or -ENOMEM: then nothing has changed.
 */
int vm_swap_enter(struct vm_object *object, pgoff_t index, vm_swblk_t blk,
		  gfp_t gfp);

/**
 * vm_swap_free_range() - give back the blocks of a range (BSD swap_pager_freespace)
 * @object: object; family lock held for writing, or the folio locked of the one page
 *	that spans the range
 * @start: first page, family coordinates
 * @end: first page behind
 */
void vm_swap_free_range(struct vm_object *object, pgoff_t start, pgoff_t end);

/**
 * vm_swap_unswapped() - a page is dirty: its blocks are stale (BSD
 * swap_pager_unswapped)
 * @object: object of the page
 * @folio: folio of the page, locked; family lock held at least for reading
 */
static inline void vm_swap_unswapped(struct vm_object *object,
				     struct folio *folio)
{
	if (unlikely(object->type == VM_OBJECT_SWAP))
		vm_swap_free_range(object, folio->index,
				   folio->index + folio_nr_pages(folio));
}

/**
 * vm_swap_split() - pages of a range have moved to another object
 * @from: object; family lock held for writing
 * @to: object the pages went to
 * @start: first page, family coordinates
 * @end: first page behind
 *
 * The blocks of those that are in swap alone follow, the others are freed.  May sleep;
 * does not fail.
 */
void vm_swap_split(struct vm_object *from, struct vm_object *to, pgoff_t start,
		   pgoff_t end);

/**
 * vm_swap_merge() - an object takes what blocks of its backing object it needs
 * (BSD swap_pager_copy, with destroy)
 * @object: object that has taken the pages; family lock held for writing
 * @backing: its backing object, that goes away
 *
 * What @object has, in memory or in swap, and what is outside its window, is freed in
 * @backing.  Costs the number of blocks.  May sleep; does not fail.
 */
void vm_swap_merge(struct vm_object *object, struct vm_object *backing);

/**
 * vm_swap_move_up() - vm_swap_merge(), a piece of it
 * @object: object with a backing object that only it uses; family lock held for writing
 * @budget: so many blocks may be moved or freed; is lowered
 *
 * A block that moves up changes nothing that anybody sees.  May sleep; does not fail.
 */
void vm_swap_move_up(struct vm_object *object, unsigned long *budget);

/**
 * vm_swap_drain() - bring back what is in stores that are being removed
 *
 * No lock of ours held, but the stores' control.  May sleep, long.
 *
 * Return: 0 when no block is draining any more; -EINTR; -ENOMEM; -EIO.
 */
int vm_swap_drain(void);

/* ---- swap_pager.c ---- */

/**
 * vm_page_out() - free a page, and idle neighbours, writing first what is dirty
 * @folio: folio with a reference, not locked; of a page of ours, or one that was
 * @write: what is dirty is written; or else only what is clean goes
 *
 * To the swap or, if it is a page of a file, to that.  Neighbours are those in the same
 * cluster that are inactive, too.  Takes the family lock.  No lock of ours held.  May sleep,
 * and do I/O if it may write.
 * (BSD vm_pageout_clean, swap_pager_putpages)
 *
 * Return: pages freed, of PAGE_SIZE, at least 1; -EAGAIN if a lock is not to be had, or
 * the page was in use, or has gone; -EBUSY if it cannot go: wired, pinned, or somebody
 * uses its memory; -ENODATA if it is dirty and not to be written; -ENOSPC without swap; -EIO or
 * another error of the store; -ENOMEM.
 */
long vm_page_out(struct folio *folio, bool write);

/**
 * vm_page_mlocked() - is there a process whose mlock() is about the page?
 * @family: its family; lock held at least for reading
 * @pg: page, folio locked
 *
 * Return: true if so, or if it cannot be told at the moment.
 */
bool vm_page_mlocked(struct vm_family *family, struct vm_page *pg);

#endif /* _VMOBJ_SWAP_H */
