/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page-table side: what BSD's pmap does, with what Linux exports.
 *
 * To take a write right is to make the PTE read-only *and clean*: for a shared
 * VMA the kernel takes a dirty PTE as proof that it may be made writable again
 * (mprotect), without asking the driver.
 */
#ifndef _VMOBJ_PMAP_H
#define _VMOBJ_PMAP_H

#include <linux/fs.h>
#include <linux/mm.h>

struct vm_fault;
struct vm_map;
struct vm_map_entry;
struct vm_writeset_part;

/**
 * struct pmap_walk_ops - what pmap_walk() does with what it finds
 * @pte: called with each PTE of a table, mapped or not, the table locked
 * @pmd: called with each huge PMD, and the first address of it that is in the
 *	range; may sleep
 *
 * What is not 0 ends the walk.
 */
struct pmap_walk_ops {
	pte_fn_t pte;
	int (*pmd)(pmd_t *pmdp, unsigned long addr, void *data);
};

/**
 * pmap_walk() - look at the PTEs of a range that have a page table
 * @mm: process; its mmap_lock or the lock of the one VMA is held, which keeps
 *	the tables
 * @addr: first address
 * @end: first address behind the range
 * @ops: what to do
 * @data: for @ops
 *
 * May sleep.  Makes no tables, which apply_to_page_range() would; the other
 * function, which does not, is no longer exported in 7.0, and neither likes huge
 * PMDs.
 *
 * Return: 0, or what @ops returned to end the walk.
 */
int pmap_walk(struct mm_struct *mm, unsigned long addr, unsigned long end,
	      const struct pmap_walk_ops *ops, void *data);

/**
 * pmap_unmap_everywhere() - drop the PTEs of a range of indexes in all processes
 * @mapping: the family's address space
 * @index: first page, family coordinates
 * @nr: pages
 *
 * Also hits relatives that have another page at the index; they fault it in
 * again.  May sleep (i_mmap_rwsem).  The TLBs are flushed on return.  Not to be
 * called with an object lock held.
 */
void pmap_unmap_everywhere(struct address_space *mapping, pgoff_t index,
			   unsigned long nr);

/**
 * pmap_make_table() - make sure that a fault's address has a page table
 * @vmf: fault; the folio is locked that a huge PMD could map there
 *
 * So that no huge PMD can be put there.  May sleep.  Without memory for it the
 * fault will not get any either.
 */
void pmap_make_table(struct vm_fault *vmf);

/**
 * pmap_use_prealloc() - use the page table that the kernel has allocated ahead
 * @vmf: fault that is about to map a page itself
 *
 * It does so for each fault where there is none, but a call that maps a page would
 * allocate another.  Best effort.
 */
void pmap_use_prealloc(struct vm_fault *vmf);

/**
 * pmap_unmap_other() - drop the PTE of a fault's address if it is of another page
 * @vmf: fault, of a page and not of a huge page
 * @page: the page the address is to show, its folio locked: so no other is being
 *	mapped there now
 * @nr: how many PTEs to drop then, from that one on, all of the VMA
 */
void pmap_unmap_other(struct vm_fault *vmf, struct page *page,
		      unsigned long nr);

/**
 * pmap_write_protect() - make pages of one process read-only and clean
 * @map: map with an mm, whose mmap_lock is held for writing
 * @part: the pages; of a huge page one is enough
 *
 * (BSD pmap_protect)  Dirty bits go to the folios.  The TLB flush is left to the
 * caller: fork does one for the whole mm at its end.
 */
void pmap_write_protect(struct vm_map *map, const struct vm_writeset_part *part);

/**
 * pmap_enable_write() - give write rights to pages that are mapped already
 * @vma: VMA with VM_WRITE; its lock or the mmap_lock held
 * @entry: entry without NEEDS_COPY that covers the range; family lock held at least
 *	for reading
 * @locked: folio that the caller has locked; a page of it is in the write set
 * @index: first page, family coordinates
 * @nr: pages, all inside @vma, and in one aligned group of BITS_PER_LONG with the one
 *	before @index
 *
 * Best effort, for writes in a row: pages that are busy, absent, not mapped or
 * not the object's own are left to their faults.  The others are noted in the
 * object's write set; the page before @index is in it already.
 *
 * Return: PTEs made writable.
 */
unsigned long pmap_enable_write(struct vm_area_struct *vma,
				const struct vm_map_entry *entry,
				struct folio *locked, pgoff_t index,
				unsigned long nr);

/**
 * pmap_enable_write_huge() - give write rights to a huge page that is mapped already
 * @vmf: write fault on a huge PMD, &vm_fault.orig_pmd
 * @folio: what it should be a mapping of; locked, in the write set of the top object
 *
 * Return: true if it is writable now; false if something else is mapped there
 * meanwhile, or only the kernel can do it.
 */
bool pmap_enable_write_huge(struct vm_fault *vmf, struct folio *folio);

#endif /* _VMOBJ_PMAP_H */
