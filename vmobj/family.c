// SPDX-License-Identifier: GPL-2.0-only
/*
 * Families: the inode, the structure lock and the lists.  See family.h.
 *
 * The inode lives in a pseudo file system of our own.  Each family has a file
 * on it, which becomes vm_file of its VMAs; fork and split copy it, what is
 * mapped beside one takes it too, so the family lives as long as any VMA does.
 * What mremap has moved gets a file of its own on the same inode: see map.h.
 * The descriptors of named objects are files on it, too: see handle.h.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/handle.h>
#include <vmobj/object.h>
#include <vmobj/range.h>
#include <vmobj/stats.h>
#include <vmobj/vnode.h>

#define VMOBJ_FS_MAGIC	0x766d6f62	/* "vmob" */

static LIST_HEAD(vm_families);		/* ids ascending */
static DEFINE_MUTEX(vm_families_lock);
static u64 vm_family_last_id;

static struct vfsmount *vm_family_mnt;
static struct workqueue_struct *vm_family_wq;

/* ---- the pseudo file ---- */

void vm_family_close(struct vm_family *family)
{
	put_write_access(family->mapping->host);
	if (atomic_dec_and_test(&family->nr_files) && family->named)
		vm_handle_destroy(family);
	vm_family_put(family);
}

static int vm_family_release(struct inode *inode, struct file *file)
{
	vm_family_close(file->private_data);
	return 0;
}

/* msync(2).  The place in the family is the place in the file, if there is one. */
static int vm_family_fsync(struct file *file, loff_t start, loff_t last,
			   int datasync)
{
	struct vm_family *family = file->private_data;

	return family->vnode ? vm_vnode_fsync(file, family->named, start, last) :
			       0;
}

/*
 * No .mmap: remap_file_pages() would get in through it.  The owner keeps the
 * module while any VMA is left; its reference is taken by hand, since nobody
 * opens this file.
 */
static const struct file_operations vm_family_fops = {
	.owner = THIS_MODULE,
	.release = vm_family_release,
	.fsync = vm_family_fsync,
	.fallocate = vmobj_fallocate,	/* MADV_REMOVE */
	.fadvise = vmobj_fadvise,	/* MADV_WILLNEED */
};

/* The inode may outlive all files: an O_PATH descriptor keeps it. */
static void vm_family_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (inode->i_private)
		vm_family_put(inode->i_private);
}

static const struct super_operations vm_family_super_ops = {
	.statfs = simple_statfs,
	.evict_inode = vm_family_evict_inode,
};

static int vm_family_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VMOBJ_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->ops = &vm_family_super_ops;
	return 0;
}

/* No .owner: the mount below would then pin the module for ever. */
static struct file_system_type vm_family_fs = {
	.name = "vmobj",
	.init_fs_context = vm_family_init_fs_context,
	.kill_sb = kill_anon_super,
};

static struct inode *vm_family_new_inode(void)
{
	struct inode *inode = alloc_anon_inode(vm_family_mnt->mnt_sb);

	if (IS_ERR(inode))
		return inode;
	inode->i_mode = S_IFREG | 0600;
	inode->i_op = &vm_handle_iops;
	/* Large folios beyond i_size would not be mapped. */
	i_size_write(inode, MAX_LFS_FILESIZE);
	/* No time stamps: nobody can see them, and each fault would pay. */
	inode->i_flags |= S_NOCMTIME;
	/* An unlinked file's shared pages go into core dumps. */
	clear_nlink(inode);
	return inode;
}

static void vm_family_collapse_work(struct work_struct *work)
{
	struct vm_family *family = container_of(work, struct vm_family,
						collapse_work);

	bool more;

	do {
		vm_family_write_lock(family);
		WRITE_ONCE(family->collapse_pending, false);
		more = vm_object_collapse_pending(family);
		vm_family_write_unlock(family);
		cond_resched();
		more = more || vm_family_copy_up_swapped(family);
	} while (more);
	vm_family_put(family);
}

struct file *vm_family_open_as(struct vm_family *family, const char *name,
			       const struct file_operations *fops, int flags,
			       void *data)
{
	struct inode *inode = family->mapping->host;
	struct file *file;

	/*
	 * A file that nobody has open for writing is fair game for
	 * MADV_COLLAPSE, which would look for our pages in the page cache.
	 */
	get_write_access(inode);
	__module_get(THIS_MODULE);
	ihold(inode);
	file = alloc_file_pseudo(inode, vm_family_mnt, name, flags, fops);
	if (IS_ERR(file)) {
		iput(inode);
		module_put(THIS_MODULE);
		put_write_access(inode);
		return file;
	}
	vm_family_get(family);
	atomic_inc(&family->nr_files);
	file->private_data = data;
	return file;
}

struct file *vm_family_open(struct vm_family *family)
{
	return vm_family_open_as(family, "vmobj", &vm_family_fops, O_RDWR,
				 family);
}

