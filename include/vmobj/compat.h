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

/* 6.9: pte_mkwrite() takes the VMA (shadow stacks); 6.6 renamed the plain one */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define compat_pte_mkwrite(pte, vma)	pte_mkwrite(pte)
#else
#define compat_pte_mkwrite(pte, vma)	pte_mkwrite(pte, vma)
#endif

/*
 * Like apply_to_existing_page_range(), which 7.x no longer exports; there the
 * callers' ranges are populated anyway, so creating tables is no loss.
 */
static inline int compat_apply_to_ptes(struct mm_struct *mm, unsigned long addr,
				       unsigned long bytes, pte_fn_t fn,
				       void *data)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return apply_to_existing_page_range(mm, addr, bytes, fn, data);
#else
	return apply_to_page_range(mm, addr, bytes, fn, data);
#endif
}

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
