// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named objects and their descriptors: made, mapped, resized, sealed.  See
 * include/vmobj/handle.h, and handle_io.c for read and write.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/vmobj.h>

#include <vmobj/compat.h>
#include <vmobj/device.h>
#include <vmobj/family.h>
#include <vmobj/handle.h>
#include <vmobj/ioctl.h>
#include <vmobj/object.h>
#include <vmobj/pager.h>
#include <vmobj/swap.h>
#include <vmobj/pager.h>
#include <vmobj/vnode.h>

static unsigned long vm_handle_pages(loff_t length)
{
	return DIV_ROUND_UP_ULL(length, PAGE_SIZE);
}

/* ---- lifetime ---- */

static int vm_handle_check_length(u64 length)
{
	if (length > LLONG_MAX)
		return -EINVAL;
	return length > MAX_LFS_FILESIZE - PAGE_SIZE ? -EFBIG : 0;
}

static int vm_handle_name(struct vm_family *family, enum vm_object_type type,
			  loff_t length)
{
	struct vm_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	struct vm_object *object;

	if (!handle)
		return -ENOMEM;
	handle->length = length;
	vm_family_write_lock(family);
	object = vm_object_allocate(family, type, 0, vm_handle_pages(length),
				    GFP_KERNEL_ACCOUNT);
	if (object) {
		object->handle = handle;
		clear_bit(VM_OBJ_ONEMAPPING, &object->flags);
		family->named = object;
		family->vnode = type == VM_OBJECT_VNODE;
	}
	vm_family_write_unlock(family);
	if (!object)
		kfree(handle);
	return object ? 0 : -ENOMEM;
}

struct file *vm_handle_new(enum vm_object_type type, loff_t length)
{
	int err = vm_handle_check_length(length);
	struct file *pseudo;

	if (err)
		return ERR_PTR(err);
	pseudo = vm_family_create();
	if (IS_ERR(pseudo))
		return pseudo;
	err = vm_handle_name(pseudo->private_data, type, length);
	if (!err)
		return pseudo;
	fput(pseudo);
	return ERR_PTR(err);
}

void vm_handle_free(struct vm_family *family)
{
	struct vm_object *object = family->named;
	struct vm_handle *handle = object->handle;

	vm_family_write_lock(family);
	family->named = NULL;
	object->handle = NULL;
	vm_object_deallocate(object);
	vm_family_write_unlock(family);
	kfree(handle);
}

void vm_handle_destroy(struct vm_family *family)
{
	/* Not by a look at the object: somebody else may be at it. */
	if (family->vnode)
		vm_object_vndeallocate(family);
	else
		vm_handle_free(family);
}

/* ---- descriptors ---- */

int vm_handle_release(struct inode *inode, struct file *file)
{
	struct vm_descriptor *desc = file->private_data;

	vm_family_close(desc->family);
	kfree(desc);
	return 0;
}

static struct file *vm_handle_open(struct vm_family *family, loff_t base,
				   loff_t limit,
				   const struct file_operations *fops,
				   int flags)
{
	struct vm_descriptor *desc = kmalloc(sizeof(*desc), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!desc)
		return ERR_PTR(-ENOMEM);
	desc->family = family;
	desc->base = base;
	desc->limit = limit;
	file = vm_family_open_as(family, "vmobj:object", fops, flags,
				 desc);
	if (IS_ERR(file))
		kfree(desc);
	return file;
}

int vm_handle_install(struct vm_family *family, loff_t base, loff_t limit,
		      const struct file_operations *fops, int flags)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = vm_handle_open(family, base, limit, fops, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	fd_install(fd, file);
	return fd;
}

long vm_handle_create_ioctl(void __user *arg)
{
	struct vmobj_create create;
	struct file *pseudo;
	int err;

	err = vmobj_ioctl_copy_in(&create, sizeof(create),
				  VMOBJ_CREATE_SIZE_VER0, arg);
	if (err)
		return err;
	if (create.flags || create.reserved[0] || create.reserved[1])
		return -EINVAL;
	pseudo = vm_handle_new(VM_OBJECT_DEFAULT, create.length);
	if (IS_ERR(pseudo))
		return PTR_ERR(pseudo);
	err = vm_handle_install(pseudo->private_data, 0, LLONG_MAX,
				&vm_handle_fops, O_RDWR);
	fput(pseudo);
	return err;
}

