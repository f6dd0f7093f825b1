/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel differences.  No other file tests a kernel version.
 *
 * Each entry says what changed and in which release.
 */
#ifndef _VMOBJ_COMPAT_H
#define _VMOBJ_COMPAT_H

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vmobj needs Linux 6.1 or later: it is built on folios and the 6.1 VMA callbacks"
#endif

/* 6.3: vm_flags became const; setters take care of the VMA lock */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/*
 * 6.4: faults may run under the VMA's own lock, and then the mmap_lock held for writing
 * does not keep them out.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline void vma_start_write(struct vm_area_struct *vma)
{
}
#endif

/*
 * Drop the PTEs of part of one VMA.  6.3 made zap_page_range() into
 * zap_page_range_single(), 7.0 that into zap_vma_range().
 */
static inline void compat_zap_range(struct vm_area_struct *vma,
				    unsigned long addr, unsigned long bytes)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	zap_page_range(vma, addr, bytes);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	zap_page_range_single(vma, addr, bytes, NULL);
#else
	zap_vma_range(vma, addr, bytes);
#endif
}

/*
 * 6.6: pte_mkwrite() takes the VMA, for shadow stacks, which our memory cannot
 * be; it is not exported then, the function for other VMAs is inline.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define pte_mkwrite_novma(pte)	pte_mkwrite(pte)
#define pmd_mkwrite_novma(pmd)	pmd_mkwrite(pmd)
#endif

/* 6.6: huge_fault is told an order */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define COMPAT_ENTRY_SIZE	enum page_entry_size
#define COMPAT_ENTRY_PMD	PE_SIZE_PMD
#else
#define COMPAT_ENTRY_SIZE	unsigned int
#define COMPAT_ENTRY_PMD	(PMD_SHIFT - PAGE_SHIFT)
#endif

/*
 * May a module change PTEs in place?  Elsewhere set_pte_at() and its kind need
 * functions that no kernel exports.
 */
#define COMPAT_CAN_SET_PTES \
	(IS_ENABLED(CONFIG_X86) && !IS_ENABLED(CONFIG_HIGHPTE))

/*
 * 6.14: a call that maps one page for a fault, writable or not.  Where it is not
 * known, nobody calls it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define COMPAT_CAN_INSERT_PAGE	0
vm_fault_t vmf_insert_page_mkwrite(struct vm_fault *vmf, struct page *page,
				   bool write);
#else
#define COMPAT_CAN_INSERT_PAGE	1
#endif

/*
 * Does one fault map all of a large folio that is smaller than a huge page?  Since
 * 6.11 for shmem alone; seen in 7.3 for every file.
 */
#define COMPAT_MAPS_LARGE_FOLIOS \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0))

/*
 * 6.17: mprotect() takes the PTEs of a large folio together, and makes all of them
 * dirty if one is.  A dirty PTE of a shared VMA is made writable without asking: so
 * who may write to one page of the folio may write to all that are mapped.
 */
#define COMPAT_MERGES_DIRTY_BITS \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0))

/* 6.19: a flag for VMAs with guard regions; before, no fault sees them */
#ifdef VM_MAYBE_GUARD
#define COMPAT_VM_MAYBE_GUARD	VM_MAYBE_GUARD
#else
#define COMPAT_VM_MAYBE_GUARD	VM_NONE
#endif

/*
 * Functions only the KUnit module calls from outside.  6.2 has the macro in
 * <kunit/visibility.h>; 6.13 made name spaces strings.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#include <kunit/visibility.h>
#elif IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_IF_KUNIT(sym) \
	EXPORT_SYMBOL_NS_GPL(sym, EXPORTED_FOR_KUNIT_TESTING)
#else
#define EXPORT_SYMBOL_IF_KUNIT(sym)
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define VMOBJ_IMPORT_KUNIT()	MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING)
#else
#define VMOBJ_IMPORT_KUNIT()	MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING")
#endif

#endif /* _VMOBJ_COMPAT_H */
