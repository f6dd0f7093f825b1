/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vmobj: anonymous memory from BSD VM objects.
 *
 * User interface of /dev/vmobj.  Memory is had with mmap(2); MAP_PRIVATE gives
 * copy-on-write at fork, MAP_SHARED memory shared with children.  Each mmap of the
 * device is fresh, zeroed memory: the file offset only has to be a multiple of the
 * page size.
 *
 * Every struct begins with its size as the caller knows it, at least its
 * ..._SIZE_VER0 and at most a page (EINVAL, E2BIG).  What the caller knows and the
 * driver does not must be zero (E2BIG), as must flags that have no name and all that
 * is reserved (EINVAL).  A bad pointer is EFAULT.  Structs and numbers are the same
 * for 32-bit programs.
 *
 * Ranges of addresses are in bytes: the address is a multiple of the page size
 * (EINVAL), the length is rounded up to one.  All of the range must be memory of
 * vmobj, in the caller's address space (ENOMEM).
 */
#ifndef _UAPI_LINUX_VMOBJ_H
#define _UAPI_LINUX_VMOBJ_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** VMOBJ_ABI_VERSION - version of this interface; grows, never shrinks */
#define VMOBJ_ABI_VERSION	2

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

/**
 * struct vmobj_range - what is behind a range of addresses (VMOBJ_IOC_RANGE)
 * @size: in: bytes of this struct as the caller knows it; out: as the driver does
 * @flags: must be zero
 * @addr: in: start of the range
 * @length: in: bytes
 * @object: out: id of the object that a write to @addr goes to, or 0 if there is none
 *	yet; the ids are those of the object dump
 * @offset: out: bytes from the start of that object to @addr
 * @depth: out: objects that can be seen through at @addr, the top included
 * @inheritance: out: VMOBJ_INHERIT_* of @addr
 * @resident: out: pages of the range that have memory
 * @private_pages: out: those of them that belong to an object nobody else uses
 * @shared_pages: out: the others
 * @swapped: out: pages of the range that are paged out
 * @reserved: must be zero
 */
struct vmobj_range {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 length;
	__u64 object;
	__u64 offset;
	__u32 depth;
	__u32 inheritance;
	__u64 resident;
	__u64 private_pages;
	__u64 shared_pages;
	__u64 swapped;
	__u64 reserved[2];
};

/** VMOBJ_RANGE_SIZE_VER0 - bytes of the first published struct vmobj_range */
#define VMOBJ_RANGE_SIZE_VER0	96

/** VMOBJ_INHERIT_COPY - a child gets a copy (default of MAP_PRIVATE) */
#define VMOBJ_INHERIT_COPY	0
/** VMOBJ_INHERIT_SHARE - a child shares the memory (default of MAP_SHARED) */
#define VMOBJ_INHERIT_SHARE	1
/** VMOBJ_INHERIT_NONE - a child has nothing there: SIGSEGV */
#define VMOBJ_INHERIT_NONE	2
/** VMOBJ_INHERIT_ZERO - a child gets fresh, zeroed memory */
#define VMOBJ_INHERIT_ZERO	3

/**
 * struct vmobj_inherit - what children will get (VMOBJ_IOC_INHERIT; minherit(2) of
 * BSD)
 * @size: bytes of this struct
 * @flags: must be zero
 * @addr: start of the range
 * @length: bytes; 0 does nothing
 * @inheritance: one of VMOBJ_INHERIT_* (EINVAL)
 * @reserved: must be zero
 *
 * It holds for all forks from then on, and children inherit it.
 */
struct vmobj_inherit {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 length;
	__u32 inheritance;
	__u32 reserved;
};

/** VMOBJ_INHERIT_SIZE_VER0 - bytes of the first published struct vmobj_inherit */
#define VMOBJ_INHERIT_SIZE_VER0	32

/** VMOBJ_ADV_WILLNEED - will be used soon: bring it in, keep it */
#define VMOBJ_ADV_WILLNEED	0
/** VMOBJ_ADV_DONTNEED - not used soon, but the contents matter */
#define VMOBJ_ADV_DONTNEED	1
/** VMOBJ_ADV_FREE - the contents do not matter: zeros or what was there */
#define VMOBJ_ADV_FREE		2
/** VMOBJ_ADV_DISCARD - zeros from now on; what Linux's MADV_DONTNEED does */
#define VMOBJ_ADV_DISCARD	3
/** VMOBJ_ADV_COLD - first to go when memory is short */
#define VMOBJ_ADV_COLD		4
/** VMOBJ_ADV_PAGEOUT - page it out now */
#define VMOBJ_ADV_PAGEOUT	5

/**
 * struct vmobj_advise - advice about a range (VMOBJ_IOC_ADVISE; madvise(2) of BSD)
 * @size: bytes of this struct
 * @flags: must be zero
 * @addr: start of the range
 * @length: bytes; 0 does nothing
 * @advice: one of VMOBJ_ADV_* (EINVAL)
 * @reserved: must be zero
 */
struct vmobj_advise {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 length;
	__u32 advice;
	__u32 reserved;
};

/** VMOBJ_ADVISE_SIZE_VER0 - bytes of the first published struct vmobj_advise */
#define VMOBJ_ADVISE_SIZE_VER0	32

/**
 * struct vmobj_create - a new object with a file descriptor (VMOBJ_IOC_CREATE)
 * @size: bytes of this struct
 * @flags: must be zero
 * @length: bytes of the object, any number; see also ftruncate(2)
 * @reserved: must be zero
 *
 * The ioctl returns the descriptor, close-on-exec: for mmap(2), shared or private,
 * read(2) and write(2), lseek(2) with SEEK_DATA and SEEK_HOLE, ftruncate(2),
 * fallocate(2), fstat(2).
 */