/* ---- mmap ---- */

/* A seal on writing is for who shares the object. */
static int vm_handle_mmap_sealed(struct vm_handle *handle,
				 struct vm_area_struct *vma)
{
	if (!(handle->seals & VMOBJ_SEAL_WRITE) || !(vma->vm_flags & VM_MAYSHARE))
		return 0;
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYWRITE);
	return 0;
}

static int vm_handle_mmap_checked(struct vm_family *family,
				  struct vm_area_struct *vma)
{
	struct file *pseudo = vm_family_open(family);
	int err;

	if (IS_ERR(pseudo))
		return PTR_ERR(pseudo);
	/* No seal comes in between: whoever adds one looks for our entry. */
	vm_family_write_lock(family);
	err = vm_handle_mmap_sealed(family->named->handle, vma);
	if (!err)
		vmobj_map_vma(vma, pseudo);
	vm_family_write_unlock(family);
	if (err)
		fput(pseudo);
	return err;
}

int vm_handle_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vm_descriptor *desc = file->private_data;
	unsigned long pages = vma_pages(vma);

	if (vma->vm_pgoff + pages > vm_handle_pages(desc->limit) ||
	    vma->vm_pgoff + pages < pages)
		return -EINVAL;
	vma->vm_pgoff += desc->base >> PAGE_SHIFT;
	return vm_handle_mmap_checked(desc->family, vma);
}

/* ---- length ---- */

/* Is the page that a byte is in the middle of in swap alone? */
static bool vm_handle_swapped(struct vm_object *object, loff_t pos)
{
	pgoff_t index = pos >> PAGE_SHIFT;

	return offset_in_page(pos) && !vm_memq_find(object->memq, index) &&
	       vm_swap_lookup(object, index);
}

int vm_handle_write_lock(struct vm_family *family, loff_t from, loff_t to)
{
	struct vm_object *object = family->named;
	loff_t pos;
	int err;

	for (;;) {
		vm_family_write_lock(family);
		if (vm_handle_swapped(object, from))
			pos = from;
		else if (vm_handle_swapped(object, to))
			pos = to;
		else
			return 0;
		vm_object_pip_add(object);
		vm_family_write_unlock(family);
		err = vm_pager_getpage(object, pos >> PAGE_SHIFT);
		vm_object_pip_wakeup(object);
		if (err)
			return err;
	}
}

/* Part of one folio.  Pinned or mapped, it shows zeros from now on. */
static void vm_handle_zero_page(struct vm_page *pg, loff_t from, loff_t to)
{
	loff_t start = (loff_t)pg->index << PAGE_SHIFT;
	size_t size = folio_size(pg->folio);

	from = max(from - start, 0LL);
	to = min_t(loff_t, to - start, size);
	folio_lock(pg->folio);
	if (vm_page_valid(pg) && from < to) {
		folio_zero_range(pg->folio, from, to - from);
		vm_page_touched(pg);
		folio_set_dirty(pg->folio);
	}
	folio_unlock(pg->folio);
}

void vm_handle_zero(struct vm_family *family, loff_t from, loff_t to)
{
	struct vm_memq *q = family->named->memq;
	pgoff_t end = vm_handle_pages(to);
	struct vm_page *pg;

	lockdep_assert_held_write(&family->lock);
	if (from >= to)
		return;
	for (pg = vm_page_first(q, from >> PAGE_SHIFT); pg && pg->index < end;
	     pg = vm_page_next(pg))
		vm_handle_zero_page(pg, from, to);
}

int vm_handle_punch(struct vm_family *family, loff_t from, loff_t to)
{
	struct vm_object *object = family->named;
	pgoff_t start = DIV_ROUND_UP_ULL(from, PAGE_SIZE);
	pgoff_t end = to >> PAGE_SHIFT;
	int err;

	err = vm_handle_write_lock(family, from, to);
	if (err)
		return err;
	if (start < end)
		vm_object_page_remove(object, start, end, false);
	vm_handle_zero(family, from, to);
	/* The rest of a page, which may have been clean. */
	set_bit(VM_OBJ_MIGHTBEDIRTY, &object->flags);
	vm_family_write_unlock(family);
	return 0;
}

