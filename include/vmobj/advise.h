/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Advice on ranges of an object.
 */
#ifndef _VMOBJ_ADVISE_H
#define _VMOBJ_ADVISE_H

#include <vmobj/object.h>

/**
 * enum vm_advice - what a range will be used for (BSD: MADV_*)
 * @VM_ADVICE_WILLNEED: soon: make resident pages active
 * @VM_ADVICE_DONTNEED: not soon: make pages candidates for reuse
 * @VM_ADVICE_FREE: contents do not matter until written again
 * @VM_ADVICE_COLD: less soon than all else: the pages are the next to go
 */
enum vm_advice {
	VM_ADVICE_WILLNEED,
	VM_ADVICE_DONTNEED,
	VM_ADVICE_FREE,
	VM_ADVICE_COLD,
};

/**
 * vm_object_madvise() - take advice (BSD vm_object_madvise)
 * @object: top object of an entry, or NULL; family lock held for writing
 * @start: first page, family coordinates
 * @pages: pages in the range
 * @advice: enum vm_advice
 *
 * WILLNEED, DONTNEED and COLD are about the pages the range shows, of this object and
 * of those below; they never change contents.  FREE is about the object's own
 * pages, and does nothing when the object has a backing object (old data would
 * come back, FreeBSD PR 240061) or is not ONEMAPPING.  Busy pages are waited
 * for; wired ones are left alone.  May sleep.
 */
void vm_object_madvise(struct vm_object *object, pgoff_t start,
		       unsigned long pages, enum vm_advice advice);

/**
 * vm_object_deactivate_pages() - make all pages candidates for reuse
 * @object: object; family lock held for writing
 *
 * (BSD vm_object_deactivate_pages)
 */
void vm_object_deactivate_pages(struct vm_object *object);

#endif /* _VMOBJ_ADVISE_H */
