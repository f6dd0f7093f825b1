/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Superpages: where they fit, and who wants them.
 *
 * A superpage is a folio of an object that a huge PMD can map: 512 pages (2 MiB)
 * with pages of 4 KiB.  Its index is a multiple of that; so is its address, if
 * that of the mapping is (thp_get_unmapped_area() sees to it).
 *
 * A page above one in the chain hides a part of it.  Then it is not mapped as a
 * whole: see &vm_walk.whole in fault.c.
 */
#ifndef _VMOBJ_SUPERPAGE_H
#define _VMOBJ_SUPERPAGE_H

#include <linux/mm.h>

#define VM_SUPERPAGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define VM_SUPERPAGE_NR		(1UL << VM_SUPERPAGE_ORDER)

/** vm_superpage_init() - see what the system's setting is */
void vm_superpage_init(void);

/**
 * vm_superpage_inside() - is the superpage at an index inside a range?
 * @index: some page of it
 * @start: first page of the range, same coordinates
 * @end: first page behind the range
 */
static inline bool vm_superpage_inside(pgoff_t index, pgoff_t start, pgoff_t end)
{
	index = round_down(index, VM_SUPERPAGE_NR);
	return index >= start && index + VM_SUPERPAGE_NR <= end;
}

/**
 * vm_superpage_fits() - can a VMA map the superpage at an index as a whole?
 * @vma: VMA, locked
 * @index: some page of it, family coordinates
 */
static inline bool vm_superpage_fits(struct vm_area_struct *vma, pgoff_t index)
{
	unsigned long bias = (vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff;

	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       IS_ALIGNED(bias, VM_SUPERPAGE_NR) &&
	       vm_superpage_inside(index, vma->vm_pgoff,
				   vma->vm_pgoff + vma_pages(vma));
}

/**
 * vm_superpage_wanted() - is fresh memory of a VMA to be superpages?
 * @vma: VMA, locked
 *
 * What the module's parameter says, or madvise(MADV_HUGEPAGE, MADV_NOHUGEPAGE).
 */
bool vm_superpage_wanted(struct vm_area_struct *vma);

#endif /* _VMOBJ_SUPERPAGE_H */