/*
 * Of a large page across the end a part stays, but nobody may have the other part
 * mapped.
 */
static void vm_object_cut(struct vm_object *object, pgoff_t end)
{
	struct vm_page *pg;

	vm_object_page_remove(object, end, 0, false);
	pg = vm_page_first(object->memq, end);
	if (!pg || pg->index >= end)
		return;
	folio_lock(pg->folio);
	vm_page_unmap(pg);
	folio_zero_range(pg->folio, (end - pg->index) << PAGE_SHIFT,
			 (vm_page_end(pg) - end) << PAGE_SHIFT);
	/* A copy of a private mapping may have blocks of swap, with what was there. */
	if (vm_page_valid(pg))
		folio_set_dirty(pg->folio);
	folio_unlock(pg->folio);
}

void vm_handle_cut(struct vm_family *family, pgoff_t end)
{
	struct vm_object *object;

	lockdep_assert_held_write(&family->lock);
	list_for_each_entry(object, &family->objects, family_link)
		vm_object_cut(object, end);
}

static void vm_handle_shrink(struct vm_family *family, pgoff_t end)
{
	family->named->size = end;
	vm_handle_cut(family, end);
}

int vm_handle_resize(struct vm_family *family, loff_t length)
{
	struct vm_object *object = family->named;
	struct vm_handle *handle = object->handle;
	pgoff_t end = vm_handle_pages(length);
	int err;

	lockdep_assert_held(&family->mapping->host->i_rwsem);

	err = vm_handle_write_lock(family, min(length, handle->length), 0);
	if (err)
		return err;
	if (end < object->size)
		vm_handle_shrink(family, end);
	/* What somebody wrote behind the end through a mapping is not for later. */
	vm_handle_zero(family, min(length, handle->length),
		       round_up(min(length, handle->length), PAGE_SIZE));
	object->size = end;
	handle->length = length;
	vm_family_write_unlock(family);
	return 0;
}

static int vm_handle_truncate(struct vm_family *family, loff_t length)
{
	int err = vm_handle_check_length(length);
	struct vm_handle *handle;

	if (err)
		return err;
	/* Only root comes to the inode without a descriptor, by /proc. */
	if (!family->named)
		return -EINVAL;
	/* Who has the file can do that himself; we will be told. */
	if (family->vnode)
		return -EINVAL;
	handle = family->named->handle;
	if ((length < handle->length && handle->seals & VMOBJ_SEAL_SHRINK) ||
	    (length > handle->length && handle->seals & VMOBJ_SEAL_GROW))
		return -EPERM;
	return vm_handle_resize(family, length);
}

/* ---- the inode ---- */

static int vm_handle_setattr(COMPAT_IDMAP *idmap, struct dentry *dentry,
			     struct iattr *attr)
{
	struct vm_family *family = d_inode(dentry)->i_private;
	int err = 0;

	if (attr->ia_valid & ATTR_SIZE)
		err = vm_handle_truncate(family, attr->ia_size);
	if (!err)
		setattr_copy(idmap, d_inode(dentry), attr);
	return err;
}

static loff_t vm_handle_size(struct vm_handle *handle)
{
	struct vm_pager *pager = handle->pager;

	return pager ? pager->ops->size(pager) : handle->length;
}

static int vm_handle_getattr(COMPAT_IDMAP *idmap, const struct path *path,
			     struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct vm_family *family = inode->i_private;

	compat_fillattr(idmap, mask, inode, stat);
	stat->size = 0;
	stat->blksize = PAGE_SIZE;
	vm_family_read_lock(family);
	if (family->named) {
		stat->size = vm_handle_size(family->named->handle);
		stat->blocks = family->named->memq->resident
			       << (PAGE_SHIFT - 9);
	}
	vm_family_read_unlock(family);
	return 0;
}

const struct inode_operations vm_handle_iops = {
	.setattr = vm_handle_setattr,
	.getattr = vm_handle_getattr,
};
