/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/vmobj.
 */
#ifndef _VMOBJ_DEVICE_H
#define _VMOBJ_DEVICE_H

#include <linux/mm_types.h>

/**
 * vmobj_is_ours() - is a mapping one of ours?
 * @vma: VMA that stays: mmap_lock held
 *
 * Return: true if its vm_private_data is a struct vm_map.
 */
bool vmobj_is_ours(const struct vm_area_struct *vma);

/**
 * vmobj_fill() - give what a mapping has grown by entries
 * @vma: VMA of ours, or at fork the child's while it has still the parent's map; its
 *	lock or the mmap_lock held, and the family lock for writing
 *
 * Does not fail.
 */
void vmobj_fill(struct vm_area_struct *vma);

/**
 * vmobj_device_register() - make /dev/vmobj appear
 *
 * Last step of loading: from then on there are users.
 *
 * Return: 0 or a negative errno.
 */
int vmobj_device_register(void);

/** vmobj_device_deregister() - make /dev/vmobj disappear */
void vmobj_device_deregister(void);

#endif /* _VMOBJ_DEVICE_H */