static struct vm_family *vm_family_alloc(void)
{
	struct vm_family *family;
	struct inode *inode;

	family = kzalloc(sizeof(*family), GFP_KERNEL_ACCOUNT);
	if (!family)
		return ERR_PTR(-ENOMEM);
	inode = vm_family_new_inode();
	if (IS_ERR(inode)) {
		kfree(family);
		return ERR_CAST(inode);
	}
	init_rwsem(&family->lock);
	kref_init(&family->ref);
	family->mapping = inode->i_mapping;
	vm_family_get(family);
	inode->i_private = family;
	INIT_LIST_HEAD(&family->objects);
	family->maps = RB_ROOT;
	INIT_LIST_HEAD(&family->deferred);
	INIT_LIST_HEAD(&family->dead);
	init_waitqueue_head(&family->pip_wait);
	INIT_WORK(&family->collapse_work, vm_family_collapse_work);

	mutex_lock(&vm_families_lock);
	family->id = ++vm_family_last_id;
	list_add_tail(&family->link, &vm_families);
	mutex_unlock(&vm_families_lock);
	vmobj_stat_inc(VMOBJ_FAMILIES_CREATED);
	return family;
}

bool vm_family_owns_inode(const struct inode *inode)
{
	return inode->i_sb == vm_family_mnt->mnt_sb;
}

struct file *vm_family_create(void)
{
	struct vm_family *family = vm_family_alloc();
	struct inode *inode;
	struct file *file;

	if (IS_ERR(family))
		return ERR_CAST(family);
	inode = family->mapping->host;
	file = vm_family_open(family);
	/* From here on the file keeps both, or nobody does. */
	iput(inode);
	vm_family_put(family);
	return file;
}
EXPORT_SYMBOL_IF_KUNIT(vm_family_create);

static void vm_family_destroy(struct kref *ref)
{
	struct vm_family *family = container_of(ref, struct vm_family, ref);

	mutex_lock(&vm_families_lock);
	list_del(&family->link);
	mutex_unlock(&vm_families_lock);

	WARN_ON_ONCE(!list_empty(&family->objects));
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&family->maps));
	vmobj_stat_inc(VMOBJ_FAMILIES_DESTROYED);
	kfree(family);
}

void vm_family_put(struct vm_family *family)
{
	kref_put(&family->ref, vm_family_destroy);
}
EXPORT_SYMBOL_IF_KUNIT(vm_family_put);

struct vm_family *vm_family_of_folio(struct folio *folio)
{
	struct vm_family *family;

	if (!folio->mapping)
		return NULL;
	family = folio->mapping->host->i_private;
	vm_family_get(family);
	return family;
}
EXPORT_SYMBOL_IF_KUNIT(vm_family_of_folio);

/* ---- the structure lock ---- */

void vm_family_write_unlock(struct vm_family *family)
{
	LIST_HEAD(dead);

	vm_object_collapse_deferred(family);
	list_splice_init(&family->dead, &dead);
	up_write(&family->lock);
	vm_object_reap(&dead);
}
EXPORT_SYMBOL_IF_KUNIT(vm_family_write_unlock);

void vm_family_queue_collapse(struct vm_family *family)
{
	vm_family_get(family);
	if (!queue_work(vm_family_wq, &family->collapse_work))
		vm_family_put(family);
}

/* ---- walking over all families ---- */

struct vm_family *vm_family_from_id(u64 id)
{
	struct vm_family *family, *found = NULL;

	mutex_lock(&vm_families_lock);
	list_for_each_entry(family, &vm_families, link) {
		if (family->id >= id && kref_get_unless_zero(&family->ref)) {
			found = family;
			break;
		}
	}
	mutex_unlock(&vm_families_lock);
	return found;
}

struct vm_family *vm_family_next(struct vm_family *prev)
{
	struct vm_family *family, *found = NULL;

	if (!prev)
		return vm_family_from_id(0);

	/* While we hold a reference, prev is in the list. */
	mutex_lock(&vm_families_lock);
	family = prev;
	list_for_each_entry_continue(family, &vm_families, link) {
		if (kref_get_unless_zero(&family->ref)) {
			found = family;
			break;
		}
	}
	mutex_unlock(&vm_families_lock);
	vm_family_put(prev);
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(vm_family_next);

/* ---- init and exit ---- */

int vm_family_init(void)
{
	vm_family_wq = alloc_workqueue("vmobj", WQ_UNBOUND, 0);
	if (!vm_family_wq)
		return -ENOMEM;
	vm_family_mnt = kern_mount(&vm_family_fs);
	if (IS_ERR(vm_family_mnt)) {
		destroy_workqueue(vm_family_wq);
		return PTR_ERR(vm_family_mnt);
	}
	return 0;
}

void vm_family_exit(void)
{
	destroy_workqueue(vm_family_wq);
	kern_unmount(vm_family_mnt);
}
