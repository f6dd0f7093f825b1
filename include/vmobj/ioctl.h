/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of /dev/vmobj.
 */
#ifndef _VMOBJ_IOCTL_H
#define _VMOBJ_IOCTL_H

#include <linux/types.h>

struct file;

/**
 * vmobj_ioctl_copy_in() - get a struct that may be older or newer than ours
 * @to: where it goes
 * @ksize: bytes of it as we know it
 * @least: bytes of the first published one
 * @arg: user address; begins with a u32, the size as the caller knows it
 *
 * May sleep.
 *
 * Return: 0, -EFAULT, -EINVAL for less than @least, or -E2BIG for more than a page
 * or something not zero behind what we know.
 */
int vmobj_ioctl_copy_in(void *to, size_t ksize, size_t least, void __user *arg);

/**
 * vmobj_ioctl_copy_out() - give a struct back
 * @arg: as for vmobj_ioctl_copy_in(), which has succeeded
 * @from: the struct, with @ksize as its size
 * @ksize: bytes of it as we know it
 *
 * May sleep.
 *
 * Return: 0 or -EFAULT.
 */
int vmobj_ioctl_copy_out(void __user *arg, const void *from, size_t ksize);

/**
 * vmobj_ioctl() - an ioctl on an open file of /dev/vmobj
 * @file: the file
 * @cmd: VMOBJ_IOC_*
 * @arg: address of its struct in user memory
 *
 * Return: what the ioctl is documented to return, or -ENOTTY for another number.
 */
long vmobj_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _VMOBJ_IOCTL_H */
