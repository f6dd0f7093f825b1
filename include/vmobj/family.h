/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A family: all objects that are related by shadow links, and every map that
 * uses them.
 *
 * A fresh mapping starts a family, or joins that of private memory beside
 * it; what is forked from it stays in it.  The family owns one inode, and
 * so one address_space: every relative's PTE for family index i is found at
 * index i of that address_space, through all shadows, collapses and moves.
 * That index is the coordinate of everything in the family (pages, entries,
 * the windows of objects), and never changes for a page.
 *
 * The family's rwsem is the structure lock.
 *	held for reading (faults): no object appears, disappears or changes
 *	its backing, its reference counts or its window; no entry changes.
 *	Pages may be inserted, and may move up from a backing object that
 *	nobody else uses.
 *	held for writing (fork, unmap, shadow, collapse, ...): all of it may
 *	change.
 *
 * Lock order, outermost first:
 *	i_rwsem of the family's inode (handle.h)
 *	  mmap_lock or VMA lock
 *	    vm_family.lock
 *	      folio lock
 *	        i_mmap_rwsem, page-table locks (inside kernel helpers)
 *	        vm_memq.lock ("object lock")
 *	          page queue lock
 *
 * vm_families_lock (the list of families) is taken alone.
 */
#ifndef _VMOBJ_FAMILY_H
#define _VMOBJ_FAMILY_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct vm_family - objects related by shadow links
 * @lock: the structure lock; guards all below unless said otherwise
 * @ref: keeps the struct; held by the inode, the pseudo files and whoever looks
 * @link: in the list of families, guarded by vm_families_lock
 * @id: never used twice
 * @mapping: address space of the family's inode
 * @named: the object that has a descriptor, or NULL; see handle.h.  Set before there is
 *	any map, for life
 * @writes: how often @lock has been taken for writing; read without it
 * @vnode: @named is, or was, the object of a file; set with it
 * @nr_files: pseudo files, those of VMAs and those that users have
 * @objects: &vm_object.family_link, ids ascending
 * @nr_objects: length of @objects
 * @maps: &vm_map.rb by (mm, bias)
 * @nr_maps: maps in @maps
 * @deferred: &vm_object.deferred_link, objects to collapse before the write
 *	lock is let go
 * @dead: &vm_object.family_link, objects terminated or merged away, freed with
 *	their pages after the write lock is let go
 * @pip_wait: sleepers for paging_in_progress == 0
 * @collapse_pending: some object has COLLAPSE_PENDING because of paging; read
 *	without the lock
 * @collapse_work: what was put off, see vm_object_put_off()
 */
struct vm_family {
	struct rw_semaphore lock;
	struct kref ref;
	struct list_head link;
	u64 id;
	/* not in the cache line of @lock, which each fault writes to */
	struct address_space *mapping;
	struct vm_object *named;
	u32 writes;
	bool vnode;
	atomic_t nr_files;
	struct list_head objects;
	unsigned long nr_objects;
	struct rb_root maps;
	unsigned long nr_maps;
	struct list_head deferred;
	struct list_head dead;
	wait_queue_head_t pip_wait;
	bool collapse_pending;
	struct work_struct collapse_work;
};

/**
 * vm_family_init() - mount the pseudo file system the inodes live in
 *
 * Return: 0 or a negative errno.
 */
int vm_family_init(void);

/** vm_family_exit() - unmount it; no family may be left */
void vm_family_exit(void);

/**
 * vm_family_create() - an empty family and the file that keeps it
 *
 * May sleep.
 *
 * Return: the pseudo file, to be made a VMA's vm_file, whose private_data is
 * the family; the family goes with the last reference to the last
 * such file.  On error
 * ERR_PTR(-ENOMEM or what the file system said).
 */
struct file *vm_family_create(void);

/**
 * vm_family_open_as() - a pseudo file of a family, with operations of its own
 * @family: family
 * @name: what /proc/pid/fd shows
 * @fops: file operations; their release calls vm_family_close()
 * @flags: O_RDWR or O_RDONLY
 * @data: private_data of the file
 *
 * May sleep.
 *
 * Return: the file, or ERR_PTR(-ENOMEM).
 */
struct file *vm_family_open_as(struct vm_family *family, const char *name,
			       const struct file_operations *fops, int flags,
			       void *data);

/**
 * vm_family_close() - the last user of a pseudo file has gone
 * @family: family of the file
 *
 * The named object, if there is one, goes with the last file.  May sleep.
 */
void vm_family_close(struct vm_family *family);

/**
 * vm_family_open() - one more pseudo file of a family
 * @family: family
 *
 * May sleep.
 *
 * Return: as vm_family_create().
 */
struct file *vm_family_open(struct vm_family *family);

/**
 * vm_family_owns_inode() - is it the inode of a family?
 * @inode: any inode
 */
bool vm_family_owns_inode(const struct inode *inode);

/**
 * vm_family_get() - one more reference to the struct
 * @family: family that is referenced already
 */
static inline void vm_family_get(struct vm_family *family)
{
	kref_get(&family->ref);
}

/**
 * vm_family_put() - drop a reference to the struct
 * @family: family
 */
void vm_family_put(struct vm_family *family);

/**
 * vm_family_of_folio() - whose page was that?
 * @folio: folio of a page that was on a queue, with a reference, and locked
 *
 * Return: the family, with a reference; NULL if the page has gone.
 */
struct vm_family *vm_family_of_folio(struct folio *folio);

/**
 * vm_family_read_lock() - keep the structure as it is
 * @family: family
 *
 * May sleep.
 */
static inline void vm_family_read_lock(struct vm_family *family)
{
	down_read(&family->lock);
}

/**
 * vm_family_read_unlock() - undo vm_family_read_lock()
 * @family: family
 */
static inline void vm_family_read_unlock(struct vm_family *family)
{
	up_read(&family->lock);
}

/**
 * vm_family_write_lock() - keep everybody else out
 * @family: family
 *
 * May sleep.
 */
static inline void vm_family_write_lock(struct vm_family *family)
{
	down_write(&family->lock);
	WRITE_ONCE(family->writes, family->writes + 1);
}

/**
 * vm_family_write_trylock() - vm_family_write_lock(), if that needs no waiting
 * @family: family
 *
 * Return: true if the lock is held now.
 */
static inline bool vm_family_write_trylock(struct vm_family *family)
{
	if (!down_write_trylock(&family->lock))
		return false;
	WRITE_ONCE(family->writes, family->writes + 1);
	return true;
}

/**
 * vm_family_write_unlock() - let the others in again
 * @family: family
 *
 * First runs the collapses that became possible meanwhile; after the lock is
 * let go frees the pages of objects that were terminated.  May sleep.
 */
void vm_family_write_unlock(struct vm_family *family);

/**
 * vm_family_queue_collapse() - let the worker do what was put off
 * @family: family, kept alive by the caller
 *
 * Any context that may take a workqueue lock.
 */
void vm_family_queue_collapse(struct vm_family *family);

/**
 * vm_family_next() - walk over all families
 * @prev: NULL to begin; its reference is dropped
 *
 * Return: the family with the next higher id, with a reference; NULL at the
 * end.
 */
struct vm_family *vm_family_next(struct vm_family *prev);

/**
 * vm_family_from_id() - find a family to go on with a walk
 * @id: lowest id wanted
 *
 * Return: the family with the lowest id not below @id, with a reference, or
 * NULL.
 */
struct vm_family *vm_family_from_id(u64 id);

#endif /* _VMOBJ_FAMILY_H */
