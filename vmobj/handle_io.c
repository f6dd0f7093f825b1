// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a descriptor of a named object can do besides being mapped: read, write, seek,
 * fallocate, seal.  See include/vmobj/handle.h.
 *
 * User memory is copied from and to with no lock but the inode's: it may be a mapping
 * of the very object.  A reference keeps the folio meanwhile; should the page be
 * truncated away, what is written to it is lost with it.
 */
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include <linux/vmobj.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/handle.h>
#include <vmobj/ioctl.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pageout.h>
#include <vmobj/pager.h>
#include <vmobj/swap.h>

static struct vm_descriptor *vm_descriptor(struct file *file)
{
	return file->private_data;
}

static struct vm_handle *vm_descriptor_handle(const struct vm_descriptor *desc)
{
	return desc->family->named->handle;
}

/* Bytes that can be read through the descriptor. */
static loff_t vm_descriptor_length(const struct vm_descriptor *desc)
{
	loff_t length = READ_ONCE(vm_descriptor_handle(desc)->length);

	return clamp(length - desc->base, 0LL, desc->limit);
}

/* ---- pages ---- */

/*
 * The page at an index, in memory; NULL for a hole; or an error.  On success the family
 * lock is held for reading, and may have been let go to read from swap.
 */
static struct vm_page *vm_handle_find_page(struct vm_family *family,
					   pgoff_t index)
{
	struct vm_object *object = family->named;
	struct vm_page *pg;
	bool swapped;
	int err;

	for (;;) {
		vm_family_read_lock(family);
		pg = vm_swap_lookup_page(object, index, &swapped);
		if (likely(!swapped))
			return pg;
		vm_object_pip_add(object);
		vm_family_read_unlock(family);
		err = vm_pager_getpage(object, index);
		vm_object_pip_wakeup(object);
		if (err)
			return ERR_PTR(err);
	}
}

/* A page with a reference, not locked; NULL for a hole; or an error. */
static struct folio *vm_handle_get_page(struct vm_family *family, pgoff_t index)
{
	struct vm_page *pg = vm_handle_find_page(family, index);
	struct folio *folio = NULL;

	if (IS_ERR(pg))
		return ERR_CAST(pg);
	if (pg && vm_page_valid(pg)) {
		folio = pg->folio;
		folio_get(folio);
	}
	vm_family_read_unlock(family);
	return folio;
}

/*
 * A page to write to, with a reference, not locked.  Dirty before it is written to:
 * whoever finds it clean after that has found what was there before.
 */
static struct folio *vm_handle_make_page(struct vm_family *family, pgoff_t index)
{
	struct folio *folio;
	struct vm_page *pg;
	int err;

	err = vm_pageout_throttle();
	if (err)
		return ERR_PTR(err);
	do {
		pg = vm_handle_find_page(family, index);
		if (IS_ERR(pg))
			return ERR_CAST(pg);
		if (pg) {
			folio = pg->folio;
			folio_get(folio);
		} else {
			folio = vm_object_zero_fill(family->named, index);
		}
		vm_family_read_unlock(family);
	} while (folio == ERR_PTR(-EEXIST));
	if (IS_ERR(folio))
		return folio;

	folio_lock(folio);
	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		folio_mark_uptodate(folio);
	}
	if (folio->mapping)
		vm_page_touched(folio->private);
	folio_set_dirty(folio);	/* a block that it has is stale from now on */
	folio_unlock(folio);
	return folio;
}

/* ---- read and write ---- */

static ssize_t vm_handle_read_page(struct vm_family *family, loff_t pos,
				   size_t bytes, struct iov_iter *to)
{
	pgoff_t index = pos >> PAGE_SHIFT;
	struct folio *folio = vm_handle_get_page(family, index);
	size_t done;

	if (!folio)
		return iov_iter_zero(bytes, to);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	done = copy_page_to_iter(folio_page(folio, index - folio->index),
				 offset_in_page(pos), bytes, to);
	folio_put(folio);
	return done;
}

static ssize_t vm_handle_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vm_descriptor *desc = vm_descriptor(iocb->ki_filp);
	loff_t pos = iocb->ki_pos, length;
	ssize_t total = 0, done;
	size_t bytes;

	while (iov_iter_count(to)) {
		length = vm_descriptor_length(desc);
		if (pos >= length)
			break;
		bytes = min_t(loff_t, PAGE_SIZE - offset_in_page(pos),
			      length - pos);
		bytes = min(bytes, iov_iter_count(to));
		done = vm_handle_read_page(desc->family, desc->base + pos, bytes,
					   to);
		if (done < 0) {
			total = total ?: done;
			break;
		}
		pos += done;
		total += done;
		if (done < bytes) {
			total = total ?: -EFAULT;
			break;
		}
		cond_resched();
	}
	iocb->ki_pos = pos;
	return total;
}