struct vmobj_create {
	__u32 size;
	__u32 flags;
	__u64 length;
	__u64 reserved[2];
};

/** VMOBJ_CREATE_SIZE_VER0 - bytes of the first published struct vmobj_create */
#define VMOBJ_CREATE_SIZE_VER0	32

/**
 * struct vmobj_attach - an object whose pages are those of a regular file
 * (VMOBJ_IOC_ATTACH)
 * @size: bytes of this struct
 * @flags: must be zero
 * @fd: descriptor of the file, open for reading; shared writable mappings and write(2)
 *	need it open for writing too (EACCES)
 * @reserved: must be zero
 * @offset: bytes into the file where the object's descriptor begins; a multiple of the
 *	page size
 * @length: bytes; 0: up to the end of the file, wherever that is
 *
 * The ioctl returns a descriptor as VMOBJ_IOC_CREATE does.  All of one file is one
 * object as long as it is in use.
 */
struct vmobj_attach {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
	__u64 offset;
	__u64 length;
};

/** VMOBJ_ATTACH_SIZE_VER0 - bytes of the first published struct vmobj_attach */
#define VMOBJ_ATTACH_SIZE_VER0	32

/** VMOBJ_SYNC_WAIT - the data is on the file when the call returns */
#define VMOBJ_SYNC_WAIT		(1U << 0)
/** VMOBJ_SYNC_INVAL - pages leave the object after they are clean */
#define VMOBJ_SYNC_INVAL	(1U << 1)

/**
 * struct vmobj_sync - write dirty pages of an object to its file (VMOBJ_IOC_SYNC, on
 * the descriptor of an object; BSD vm_object_page_clean)
 * @size: bytes of this struct
 * @flags: VMOBJ_SYNC_*
 * @offset: bytes into the descriptor; a multiple of the page size
 * @length: bytes; 0: to the end
 */
struct vmobj_sync {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
};

/** VMOBJ_SYNC_SIZE_VER0 - bytes of the first published struct vmobj_sync */
#define VMOBJ_SYNC_SIZE_VER0	24

/** VMOBJ_SEAL_SEAL - no more seals */
#define VMOBJ_SEAL_SEAL		(1U << 0)
/** VMOBJ_SEAL_SHRINK - the object does not get shorter */
#define VMOBJ_SEAL_SHRINK	(1U << 1)
/** VMOBJ_SEAL_GROW - the object does not get longer */
#define VMOBJ_SEAL_GROW		(1U << 2)
/** VMOBJ_SEAL_WRITE - contents do not change; EBUSY while there are shared mappings */
#define VMOBJ_SEAL_WRITE	(1U << 3)

/**
 * struct vmobj_seal - promises about an object (VMOBJ_IOC_SEAL, on the descriptor of
 * an object made by VMOBJ_IOC_CREATE)
 * @size: bytes of this struct
 * @flags: must be zero
 * @seals: in: VMOBJ_SEAL_* to add, 0 to add none; out: all there are.  They have the
 *	numbers of F_SEAL_*.  What a seal forbids is EPERM, as is adding one after
 *	VMOBJ_SEAL_SEAL.
 * @reserved: must be zero
 */
struct vmobj_seal {
	__u32 size;
	__u32 flags;
	__u32 seals;
	__u32 reserved;
};

/** VMOBJ_SEAL_SIZE_VER0 - bytes of the first published struct vmobj_seal */
#define VMOBJ_SEAL_SIZE_VER0	16

#define VMOBJ_IOC_MAGIC		'V'

/** VMOBJ_IOC_INFO - read struct vmobj_info; any open file of /dev/vmobj */
#define VMOBJ_IOC_INFO		_IOWR(VMOBJ_IOC_MAGIC, 0x40, struct vmobj_info)
/** VMOBJ_IOC_RANGE - read struct vmobj_range; any open file of /dev/vmobj */
#define VMOBJ_IOC_RANGE		_IOWR(VMOBJ_IOC_MAGIC, 0x41, struct vmobj_range)
/** VMOBJ_IOC_INHERIT - see struct vmobj_inherit; any open file of /dev/vmobj */
#define VMOBJ_IOC_INHERIT	_IOW(VMOBJ_IOC_MAGIC, 0x42, struct vmobj_inherit)
/** VMOBJ_IOC_ADVISE - see struct vmobj_advise; any open file of /dev/vmobj */
#define VMOBJ_IOC_ADVISE	_IOW(VMOBJ_IOC_MAGIC, 0x43, struct vmobj_advise)
/** VMOBJ_IOC_CREATE - see struct vmobj_create; any open file of /dev/vmobj */
#define VMOBJ_IOC_CREATE	_IOW(VMOBJ_IOC_MAGIC, 0x44, struct vmobj_create)
/** VMOBJ_IOC_ATTACH - see struct vmobj_attach; any open file of /dev/vmobj */
#define VMOBJ_IOC_ATTACH	_IOW(VMOBJ_IOC_MAGIC, 0x45, struct vmobj_attach)
/** VMOBJ_IOC_SYNC - see struct vmobj_sync; the descriptor of an object */
#define VMOBJ_IOC_SYNC		_IOW(VMOBJ_IOC_MAGIC, 0x46, struct vmobj_sync)
/** VMOBJ_IOC_SEAL - see struct vmobj_seal; the descriptor of an object */
#define VMOBJ_IOC_SEAL		_IOWR(VMOBJ_IOC_MAGIC, 0x47, struct vmobj_seal)

#endif /* _UAPI_LINUX_VMOBJ_H */
