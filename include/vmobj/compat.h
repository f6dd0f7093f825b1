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
#endif

/*
 * May a module change PTEs in place?  Elsewhere set_pte_at() and its kind need
 * functions that no kernel exports.
 */
#define COMPAT_CAN_SET_PTES	IS_ENABLED(CONFIG_X86)

/*
 * Call a function for the PTEs of a range that have a page table.  7.0 dropped
 * apply_to_existing_page_range(); the other one would make the missing tables.
 * The caller holds a lock that keeps the tables: the mmap_lock or the VMA's.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define compat_apply_to_ptes	apply_to_existing_page_range
#else
/* The first address from @addr on that has a page table, or @end. */
static inline unsigned long compat_next_table(struct mm_struct *mm,
					      unsigned long addr,
					      unsigned long end)
{
	pgd_t *pgd;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	while (addr < end) {
		pgd = pgd_offset(mm, addr);
		if (pgd_none(*pgd)) {
			addr = pgd_addr_end(addr, end);
			continue;
		}
		p4d = p4d_offset(pgd, addr);
		if (p4d_none(*p4d)) {
			addr = p4d_addr_end(addr, end);
			continue;
		}
		pud = pud_offset(p4d, addr);
		if (pud_none(*pud)) {
			addr = pud_addr_end(addr, end);
			continue;
		}
		pmd = pmd_offset(pud, addr);
		if (!pmd_none(*pmd))
			break;
		addr = pmd_addr_end(addr, end);
	}
	return addr;
}

static inline int compat_apply_to_ptes(struct mm_struct *mm, unsigned long addr,
				       unsigned long bytes, pte_fn_t fn,
				       void *data)
{
	unsigned long end = addr + bytes, stop;
	int err = 0;

	for (; !err && (addr = compat_next_table(mm, addr, end)) < end;
	     addr = stop) {
		stop = pmd_addr_end(addr, end);
		err = apply_to_page_range(mm, addr, stop - addr, fn, data);
	}
	return err;
}
#endif

/*
 * 6.14: a call that maps one page for a fault, writable or not.  Where it is not
 * known, nobody calls it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define COMPAT_CAN_INSERT_PAGE	0
vm_fault_t vmf_insert_page_mkwrite(struct vm_fault *vmf, struct page *page,
				   bool write);
#else
/* Before it, a fault's PTE is looked at: not if that is in high memory. */
#define COMPAT_CAN_INSERT_PAGE	(!IS_ENABLED(CONFIG_HIGHPTE))
#endif

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