/* May bytes up to @end be written?  Makes the object longer if need be. */
static int vm_handle_make_room(struct vm_descriptor *desc, loff_t end)
{
	struct vm_handle *handle = vm_descriptor_handle(desc);

	if (handle->seals & VMOBJ_SEAL_WRITE)
		return -EPERM;
	end += desc->base;
	if (end <= handle->length)
		return 0;
	if (handle->seals & VMOBJ_SEAL_GROW)
		return -EPERM;
	return vm_handle_resize(desc->family, end);
}

static ssize_t vm_handle_write_page(struct vm_descriptor *desc, loff_t pos,
				    struct iov_iter *from)
{
	size_t bytes = min_t(size_t, PAGE_SIZE - offset_in_page(pos),
			     iov_iter_count(from));
	pgoff_t index = (desc->base + pos) >> PAGE_SHIFT;
	loff_t old = vm_descriptor_handle(desc)->length;
	struct folio *folio;
	size_t done = 0;
	int err;

	err = vm_handle_make_room(desc, pos + bytes);
	if (err)
		return err;
	folio = vm_handle_make_page(desc->family, index);
	if (!IS_ERR(folio)) {
		done = copy_page_from_iter(folio_page(folio, index - folio->index),
					   offset_in_page(pos), bytes, from);
		folio_put(folio);
	}
	/* Not longer than what was written. */
	if (done < bytes && old < vm_descriptor_handle(desc)->length)
		vm_handle_resize(desc->family, done ? desc->base + pos + done :
							old);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	return done ?: -EFAULT;
}

static ssize_t vm_handle_write_locked(struct kiocb *iocb, struct iov_iter *from)
{
	struct vm_descriptor *desc = vm_descriptor(iocb->ki_filp);
	bool append = iocb->ki_flags & IOCB_APPEND;
	ssize_t total = 0, done;

	/* i_size, which it would look at, is not the length. */
	iocb->ki_flags &= ~IOCB_APPEND;
	if (append)
		iocb->ki_pos = vm_descriptor_length(desc);
	done = generic_write_checks(iocb, from);
	if (done <= 0)
		return done;
	if (iocb->ki_pos >= desc->limit)
		return -EFBIG;
	iov_iter_truncate(from, desc->limit - iocb->ki_pos);

	while (iov_iter_count(from)) {
		done = fatal_signal_pending(current) ? -EINTR :
		       vm_handle_write_page(desc, iocb->ki_pos, from);
		if (done < 0)
			return total ?: done;
		total += done;
		iocb->ki_pos += done;
		cond_resched();
	}
	return total;
}

static ssize_t vm_handle_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t done;

	inode_lock(inode);
	done = vm_handle_write_locked(iocb, from);
	inode_unlock(inode);
	return done;
}

/* ---- seek ---- */

/* The first page at or after one that is neither in memory nor in swap. */
static pgoff_t vm_object_next_hole(struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg;

	for (;;) {
		pg = vm_memq_find(object->memq, index);
		if (pg)
			index = vm_page_end(pg);
		else if (vm_swap_lookup(object, index))
			index++;
		else
			return index;
	}
}

/* The first byte at or after @pos that is (not) a hole. */
static loff_t vm_handle_find(struct vm_family *family, loff_t pos, bool data)
{
	struct vm_memq *q = family->named->memq;
	pgoff_t index = pos >> PAGE_SHIFT;
	struct vm_page *pg;

	/* For writing: the tree stands still. */
	vm_family_write_lock(family);
	if (data) {
		pg = vm_page_first(q, index);
		index = min(pg ? max(index, pg->index) : ULONG_MAX,
			    vm_swap_next(family->named, index));
	} else {
		index = vm_object_next_hole(family->named, index);
	}
	vm_family_write_unlock(family);
	if (index > LLONG_MAX >> PAGE_SHIFT)
		return LLONG_MAX;
	return max(pos, (loff_t)index << PAGE_SHIFT);
}

static loff_t vm_handle_seek(struct file *file, loff_t pos, bool data)
{
	struct vm_descriptor *desc = vm_descriptor(file);
	loff_t length = vm_descriptor_length(desc);

	if (pos < 0 || pos >= length)
		return -ENXIO;
	pos = vm_handle_find(desc->family, desc->base + pos, data) - desc->base;
	if (pos >= length) {
		if (data)
			return -ENXIO;
		pos = length;
	}
	return vfs_setpos(file, pos, MAX_LFS_FILESIZE);
}

static loff_t vm_handle_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t length = vm_descriptor_length(vm_descriptor(file));

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return vm_handle_seek(file, offset, whence == SEEK_DATA);
	return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE,
					length);
}

/* ---- fallocate ---- */

static long vm_handle_punch_checked(struct vm_descriptor *desc, loff_t offset,
				    loff_t bytes)
{
	struct vm_handle *handle = vm_descriptor_handle(desc);
	loff_t from = desc->base + offset;

	if (handle->seals & VMOBJ_SEAL_WRITE)
		return -EPERM;
	return vm_handle_punch(desc->family, from,
			       min(from + bytes, handle->length));
}

