/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults: finding, filling, copying and moving pages.
 */
#ifndef _VMOBJ_FAULT_H
#define _VMOBJ_FAULT_H

#include <linux/mm.h>

#include <vmobj/compat.h>

struct vm_map;

/**
 * vm_fault_page() - the page a process sees at an index (BSD vm_fault)
 * @map: the process's map; no lock of ours held
 * @index: family index; an entry covers it
 * @write: the page will be written to: it is then the entry's own
 * @result: out: the folio, locked, with a reference
 *
 * May sleep.
 *
 * Return: 0, VM_FAULT_OOM, VM_FAULT_SIGBUS when no entry covers the index, or
 * VM_FAULT_SIGSEGV when the process was not to inherit it.
 */
vm_fault_t vm_fault_page(struct vm_map *map, pgoff_t index, bool write,
			 struct folio **result);

/**
 * vmobj_fault() - &vm_operations_struct.fault
 * @vmf: the fault
 *
 * Return: VM_FAULT_LOCKED with @vmf->page; VM_FAULT_NOPAGE when the page has been
 * mapped; VM_FAULT_RETRY when it had to be read from a file, and the lock of the fault has
 * been let go for that; or an error.
 */
vm_fault_t vmobj_fault(struct vm_fault *vmf);

/**
 * vmobj_page_mkwrite() - &vm_operations_struct.page_mkwrite
 * @vmf: a write to a page that is mapped read-only, or is about to be mapped
 *
 * Return: VM_FAULT_LOCKED when the page may be written, VM_FAULT_NOPAGE when it
 * was not the process's own: then it has been unmapped, and the object has a copy
 * for the retry to find; or an error.
 */
vm_fault_t vmobj_page_mkwrite(struct vm_fault *vmf);

/**
 * vmobj_huge_fault() - &vm_operations_struct.huge_fault
 * @vmf: a fault where no page table is, or a write to a huge page
 * @size: of the entry
 *
 * Return: VM_FAULT_NOPAGE when a huge page that was mapped read-only is now
 * writable; VM_FAULT_FALLBACK for all else, which is left to the other two.
 */
vm_fault_t vmobj_huge_fault(struct vm_fault *vmf, COMPAT_ENTRY_SIZE size);

/**
 * vmobj_access() - &vm_operations_struct.access: a debugger pokes
 * @vma: VMA; mmap_lock held for reading
 * @addr: user address, in bytes
 * @buf: kernel buffer
 * @len: bytes
 * @write: FOLL_WRITE bit: to the process's memory
 *
 * The kernel comes here for what get_user_pages() will not do: a forced write
 * to a private page that is not writable (a breakpoint in code).
 *
 * Return: bytes done, or a negative errno.
 */
int vmobj_access(struct vm_area_struct *vma, unsigned long addr, void *buf,
		 int len, int write);

#endif /* _VMOBJ_FAULT_H */
