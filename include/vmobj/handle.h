/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named objects: those that have a descriptor, or had one.
 *
 * A family has at most one, &vm_family.named.  Byte 0 of it is family index 0; its
 * window ends with its length, and what is behind is SIGBUS.  A shared mapping is an
 * entry that maps it, a private one an entry that maps it with NEEDS_COPY: so a write
 * makes the one copy there is of a page.  It is never collapsed, split or
 * coalesced (vm_object_internal()), and lives until the last file of the family is
 * closed, be it of a descriptor or of a mapping.
 *
 * A descriptor is a file on the family's inode.  Its size is not i_size, see
 * family.c.
 *
 * Lock order: i_rwsem of the family's inode -> mmap_lock -> family lock.  The length
 * and the seals change with the first and the last held, for writing; so each of the
 * two is enough to read them.
 */
#ifndef _VMOBJ_HANDLE_H
#define _VMOBJ_HANDLE_H

#include <linux/fs.h>

#include <vmobj/object.h>

struct vm_family;
struct vm_pager;

/**
 * struct vm_handle - what a named object has besides
 * @length: bytes; those behind it in the last page are zeros
 * @seals: VMOBJ_SEAL_*
 * @pager: where its pages come from and go to, NULL: from nowhere
 */
struct vm_handle {
	loff_t length;
	unsigned int seals;
	struct vm_pager *pager;
};

/**
 * struct vm_descriptor - a descriptor of a named object; private_data of its file
 * @family: its family
 * @base: byte of the object that is byte 0 of the descriptor; a multiple of the page
 *	size
 * @limit: bytes that can be reached through it
 */
struct vm_descriptor {
	struct vm_family *family;
	loff_t base;
	loff_t limit;
};

extern const struct inode_operations vm_handle_iops;

/**
 * vm_handle_new() - a family with a named object
 * @type: what stands behind the object
 * @length: its bytes
 *
 * May sleep.
 *
 * Return: a pseudo file of the family, as vm_family_create(); -EINVAL or -EFBIG for a
 * length that is out of range.
 */
struct file *vm_handle_new(enum vm_object_type type, loff_t length);

/**
 * vm_handle_destroy() - let go of a family's named object
 * @family: family without maps and files; called by the last vm_family_close()
 *
 * May sleep.
 */
void vm_handle_destroy(struct vm_family *family);

/**
 * vm_handle_free() - vm_handle_destroy() when nothing is to be written any more
 * @family: family without maps and files
 *
 * May sleep.
 */
void vm_handle_free(struct vm_family *family);

/**
 * vm_handle_install() - a descriptor of a named object for the calling process
 * @family: its family
 * @base: see &struct vm_descriptor
 * @limit: see &struct vm_descriptor
 * @fops: operations of the file; their release is vm_handle_release()
 * @flags: O_RDWR or O_RDONLY: what may be done with it
 *
 * May sleep.
 *
 * Return: the descriptor, close-on-exec, or -EMFILE or -ENOMEM.
 */
int vm_handle_install(struct vm_family *family, loff_t base, loff_t limit,
		      const struct file_operations *fops, int flags);

/**
 * vm_handle_release() - a descriptor is closed for good
 * @inode: the family's
 * @file: its file
 *
 * Return: 0.
 */
int vm_handle_release(struct inode *inode, struct file *file);

/**
 * vm_handle_mmap() - map a descriptor
 * @file: its file
 * @vma: where to
 *
 * Return: 0, -EINVAL for more than there can ever be, -EPERM for what a seal forbids,
 * -ENOMEM.
 */
int vm_handle_mmap(struct file *file, struct vm_area_struct *vma);

/**
 * vm_handle_resize() - change the length
 * @family: its family; i_rwsem of its inode held
 * @length: bytes
 *
 * What is cut off is gone in private mappings as well, and zeros if it comes back.
 * May sleep, and do I/O.
 *
 * Return: 0; -EIO or -ENOMEM if the page where the end is cannot be read from swap.
 */
int vm_handle_resize(struct vm_family *family, loff_t length);

/**
 * vm_handle_cut() - throw away what is behind an end, private copies as well
 * @family: its family, family lock held for writing
 * @end: first page that goes
 *
 * May sleep.
 */
void vm_handle_cut(struct vm_family *family, pgoff_t end);

/**
 * vm_handle_write_lock() - get ready to fill bytes with zeros
 * @family: its family, family lock not held
 * @from: first byte
 * @to: first byte behind
 *
 * Pages that @from and @to are in the middle of are brought back from swap.  May sleep,
 * and do I/O.
 *
 * Return: 0, with the family lock held for writing; -EIO or -ENOMEM without.
 */
int vm_handle_write_lock(struct vm_family *family, loff_t from, loff_t to);

/**
 * vm_handle_zero() - fill bytes of the resident pages with zeros
 * @family: its family, family lock held for writing
 * @from: first byte
 * @to: first byte behind
 *
 * May sleep.
 */
void vm_handle_zero(struct vm_family *family, loff_t from, loff_t to);

/**
 * vm_handle_punch() - bytes become zeros, whole pages a hole
 * @family: its family; i_rwsem of its inode held, or for a file clean_lock of the pager
 * @from: first byte
 * @to: first byte behind
 *
 * May sleep.
 *
 * Return: 0; -EIO or -ENOMEM if a page that is cut cannot be read from swap.
 */
int vm_handle_punch(struct vm_family *family, loff_t from, loff_t to);

/**
 * vm_handle_create_ioctl() - VMOBJ_IOC_CREATE
 * @arg: user address of its struct
 *
 * Return: the descriptor or a negative errno.
 */
long vm_handle_create_ioctl(void __user *arg);

/* ---- handle_io.c: the file operations of descriptors ---- */

extern const struct file_operations vm_handle_fops;

#endif /* _VMOBJ_HANDLE_H */