static long vm_handle_preallocate(struct vm_descriptor *desc, loff_t offset,
				  loff_t bytes, bool keep_size)
{
	struct vm_handle *handle = vm_descriptor_handle(desc);
	loff_t pos = desc->base + offset, end = pos + bytes, old = handle->length;
	struct folio *folio;
	long err = 0;

	if (end > old && keep_size)
		end = old;
	if (end > old) {
		if (handle->seals & VMOBJ_SEAL_GROW)
			return -EPERM;
		err = vm_handle_resize(desc->family, end);
	}
	for (pos = round_down(pos, PAGE_SIZE); pos < end && !err;
	     pos += PAGE_SIZE) {
		folio = vm_handle_make_page(desc->family, pos >> PAGE_SHIFT);
		err = PTR_ERR_OR_ZERO(folio);
		if (!err)
			folio_put(folio);
		if (signal_pending(current))
			err = err ?: -EINTR;
		cond_resched();
	}
	if (err && end > old)
		vm_handle_resize(desc->family, old);
	return err;
}

static long vm_handle_fallocate(struct file *file, int mode, loff_t offset,
				loff_t bytes)
{
	struct vm_descriptor *desc = vm_descriptor(file);
	struct inode *inode = file_inode(file);
	long err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (offset > desc->limit - bytes)
		return -EFBIG;
	inode_lock(inode);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		err = vm_handle_punch_checked(desc, offset, bytes);
	else
		err = vm_handle_preallocate(desc, offset, bytes,
					    mode & FALLOC_FL_KEEP_SIZE);
	inode_unlock(inode);
	return err;
}

/* ---- seals ---- */

#define VM_SEALS	(VMOBJ_SEAL_SEAL | VMOBJ_SEAL_SHRINK | VMOBJ_SEAL_GROW | \
			 VMOBJ_SEAL_WRITE)

/* Could somebody write without asking us? */
static bool vm_handle_writers(struct vm_object *object)
{
	struct vm_map_entry *entry;
	struct vm_page *pg;

	list_for_each_entry(entry, &object->mappers, mapper_link)
		if (!entry->needs_copy)
			return true;
	for (pg = vm_page_first(object->memq, 0); pg; pg = vm_page_next(pg))
		if (folio_maybe_dma_pinned(pg->folio))
			return true;
	return false;
}

static int vm_handle_add_seals(struct vm_object *object, unsigned int seals)
{
	struct vm_handle *handle = object->handle;

	if (!seals)
		return 0;
	if (handle->seals & VMOBJ_SEAL_SEAL)
		return -EPERM;
	if (seals & ~handle->seals & VMOBJ_SEAL_WRITE && vm_handle_writers(object))
		return -EBUSY;
	handle->seals |= seals;
	return 0;
}

static long vm_handle_seal(struct file *file, void __user *arg)
{
	struct vm_family *family = vm_descriptor(file)->family;
	struct inode *inode = file_inode(file);
	struct vmobj_seal seal;
	int err;

	err = vmobj_ioctl_copy_in(&seal, sizeof(seal), VMOBJ_SEAL_SIZE_VER0, arg);
	if (err)
		return err;
	if (seal.flags || seal.reserved || seal.seals & ~VM_SEALS)
		return -EINVAL;
	if (seal.seals && !(file->f_mode & FMODE_WRITE))
		return -EPERM;

	inode_lock(inode);
	vm_family_write_lock(family);
	err = vm_handle_add_seals(family->named, seal.seals);
	seal.seals = family->named->handle->seals;
	vm_family_write_unlock(family);
	inode_unlock(inode);
	if (err)
		return err;
	seal.size = sizeof(seal);
	return vmobj_ioctl_copy_out(arg, &seal, sizeof(seal));
}

static long vm_handle_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	switch (cmd) {
	case VMOBJ_IOC_SEAL:
		return vm_handle_seal(file, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* ---- /proc/pid/fdinfo ---- */

static void vm_handle_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vm_descriptor *desc = vm_descriptor(file);
	struct vm_object *object = desc->family->named;

	vm_family_read_lock(desc->family);
	seq_printf(m, "vmobj-object:\t%llu\n", object->id);
	seq_puts(m, "vmobj-type:\tanonymous\n");
	seq_printf(m, "vmobj-base:\t%lld\n", desc->base);
	seq_printf(m, "vmobj-length:\t%lld\n", vm_descriptor_length(desc));
	seq_printf(m, "vmobj-resident:\t%lu\n", object->memq->resident);
	seq_printf(m, "vmobj-swapped:\t%lu\n", vm_swap_nr(object));
	seq_printf(m, "vmobj-seals:\t0x%x\n", object->handle->seals);
	vm_family_read_unlock(desc->family);
}

const struct file_operations vm_handle_fops = {
	.owner = THIS_MODULE,
	.release = vm_handle_release,
	.mmap = vm_handle_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.read_iter = vm_handle_read_iter,
	.write_iter = vm_handle_write_iter,
	.splice_read = compat_splice_read,
	.splice_write = iter_file_splice_write,
	.llseek = vm_handle_llseek,
	.fallocate = vm_handle_fallocate,
	.fsync = noop_fsync,
	.unlocked_ioctl = vm_handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = vm_handle_show_fdinfo,
};
