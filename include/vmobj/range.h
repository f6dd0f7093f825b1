/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be done to a range of a process's addresses: inheritance, advice, a look.
 */
#ifndef _VMOBJ_RANGE_H
#define _VMOBJ_RANGE_H

#include <linux/fs.h>

/**
 * vmobj_ioctl_range() - VMOBJ_IOC_RANGE
 * @arg: struct vmobj_range in user memory
 *
 * Takes the mmap_lock for reading, and family locks for writing, for a while each.
 * So what is counted is not a snapshot of one moment if it is much.  May sleep.
 *
 * Return: 0; -EFAULT, -EINVAL, -E2BIG for a bad struct; -ENOMEM if some of the range is
 * not memory of ours; -EINTR.
 */
long vmobj_ioctl_range(void __user *arg);

/**
 * vmobj_ioctl_inherit() - VMOBJ_IOC_INHERIT (BSD minherit)
 * @arg: struct vmobj_inherit in user memory
 *
 * Takes the mmap_lock for writing, and family locks.  May sleep.
 *
 * Return: as vmobj_ioctl_range(); after an error nothing has changed.
 */
long vmobj_ioctl_inherit(void __user *arg);

/**
 * vmobj_ioctl_advise() - VMOBJ_IOC_ADVISE (BSD madvise)
 * @arg: struct vmobj_advise in user memory
 *
 * Takes the mmap_lock, for DISCARD for writing, and family locks.  May sleep.
 *
 * Return: as vmobj_ioctl_range(); for DISCARD also -EINVAL for locked memory,
 * -EOPNOTSUPP for a shared mapping of a file's object, -EBUSY if a part of a large page
 * of a named object is in use.
 */
long vmobj_ioctl_advise(void __user *arg);

/**
 * vmobj_fallocate() - &file_operations.fallocate of the pseudo file: MADV_REMOVE
 * @file: vm_file of a VMA of this process
 * @mode: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, or -EOPNOTSUPP
 * @offset: family index of the first page, in bytes
 * @len: bytes
 *
 * The range reads as zeros then, for all who share it.  Locks as for
 * vmobj_ioctl_advise().
 *
 * Return: 0; -EINVAL for a private mapping, as for anonymous memory; else as
 * vmobj_ioctl_advise().
 */
long vmobj_fallocate(struct file *file, int mode, loff_t offset, loff_t len);

/**
 * vmobj_fadvise() - &file_operations.fadvise of the pseudo file: MADV_WILLNEED
 * @file: vm_file of a VMA, mostly of this process
 * @offset: as for vmobj_fallocate()
 * @len: bytes
 * @advice: POSIX_FADV_*; all but WILLNEED is ignored
 *
 * Locks as for vmobj_ioctl_advise().
 *
 * Return: 0, or -EINTR.
 */
int vmobj_fadvise(struct file *file, loff_t offset, loff_t len, int advice);

#endif /* _VMOBJ_RANGE_H */
