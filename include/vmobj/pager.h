/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pagers: where the pages of a named object come from and go to.
 *
 * The handle of an object of type VM_OBJECT_VNODE has a struct vm_pager.  The code
 * here knows about pages and objects and not about files: those are in vnode.c, and
 * the unit tests have a pager of their own.
 *
 * Lock order: clean_lock -> whatever a pager needs to do I/O (the file's i_rwsem) ->
 * mmap_lock -> family lock -> folio lock.  So neither a family lock nor the lock of a
 * page that others can find is held over I/O.
 */
#ifndef _VMOBJ_PAGER_H
#define _VMOBJ_PAGER_H

#include <linux/bits.h>
#include <linux/bvec.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct vm_object;
struct vm_pager;

/* Pages read or written together (BSD vm_pageout_page_count). */
#define VM_CLUSTER	16

/**
 * struct vm_pager_ops - what a pager can do
 * @size: bytes there are; what is behind them is SIGBUS.  Any context that may sleep
 * @read: read @nr pages from byte @pos on.  May sleep; no lock of ours is held, but
 *	the process's mmap_lock may be.  Returns the bytes read, less than all only at the
 *	end, or a negative errno
 * @write: write @nr pages, the first of them page @index, but nothing that is behind
 *	the end.  May sleep; &vm_pager.clean_lock is held.  Returns 0 or a negative
 *	errno
 * @sync: what was written is on stable storage when it returns: from byte @start to
 *	@last.  May sleep, as @write.  Returns 0 or a negative errno.  May be NULL
 * @refresh: a page is wanted: see whether the store has another size now.  May sleep;
 *	no lock of ours is held, but the process's mmap_lock may be.  May be NULL
 */
struct vm_pager_ops {
	loff_t (*size)(struct vm_pager *pager);
	ssize_t (*read)(struct vm_pager *pager, loff_t pos, struct bio_vec *bv,
			unsigned int nr);
	int (*write)(struct vm_pager *pager, pgoff_t index, struct bio_vec *bv,
		     unsigned int nr);
	int (*sync)(struct vm_pager *pager, loff_t start, loff_t last);
	void (*refresh)(struct vm_pager *pager);
};

/**
 * struct vm_pager - the store behind a named object; &vm_handle.pager
 * @ops: what it can do
 * @clean_lock: one vm_object_page_clean() at a time (BSD OBJ_CLEANING): the second
 *	may not return before what the first has taken is written; nor may a hole be
 *	punched before that
 * @changes: how often the store was changed by somebody else; family lock, for
 *	writing to change it
 */
struct vm_pager {
	const struct vm_pager_ops *ops;
	struct mutex clean_lock;	/* outermost, see above */
	u32 changes;
};

/**
 * vm_pager_setup() - make a pager ready for use
 * @pager: pager
 * @ops: what it can do
 */
void vm_pager_setup(struct vm_pager *pager, const struct vm_pager_ops *ops);

/**
 * vm_pager_getpage() - make a page of an object resident (BSD vm_pager_get_pages)
 * @object: object with a pager, kept by vm_object_pip_add()
 * @index: page wanted, family coordinates
 *
 * Reads absent neighbours along with it, as far as they are in the same cluster.
 * Family lock not held.  May sleep, and do I/O.
 *
 * Return: 0 if the page was resident, valid, at some time during the call;
 * -EFAULT if it is behind the end of the store, -EIO or another error of the read
 * (SIGBUS, both); -ENOMEM.
 */
int vm_pager_getpage(struct vm_object *object, pgoff_t index);

/**
 * vm_pager_get_large() - read a large page from swap, as a large page
 * @object: object that may have it in swap, kept by vm_object_pip_add()
 * @index: page wanted, family coordinates
 * @order: the large page around it spans 1 << order pages
 *
 * Only if all of it is in swap, nothing of it is in memory, and memory for it is there at
 * once.  Family lock not held.  May sleep, and do I/O.
 *
 * Return: whether it is resident now; if not, vm_pager_getpage() may do.
 */
bool vm_pager_get_large(struct vm_object *object, pgoff_t index,
			unsigned int order);

/* Flags of vm_object_page_clean() (BSD OBJPC_*) */
#define VM_CLEAN_SYNC	BIT(0)	/* and wait until it is on stable storage */
#define VM_CLEAN_INVAL	BIT(1)	/* then throw the pages away */
#define VM_CLEAN_NOSYNC	BIT(2)	/* leave out pages marked nosync */

/**
 * vm_object_page_clean() - write dirty pages to the store (BSD vm_object_page_clean)
 * @object: object with a pager, or any other: then there is nothing to do.  The
 *	caller keeps it, by a reference or vm_object_pip_add()
 * @start: first page, family coordinates
 * @end: first page behind the range, or 0: all from @start on
 * @flags: VM_CLEAN_*
 *
 * No lock held.  May sleep, and do I/O.
 *
 * What was dirty before the call is in the store when it returns, and with SYNC on
 * stable storage.  What is written to meanwhile stays dirty, or is written; each page
 * is written at most once.  A page whose write failed is dirty again.  The error is
 * also noted in the family's address space, from where each of its files reports it
 * once.
 *
 * With INVAL pages of the range that are clean then, not wired and not used by
 * get_user_pages leave the object.
 *
 * Return: 0 or the first error.
 */
int vm_object_page_clean(struct vm_object *object, pgoff_t start, pgoff_t end,
			 unsigned int flags);

#endif /* _VMOBJ_PAGER_H */
