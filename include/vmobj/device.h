/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/vmobj.
 */
#ifndef _VMOBJ_DEVICE_H
#define _VMOBJ_DEVICE_H

#include <linux/mm_types.h>

struct file;

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

/**
 * vmobj_map_vma() - make a fresh VMA one of a family
 * @vma: VMA that is being made by mmap(2); its vm_pgoff is an index of the family
 * @pseudo: pseudo file of the family, for this VMA; consumed
 *
 * What it maps is fresh memory, or the named object of the family.  Family lock held
 * for writing.  May sleep.
 */
void vmobj_map_vma(struct vm_area_struct *vma, struct file *pseudo);

/** vmobj_device_deregister() - make /dev/vmobj disappear */
void vmobj_device_deregister(void);

#endif /* _VMOBJ_DEVICE_H */
