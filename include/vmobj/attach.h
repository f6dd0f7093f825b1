/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors of vnode objects.
 */
#ifndef _VMOBJ_ATTACH_H
#define _VMOBJ_ATTACH_H

struct file;

/**
 * vmobj_attach() - make a descriptor of the object of a file (VMOBJ_IOC_ATTACH)
 * @arg: address of a struct vmobj_attach in user memory
 *
 * May sleep.
 *
 * Return: a descriptor of the calling process, close-on-exec, or a negative errno.
 */
long vmobj_attach(void __user *arg);

#endif /* _VMOBJ_ATTACH_H */
