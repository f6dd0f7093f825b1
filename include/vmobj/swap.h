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

/* Flags of vm_page_out() */
#define VM_PAGEOUT_TRY		BIT(0)	/* do not wait for the family lock */
#define VM_PAGEOUT_CLEAN	BIT(1)	/* write nothing: only what is clean goes */

/**
 * vm_page_out() - free a page, and idle neighbours, writing first what is dirty
 * @folio: folio with a reference, not locked; of a page of ours, or one that was
 * @flags: VM_PAGEOUT_*
 *
 * To the swap or, if it is a page of a file, to that.  Neighbours are those in the same
 * cluster that are inactive, too.  Takes the family lock.  No lock of ours held; with
 * TRY the caller may hold any.  May sleep, and do I/O without CLEAN.
 * (BSD vm_pageout_clean, swap_pager_putpages)
 *
 * Return: pages freed, of PAGE_SIZE, at least 1; -EAGAIN if a lock is not to be had, or
 * the page was in use, or has gone; -EBUSY if it cannot go: wired, pinned, or somebody
 * uses its memory; -ENODATA if it is dirty (CLEAN); -ENOSPC without swap; -EIO or
 * another error of the store; -ENOMEM.
 */
long vm_page_out(struct folio *folio, unsigned int flags);

/**
 * vm_swap_drain() - bring back what is in stores that are being removed
 *
 * No lock of ours held, but the stores' control.  May sleep, long.
 *
 * Return: 0 when no block is draining any more; -EINTR; -ENOMEM; -EIO.
 */
int vm_swap_drain(void);

#endif /* _VMOBJ_SWAP_H */
