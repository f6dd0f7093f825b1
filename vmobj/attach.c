// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of vnode objects: what VMOBJ_IOC_ATTACH returns.
 *
 * Such a descriptor is a window to the file: mmap(2), read(2), write(2), lseek(2),
 * fallocate(2) and fsync(2) count from where it begins.  Reads and writes go to the file
 * itself, after what is dirty in memory has been written back; what a write changes is
 * seen in memory because it is in nobody's way there: see vnode.c.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include <linux/vmobj.h>

#include <vmobj/attach.h>
#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/handle.h>
#include <vmobj/ioctl.h>
#include <vmobj/object.h>
#include <vmobj/pager.h>
#include <vmobj/vnode.h>

static struct vm_object *vm_attach_object(const struct vm_descriptor *desc)
{
	return desc->family->named;
}

/* Bytes that can be reached from @pos on, not more than @count. */
static size_t vm_attach_limit(const struct vm_descriptor *desc, loff_t pos,
			      size_t count)
{
	return pos < desc->limit ? min_t(u64, count, desc->limit - pos) : 0;
}

/* ---- read and write ---- */

/* Bring the file up to date, where it is read or written next. */
static int vm_attach_clean(const struct vm_descriptor *desc, loff_t pos, size_t count,
			   unsigned int flags)
{
	loff_t start = desc->base + pos;

	if (!count)
		return 0;
	return vm_vnode_clean(vm_attach_object(desc), start >> PAGE_SHIFT,
			      DIV_ROUND_UP_ULL(start + count, PAGE_SIZE), flags);
}

static ssize_t vm_attach_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vm_descriptor *desc = iocb->ki_filp->private_data;
	loff_t pos = desc->base + iocb->ki_pos;
	ssize_t n;

	iov_iter_truncate(to, vm_attach_limit(desc, iocb->ki_pos,
					      iov_iter_count(to)));
	if (!iov_iter_count(to))
		return 0;
	n = vm_attach_clean(desc, iocb->ki_pos, iov_iter_count(to), 0);
	if (!n)
		n = vfs_iter_read(vm_vnode_file(vm_attach_object(desc), false), to,
				  &pos, 0);
	if (n > 0)
		iocb->ki_pos += n;
	return n;
}

static ssize_t vm_attach_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vm_descriptor *desc = iocb->ki_filp->private_data;
	size_t count = iov_iter_count(from);
	loff_t pos = desc->base + iocb->ki_pos;
	ssize_t n;

	iov_iter_truncate(from, vm_attach_limit(desc, iocb->ki_pos, count));
	if (count && !iov_iter_count(from))
		return -ENOSPC;
	n = vm_attach_clean(desc, iocb->ki_pos, iov_iter_count(from), 0);
	if (!n)
		n = compat_vfs_iter_write(vm_vnode_file(vm_attach_object(desc),
							true), from, &pos);
	if (n > 0)
		iocb->ki_pos += n;
	return n;
}

/*
 * Data and holes are the file system's business.  What is dirty in memory is data, so the
 * file gets it first: all of it, or each step of a walk along the file would look for it.
 */
static loff_t vm_attach_seek(struct file *file, loff_t pos, int whence)
{
	struct vm_descriptor *desc = file->private_data;
	loff_t found;
	int err;

	if (pos < 0 || pos >= desc->limit)
		return -ENXIO;
	err = vm_vnode_clean(vm_attach_object(desc), 0, 0, 0);
	if (err)
		return err;
	found = vfs_llseek(vm_vnode_file(vm_attach_object(desc), false),
			   desc->base + pos, whence);
	if (found < 0)
		return found;
	found -= desc->base;
	if (found >= desc->limit) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		found = desc->limit;
	}
	return vfs_setpos(file, found, MAX_LFS_FILESIZE);
}

static loff_t vm_attach_llseek(struct file *file, loff_t offset, int whence)
{
	struct vm_descriptor *desc = file->private_data;
	struct file *real = vm_vnode_file(vm_attach_object(desc), false);
	loff_t end;

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return vm_attach_seek(file, offset, whence);
	end = min(i_size_read(file_inode(real)) - desc->base, desc->limit);
	return generic_file_llseek_size(file, offset, whence, MAX_LFS_FILESIZE,
					max(end, 0LL));
}

