/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vmobj: anonymous memory from BSD VM objects.
 *
 * User interface of /dev/vmobj.  Memory is had with mmap(2); MAP_PRIVATE gives
 * copy-on-write at fork, MAP_SHARED memory shared with children.  Each mmap is
 * fresh, zeroed memory: the file offset only has to be a multiple of the page
 * size.
 */
#ifndef _UAPI_LINUX_VMOBJ_H
#define _UAPI_LINUX_VMOBJ_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** VMOBJ_ABI_VERSION - version of this interface; grows, never shrinks */
#define VMOBJ_ABI_VERSION	1

/**
 * VMOBJ_INFO_SIZE_VER0 - bytes of the first published struct vmobj_info;
 * the smallest size the driver accepts
 */
#define VMOBJ_INFO_SIZE_VER0	40

/** VMOBJ_FEATURE_STRICT_COPY - a fork is an exact point in time (always set) */
#define VMOBJ_FEATURE_STRICT_COPY	(1ULL << 0)

/**
 * struct vmobj_info - what the loaded driver is and can do (VMOBJ_IOC_INFO)
 * @size: in: bytes of this struct as the caller knows it, at least
 *	VMOBJ_INFO_SIZE_VER0 and at most a page; out: bytes as the driver
 *	knows it
 * @flags: must be zero (EINVAL)
 * @abi_version: out: VMOBJ_ABI_VERSION of the driver
 * @page_size: out: bytes of a page, the unit of all memory given out
 * @features: out: VMOBJ_FEATURE_* bits
 * @reserved: must be zero (EINVAL)
 *
 * Errors: EFAULT (bad pointer), EINVAL (size too small, flags or reserved not
 * zero), E2BIG (size above a page, or non-zero bytes the driver does not know).
 */
struct vmobj_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 page_size;
	__u64 features;
	__u64 reserved[2];
};

#define VMOBJ_IOC_MAGIC		'V'

/** VMOBJ_IOC_INFO - read struct vmobj_info; any open file of /dev/vmobj */
#define VMOBJ_IOC_INFO		_IOWR(VMOBJ_IOC_MAGIC, 0x40, struct vmobj_info)

#endif /* _UAPI_LINUX_VMOBJ_H */
