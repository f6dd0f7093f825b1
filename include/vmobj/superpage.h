/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Superpages: where they fit, and who wants them.
 *
 * A superpage is a folio of an object that a huge PMD can map: 512 pages (2 MiB)
 * with pages of 4 KiB.  Its index is a multiple of that; so is its address, if
 * that of the mapping is (thp_get_unmapped_area() sees to it).
 *
 * A block is smaller: 16 pages.  Blocks are given where there is no superpage to be
 * had, and where the kernel maps one in one fault.
 *
 * A page above a large one in the chain hides a part of it.  Then it is not mapped
 * as a whole: see &vm_walk.whole in fault.c.
 *
 * Nobody can see which pages of a superpage have been touched, and one for each
 * first touch would be 512 times the memory for a program that touches here and
 * there.  So without advice they are given ahead only to who fills memory page by
 * page: where a piece of memory has been filled with smaller pages, the next
 * VM_SUPERPAGE_AHEAD pieces after it are superpages, and then another has to be
 * filled.  Who fills that too gets twice as many, and so on, up to 256.
 *
 * And where a sixteenth of a piece has been touched, in whatever order, its pages are
 * put together to a superpage: see promote.c.
 */
#ifndef _VMOBJ_SUPERPAGE_H
#define _VMOBJ_SUPERPAGE_H

#include <linux/mm.h>

#define VM_SUPERPAGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define VM_SUPERPAGE_NR		BIT(VM_SUPERPAGE_ORDER)
#define VM_SUPERPAGE_AHEAD	32U
#define VM_SUPERPAGE_MAX_REACH	3U	/* vm_page.ahead has a byte */

#define VM_BLOCK_ORDER		4
#define VM_BLOCK_AHEAD		7

/* So many pages in the range of a superpage make it worth to have one. */
#define VM_SUPERPAGE_PROMOTE	(VM_SUPERPAGE_NR >> VM_PROMOTE_SHIFT)

struct vm_object;

/**
 * enum vm_superpage_want - who wants fresh memory to be large pages
 * @VM_SUPERPAGE_NEVER: nobody
 * @VM_SUPERPAGE_AHEAD_OF_USE: who fills memory page by page
 * @VM_SUPERPAGE_BLOCKS: the first touch, but for blocks and no more
 * @VM_SUPERPAGE_NOW: the first touch
 */
enum vm_superpage_want {
	VM_SUPERPAGE_NEVER,
	VM_SUPERPAGE_AHEAD_OF_USE,
	VM_SUPERPAGE_BLOCKS,
	VM_SUPERPAGE_NOW,
};

/** vm_superpage_init() - see what the system's setting is; may sleep */
void vm_superpage_init(void);

/** vm_superpage_exit() - wait until nobody is looking at it; may sleep */
void vm_superpage_exit(void);

/**
 * vm_superpage_inside() - is the large page at an index inside a range?
 * @index: some page of it
 * @order: it spans 1 << order pages
 * @start: first page of the range, same coordinates
 * @end: first page behind the range
 */
static inline bool vm_superpage_inside(pgoff_t index, unsigned int order,
				       pgoff_t start, pgoff_t end)
{
	index = round_down(index, 1UL << order);
	return index >= start && index + (1UL << order) <= end;
}

/**
 * vm_superpage_fits() - can a VMA map the large page at an index as a whole?
 * @vma: VMA, locked
 * @index: some page of it, family coordinates
 * @order: it spans 1 << order pages
 */
static inline bool vm_superpage_fits(struct vm_area_struct *vma, pgoff_t index,
				     unsigned int order)
{
	unsigned long bias = (vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff;

	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       IS_ALIGNED(bias, 1UL << order) &&
	       vm_superpage_inside(index, order, vma->vm_pgoff,
				   vma->vm_pgoff + vma_pages(vma));
}

/**
 * vm_superpage_wanted() - is fresh memory of a VMA to be large pages?
 * @vma: VMA, locked
 *
 * What the module's parameter says, or madvise(MADV_HUGEPAGE, MADV_NOHUGEPAGE).
 */
enum vm_superpage_want vm_superpage_wanted(struct vm_area_struct *vma);

/**
 * vm_superpage_ahead() - may a large page be given ahead of its use?
 * @object: object that is touched; family lock held at least for reading
 * @index: page that is touched, the first of its kind there
 * @order: of the large page that it would be in
 * @reach: out: its &vm_page.reach, if it may
 *
 * It may when this is the next touch of who has filled what is before it, upwards
 * or downwards.
 *
 * Return: how many more may follow it, or -1 if it may not.
 */
int vm_superpage_ahead(struct vm_object *object, pgoff_t index,
		       unsigned int order, unsigned int *reach);

#endif /* _VMOBJ_SUPERPAGE_H */