static long vm_attach_fallocate(struct file *file, int mode, loff_t offset,
				loff_t bytes)
{
	struct vm_descriptor *desc = file->private_data;

	/* Others would move pages about. */
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (offset > desc->limit - bytes)
		return -EFBIG;
	return vm_vnode_fallocate(vm_attach_object(desc), mode,
				  desc->base + offset, bytes);
}

/* ---- sync ---- */

/*
 * From msync(2) with the place in the family, which is the place in the file; from
 * fsync(2) with 0 and the largest number there is: then it is all of the object.
 */
static int vm_attach_fsync(struct file *file, loff_t start, loff_t last,
			   int datasync)
{
	struct vm_descriptor *desc = file->private_data;

	return vm_vnode_fsync(file, vm_attach_object(desc), start, last);
}

static long vm_attach_sync(struct file *file, void __user *arg)
{
	struct vm_descriptor *desc = file->private_data;
	unsigned int flags = 0;
	struct vmobj_sync sync;
	size_t length;
	int err;

	err = vmobj_ioctl_copy_in(&sync, sizeof(sync), VMOBJ_SYNC_SIZE_VER0, arg);
	if (err)
		return err;
	if (sync.flags & ~(VMOBJ_SYNC_WAIT | VMOBJ_SYNC_INVAL) ||
	    !PAGE_ALIGNED(sync.offset) || sync.offset > MAX_LFS_FILESIZE)
		return -EINVAL;
	if (sync.flags & VMOBJ_SYNC_WAIT)
		flags |= VM_CLEAN_SYNC;
	if (sync.flags & VMOBJ_SYNC_INVAL)
		flags |= VM_CLEAN_INVAL;
	length = min_t(u64, sync.length ?: U64_MAX, MAX_LFS_FILESIZE);
	vm_attach_clean(desc, sync.offset,
			vm_attach_limit(desc, sync.offset, length), flags);
	return file_check_and_advance_wb_err(file);
}

static long vm_attach_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	switch (cmd) {
	case VMOBJ_IOC_SYNC:
		return vm_attach_sync(file, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* ---- mmap ---- */

static int vm_attach_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vm_descriptor *desc = file->private_data;
	struct file *real = vm_vnode_file(vm_attach_object(desc), false);

	if (real->f_path.mnt->mnt_flags & MNT_NOEXEC) {
		if (vma->vm_flags & VM_EXEC)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYEXEC);
	}
	return vm_handle_mmap(file, vma);
}

/* ---- the descriptor ---- */

static void vm_attach_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vm_descriptor *desc = file->private_data;

	seq_printf(m, "vmobj-object:\t%llu\nvmobj-base:\t%lld\nvmobj-limit:\t%lld\n",
		   vm_attach_object(desc)->id, desc->base, desc->limit);
}

static const struct file_operations vm_attach_fops = {
	.owner = THIS_MODULE,
	.release = vm_handle_release,
	.llseek = vm_attach_llseek,
	.fallocate = vm_attach_fallocate,
	.read_iter = vm_attach_read_iter,
	.write_iter = vm_attach_write_iter,
	.splice_read = compat_splice_read,
	.splice_write = iter_file_splice_write,
	.fsync = vm_attach_fsync,
	.mmap = vm_attach_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl = vm_attach_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = vm_attach_show_fdinfo,
};

static long vm_attach_install(const struct vmobj_attach *attach,
			      struct file *real)
{
	loff_t limit = attach->length ?: MAX_LFS_FILESIZE - attach->offset;
	struct file *pseudo = vm_vnode_open(real);
	long fd;

	if (IS_ERR(pseudo))
		return PTR_ERR(pseudo);
	fd = vm_handle_install(pseudo->private_data, attach->offset, limit,
			       &vm_attach_fops,
			       real->f_mode & FMODE_WRITE ? O_RDWR : O_RDONLY);
	fput(pseudo);
	return fd;
}

long vmobj_attach(void __user *arg)
{
	struct vmobj_attach attach;
	struct file *real;
	long fd;

	fd = vmobj_ioctl_copy_in(&attach, sizeof(attach), VMOBJ_ATTACH_SIZE_VER0,
				 arg);
	if (fd)
		return fd;
	if (attach.flags || attach.reserved || !PAGE_ALIGNED(attach.offset) ||
	    attach.offset > MAX_LFS_FILESIZE - PAGE_SIZE ||
	    attach.length > MAX_LFS_FILESIZE - attach.offset)
		return -EINVAL;
	real = fget(attach.fd);
	if (!real)
		return -EBADF;
	fd = vm_attach_install(&attach, real);
	fput(real);
	return fd;
}
