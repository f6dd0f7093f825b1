/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vnode objects: objects whose pages are those of a regular file.
 *
 * All of a file is one object as long as it is in use: as long as there is a
 * descriptor of it or a mapping.  Byte 0 of the file is page 0 of the family.  The
 * object's window is as large as any file can be; where the file ends is asked when it
 * matters.
 */
#ifndef _VMOBJ_VNODE_H
#define _VMOBJ_VNODE_H

#include <linux/types.h>

struct file;
struct vm_family;
struct vm_object;

/**
 * vm_vnode_init() - get ready to be told of changes to files
 *
 * Return: 0 or a negative errno.
 */
int vm_vnode_init(void);

/** vm_vnode_exit() - undo vm_vnode_init(); no object of a file may be left.  Sleeps. */
void vm_vnode_exit(void);

/**
 * vm_vnode_open() - the object of a file
 * @file: regular file, open for reading; if it is open for writing, too, the object
 *	can be written to the file from then on
 *
 * (BSD vnode_pager_alloc)  Waits while the object of an earlier use is being written
 * back.  May sleep.
 *
 * Return: a pseudo file of the object's family, as vm_family_open().  -EINVAL: not a
 * regular file, or one that cannot be used so.  -EACCES: not open for reading.
 * -EOPNOTSUPP: the kernel does not tell when files change.  -ERESTARTSYS: a signal came
 * while it waited.  -ENOMEM, or another error of opening the file again.
 */
struct file *vm_vnode_open(struct file *file);

/**
 * vm_vnode_clean() - vm_object_page_clean() for the object of a file
 * @object: object of a file; the caller has a descriptor or a mapping of it
 * @start: as for vm_object_page_clean()
 * @end: as for vm_object_page_clean()
 * @flags: as for vm_object_page_clean()
 *
 * Done by a worker, so that a caller that is being killed, or is over its limits,
 * loses nothing.  No lock held.  May sleep, and do I/O.
 *
 * Return: as vm_object_page_clean().
 */
int vm_vnode_clean(struct vm_object *object, pgoff_t start, pgoff_t end,
		   unsigned int flags);

/**
 * vm_vnode_fsync() - fsync(2) or msync(2) of the object of a file
 * @file: descriptor or pseudo file, which reports an error once
 * @object: object of a file
 * @start: first byte
 * @last: last byte; LLONG_MAX: all from @start on
 *
 * As vm_vnode_clean(), and on stable storage.
 *
 * Return: 0, or an error that this @file has not reported yet.
 */
int vm_vnode_fsync(struct file *file, struct vm_object *object, loff_t start,
		   loff_t last);

/**
 * vm_vnode_fallocate() - make room in a file, or a hole
 * @object: object of a file that is open for writing; the caller has a descriptor
 * @mode: 0, FALLOC_FL_KEEP_SIZE, or this and FALLOC_FL_PUNCH_HOLE
 * @pos: first byte of the file
 * @bytes: how many
 *
 * Of a hole nothing is left in memory, dirty or not, but copies that private mappings
 * have made.  No lock held.  May sleep, and do I/O.
 *
 * Return: 0, -EOPNOTSUPP if the file system cannot, or another error of fallocate(2).
 */
int vm_vnode_fallocate(struct vm_object *object, int mode, loff_t pos,
		       loff_t bytes);

/**
 * vm_object_vndeallocate() - the last descriptor or mapping of a file's object has gone
 * @family: family whose named object is that of a file; the caller has a reference
 *
 * (BSD vm_object_vndeallocate, and what vm_object_terminate does for a vnode)  Writes
 * what is dirty to the file and lets the object go, unless somebody has opened it again
 * meanwhile.  No lock held, and never called from close(): that has the mmap_lock.
 * May sleep, and do I/O.
 */
void vm_object_vndeallocate(struct vm_family *family);

/**
 * vm_vnode_file() - the file behind an object
 * @object: object of a file; the caller has a descriptor of it
 * @write: for writing
 *
 * Return: the file, which stays as long as the descriptor; NULL if it is not open for
 * writing.
 */
struct file *vm_vnode_file(struct vm_object *object, bool write);

/**
 * vm_vnode_launder() - memory is short: write a file's dirty pages soon
 * @family: family of a vnode object, with a reference
 *
 * The worker that writes them every now and then does so now.  Nothing happens if files
 * are being opened or closed at the moment.  May sleep, shortly; any lock may be held.
 */
void vm_vnode_launder(struct vm_family *family);

#endif /* _VMOBJ_VNODE_H */
