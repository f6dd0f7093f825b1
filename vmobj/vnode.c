// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files behind objects.  See include/vmobj/vnode.h, and include/vmobj/pager.h for how
 * pages get here and from here.
 *
 * Files are read and written through a struct file of our own, as read(2) and write(2)
 * do it, with the credentials of who opened the file.  So any file system will do, and
 * the file's page cache stands behind the object: what is written back is seen by
 * read(2) at once, and survives us.
 *
 * What others do to the file we are told by fsnotify, in the context of who did it and
 * before their system call returns:
 *
 *	shorter		pages behind the new end go, be they dirty, and the rest of
 *			the last page becomes zeros
 *	longer		if the page where the end was is dirty here, what is behind the
 *			old end is read into it from the file
 *	written		clean pages go, and come anew when they are wanted
 *
 * Who tells us may hold the file's i_rwsem.  So that comes before the family lock, and
 * nothing here does I/O with the family lock held.
 *
 * A write through write(2) would make the file longer again, if it were made shorter
 * between our look at its size and the write.  No kernel has a write that does not; so
 * that is found out, and undone.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h>
#include <linux/fsnotify_backend.h>
#include <linux/hashtable.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/handle.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pager.h>
#include <vmobj/vnode.h>

/* So often dirty pages are written unasked, in seconds; BSD's syncer did it likewise. */
#define VM_VNODE_SYNC	30

/* As large as an object can be. */
#define VM_VNODE_BYTES	round_down(MAX_LFS_FILESIZE - PAGE_SIZE, PAGE_SIZE)

/**
 * struct vm_vnode - a file that is in use as an object
 * @pager: handle of the object
 * @hash: in vm_vnodes; vm_vnodes_lock
 * @inode: the file; kept by @file
 * @file: open for reading
 * @wfile: open for reading and writing, or NULL; set once
 * @family: the object's family; a reference
 * @object: the object; NULL when it has gone; family lock
 * @size: bytes of the file as far as we know; family lock, for writing
 * @shrunk_to: the smallest size the file has had since a write of ours began
 * @writer: who is writing for us: that the file changes is no news then
 * @sync_work: writes dirty pages now and then, as long as the object is there
 * @dying: being written back for the last time; vm_vnodes_lock
 * @kref: keeps the struct: the owner, and the mark
 * @mark: tells us when the file changes
 */
struct vm_vnode {
	struct vm_pager pager;
	struct hlist_node hash;
	struct inode *inode;
	struct file *file;
	struct file *wfile;
	struct vm_family *family;
	struct vm_object *object;
	loff_t size;
	loff_t shrunk_to;
	struct task_struct *writer;
	struct delayed_work sync_work;
	bool dying;
	struct kref kref;
#ifdef CONFIG_FSNOTIFY
	struct fsnotify_mark mark;
#endif
};

static DEFINE_HASHTABLE(vm_vnodes, 8);
static DEFINE_MUTEX(vm_vnodes_lock);
static DECLARE_WAIT_QUEUE_HEAD(vm_vnodes_wait);	/* for one that is dying */
static atomic_t vm_vnodes_ended;		/* how many have died */
static struct workqueue_struct *vm_vnode_wq;

static struct vm_vnode *vm_vnode_of(struct vm_pager *pager)
{
	return container_of(pager, struct vm_vnode, pager);
}

static void vm_vnode_free(struct kref *kref)
{
	struct vm_vnode *vnode = container_of(kref, struct vm_vnode, kref);

	if (vnode->family)
		vm_family_put(vnode->family);
	kfree(vnode);
}

static void vm_vnode_put(struct vm_vnode *vnode)
{
	kref_put(&vnode->kref, vm_vnode_free);
}

/* ---- the pager ---- */

/*
 * While somebody appends to the file, we go by the end that we know until we are told:
 * what is behind it in our last page is not what is in the file.
 */
static loff_t vm_vnode_size(struct vm_pager *pager)
{
	struct vm_vnode *vnode = vm_vnode_of(pager);

	return min(i_size_read(vnode->inode), READ_ONCE(vnode->size));
}

/*
 * Whoever writes to the file out of our memory faults with the file's lock held, and on
 * some file systems read(2) wants that, too.  So where there is a page cache we read it as
 * a fault in a mapping of the file would.
 */
static ssize_t vm_vnode_read_some(struct file *file, struct iov_iter *iter,
				  loff_t *pos)
{
	struct address_space *mapping = file->f_mapping;
	struct kiocb iocb;
	ssize_t n;

	if (IS_DAX(mapping->host) || mapping->host != file_inode(file) ||
	    !mapping->a_ops->read_folio)
		return vfs_iter_read(file, iter, pos, 0);
	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = *pos;
	n = filemap_read(&iocb, iter, 0);
	*pos = iocb.ki_pos;
	return n;
}

static ssize_t vm_vnode_read(struct vm_pager *pager, loff_t pos,
			     struct bio_vec *bv, unsigned int nr)
{
	struct vm_vnode *vnode = vm_vnode_of(pager);
	size_t bytes = (size_t)nr << PAGE_SHIFT;
	const struct cred *old = override_creds(vnode->file->f_cred);
	struct iov_iter iter;
	ssize_t n;

	iov_iter_bvec(&iter, ITER_DEST, bv, nr, bytes);
	do {
		n = vm_vnode_read_some(vnode->file, &iter, &pos);
	} while (n > 0 && iov_iter_count(&iter));
	revert_creds(old);
	return n < 0 ? n : bytes - iov_iter_count(&iter);
}

/* How much of a page is to be written? */
static size_t vm_vnode_part(pgoff_t index, loff_t size)
{
	return clamp_t(loff_t, size - ((loff_t)index << PAGE_SHIFT), 0,
		       PAGE_SIZE);
}

/* The file was made shorter before our write, which has made it longer. */
static bool vm_vnode_undo(struct vm_vnode *vnode, loff_t end)
{
	struct file *file = vnode->wfile;
	loff_t size = READ_ONCE(vnode->shrunk_to);

	if (size >= end)
		return false;
	file_start_write(file);
	inode_lock(vnode->inode);
	if (i_size_read(vnode->inode) == end)
		compat_set_size(file, size);
	inode_unlock(vnode->inode);
	file_end_write(file);
	return true;
}

static int vm_vnode_write_bytes(struct vm_vnode *vnode, loff_t pos,
				struct bio_vec *bv, unsigned int nr,
				size_t bytes)
{
	struct iov_iter iter;
	ssize_t n = 0;

	iov_iter_bvec(&iter, ITER_SOURCE, bv, nr, bytes);
	while (iov_iter_count(&iter)) {
		n = compat_vfs_iter_write(vnode->wfile, &iter, &pos);
		if (n <= 0)
			break;
		if (vm_vnode_undo(vnode, pos))
			return 0;
	}
	if (!iov_iter_count(&iter))
		return 0;
	return n < 0 ? n : -EIO;
}

/* Write the pages up to the first that is not whole; returns how many these are. */
static int vm_vnode_write_some(struct vm_vnode *vnode, pgoff_t index,
			       struct bio_vec *bv, unsigned int nr)
{
	size_t bytes = 0, part = PAGE_SIZE;
	unsigned int n = 0;
	loff_t size;
	int err;

	WRITE_ONCE(vnode->shrunk_to, LLONG_MAX);
	smp_mb();	/* before the look at the size; pairs with i_rwsem */
	size = vm_vnode_size(&vnode->pager);
	for (; n < nr && part == PAGE_SIZE; n++) {
		part = vm_vnode_part(index + n, size);
		bytes += part;
	}
	err = vm_vnode_write_bytes(vnode, (loff_t)index << PAGE_SHIFT, bv, n,
				   bytes);
	return err ?: n;
}

static int vm_vnode_write(struct vm_pager *pager, pgoff_t index,
			  struct bio_vec *bv, unsigned int nr)
{
	struct vm_vnode *vnode = vm_vnode_of(pager);
	const struct cred *old;
	unsigned int done = 0;
	int n = 0;

	lockdep_assert_held(&pager->clean_lock);
	if (WARN_ON_ONCE(!vnode->wfile))
		return -EBADF;
	old = override_creds(vnode->wfile->f_cred);
	WRITE_ONCE(vnode->writer, current);
	while (done < nr && n >= 0) {
		n = vm_vnode_write_some(vnode, index + done, bv + done,
					nr - done);
		done += max(n, 0);
	}
	WRITE_ONCE(vnode->writer, NULL);
	revert_creds(old);
	return min(n, 0);
}

static int vm_vnode_sync(struct vm_pager *pager, loff_t start, loff_t last)
{
	struct file *file = READ_ONCE(vm_vnode_of(pager)->wfile);

	return file ? vfs_fsync_range(file, start, last, 0) : 0;
}

static void vm_vnode_changed(struct vm_vnode *vnode);

/* Not everybody tells us: a server does not. */
static void vm_vnode_refresh(struct vm_pager *pager)
{
	struct vm_vnode *vnode = vm_vnode_of(pager);

	if (i_size_read(vnode->inode) != READ_ONCE(vnode->size))
		vm_vnode_changed(vnode);
}

static const struct vm_pager_ops vm_vnode_ops = {
	.size = vm_vnode_size,
	.read = vm_vnode_read,
	.write = vm_vnode_write,
	.sync = vm_vnode_sync,
	.refresh = vm_vnode_refresh,
};

/* ---- writing back ---- */

/**
 * struct vm_vnode_job - a vm_vnode_clean() on its way through the worker
 * @work: the work
 * @object: object of a file
 * @start: see vm_object_page_clean()
 * @end: see vm_object_page_clean()
 * @flags: see vm_object_page_clean()
 * @error: result
 */
struct vm_vnode_job {
	struct work_struct work;
	struct vm_object *object;
	pgoff_t start;
	pgoff_t end;
	unsigned int flags;
	int error;
};

static void vm_vnode_job_work(struct work_struct *work)
{
	struct vm_vnode_job *job = container_of(work, struct vm_vnode_job, work);

	job->error = vm_object_page_clean(job->object, job->start, job->end,
					  job->flags);
}

int vm_vnode_clean(struct vm_object *object, pgoff_t start, pgoff_t end,
		   unsigned int flags)
{
	struct vm_vnode_job job = {
		.object = object,
		.start = start,
		.end = end,
		.flags = flags,
	};

	INIT_WORK_ONSTACK(&job.work, vm_vnode_job_work);
	queue_work(vm_vnode_wq, &job.work);
	flush_work(&job.work);
	destroy_work_on_stack(&job.work);
	return job.error;
}

int vm_vnode_fsync(struct file *file, struct vm_object *object, loff_t start,
		   loff_t last)
{
	pgoff_t end = 0;

	if (last < VM_VNODE_BYTES)
		end = (last >> PAGE_SHIFT) + 1;
	vm_vnode_clean(object, start >> PAGE_SHIFT, end, VM_CLEAN_SYNC);
	return file_check_and_advance_wb_err(file);
}

static void vm_vnode_sync_work(struct work_struct *work)
{
	struct vm_vnode *vnode = container_of(to_delayed_work(work),
					      struct vm_vnode, sync_work);

	vm_object_page_clean(vnode->object, 0, 0, VM_CLEAN_NOSYNC);
	queue_delayed_work(vm_vnode_wq, &vnode->sync_work, VM_VNODE_SYNC * HZ);
}

void vm_vnode_launder(struct vm_family *family)
{
	struct vm_vnode *vnode;

	if (!mutex_trylock(&vm_vnodes_lock))
		return;
	if (family->named && family->named->handle->pager) {
		vnode = vm_vnode_of(family->named->handle->pager);
		if (!vnode->dying)
			mod_delayed_work(vm_vnode_wq, &vnode->sync_work, 0);
	}
	mutex_unlock(&vm_vnodes_lock);
}

/* ---- changes behind our back ---- */

/*
 * The page that a byte is in, locked and not mapped, if there is one still: it is dirty,
 * or pinned.
 */
static struct folio *vm_vnode_lock_tail(struct vm_vnode *vnode, loff_t pos)
{
	struct vm_page *pg = vm_page_lookup(vnode->object->memq,
					    pos >> PAGE_SHIFT);

	if (!pg || !offset_in_page(pos))
		return NULL;
	folio_lock(pg->folio);
	vm_page_unmap(pg);
	return pg->folio;
}

static void vm_vnode_shrunk(struct vm_vnode *vnode, loff_t size)
{
	struct folio *folio;

	if (size < vnode->shrunk_to)
		WRITE_ONCE(vnode->shrunk_to, size);
	vm_handle_cut(vnode->family, DIV_ROUND_UP_ULL(size, PAGE_SIZE));
	folio = vm_vnode_lock_tail(vnode, size);
	if (!folio)
		return;
	folio_zero_segment(folio, offset_in_page(size), PAGE_SIZE);
	folio_unlock(folio);
}

/* Returns the page where the end was, locked and referenced, if it is there still. */
static struct folio *vm_vnode_resized(struct vm_vnode *vnode, loff_t size)
{
	struct folio *tail = NULL;

	lockdep_assert_held_write(&vnode->family->lock);

	if (size > vnode->size) {
		tail = vm_vnode_lock_tail(vnode, vnode->size);
		if (tail)
			folio_get(tail);
	} else {
		vm_vnode_shrunk(vnode, size);
	}
	return tail;
}

/*
 * What is in the file from the old end on.  The page is locked, and the file may be, too:
 * see vm_vnode_read_some().
 */
static void vm_vnode_merge(struct vm_vnode *vnode, struct folio *tail,
			   unsigned int from)
{
	struct bio_vec bv = {
		.bv_page = alloc_page(GFP_KERNEL | __GFP_NOFAIL),
		.bv_len = PAGE_SIZE,
	};
	ssize_t n;

	n = vm_vnode_read(&vnode->pager, folio_pos(tail), &bv, 1);
	n = clamp_t(ssize_t, n, from, PAGE_SIZE);
	memcpy_page(&tail->page, from, bv.bv_page, from, n - from);
	folio_zero_segment(tail, n, PAGE_SIZE);
	__free_page(bv.bv_page);
}

/*
 * The file has another size, or other contents.  A page that is clean is out of date,
 * wherever in the file it is.
 */
static void vm_vnode_changed(struct vm_vnode *vnode)
{
	struct vm_object *object;
	struct folio *tail = NULL;
	loff_t old = 0, size;

	vm_family_write_lock(vnode->family);
	object = vnode->object;
	if (object) {
		old = vnode->size;
		size = i_size_read(vnode->inode);
		vnode->pager.changes++;
		vm_object_page_remove(object, 0, 0, true);
		tail = vm_vnode_resized(vnode, size);
		WRITE_ONCE(vnode->size, size);
	}
	vm_family_write_unlock(vnode->family);
	if (!tail)
		return;
	vm_vnode_merge(vnode, tail, offset_in_page(old));
	folio_unlock(tail);
	folio_put(tail);
}

#ifdef CONFIG_FSNOTIFY

static struct fsnotify_group *vm_vnode_group;

static int vm_vnode_event(struct fsnotify_mark *mark, u32 mask,
			  struct inode *inode, struct inode *dir,
			  const struct qstr *name, u32 cookie)
{
	struct vm_vnode *vnode = container_of(mark, struct vm_vnode, mark);

	if (READ_ONCE(vnode->writer) != current)
		vm_vnode_changed(vnode);
	return 0;
}

static void vm_vnode_free_mark(struct fsnotify_mark *mark)
{
	vm_vnode_put(container_of(mark, struct vm_vnode, mark));
}

static const struct fsnotify_ops vm_vnode_fsnotify_ops = {
	.handle_inode_event = vm_vnode_event,
	.free_mark = vm_vnode_free_mark,
};

static int vm_vnode_watch_init(void)
{
	vm_vnode_group = fsnotify_alloc_group(&vm_vnode_fsnotify_ops,
					      COMPAT_FSNOTIFY_GROUP_FLAGS);
	return PTR_ERR_OR_ZERO(vm_vnode_group);
}

static void vm_vnode_watch_exit(void)
{
	fsnotify_put_group(vm_vnode_group);
	/* Marks are freed by a worker, with a function of ours. */
	fsnotify_wait_marks_destroyed();
}

static int vm_vnode_watch(struct vm_vnode *vnode)
{
	int err;

	kref_get(&vnode->kref);		/* the mark's */
	fsnotify_init_mark(&vnode->mark, vm_vnode_group);
	vnode->mark.mask = FS_MODIFY;
	err = fsnotify_add_inode_mark(&vnode->mark, vnode->inode, 0);
	if (err)
		fsnotify_put_mark(&vnode->mark);
	return err;
}

static void vm_vnode_unwatch(struct vm_vnode *vnode)
{
	fsnotify_destroy_mark(&vnode->mark, vm_vnode_group);
	fsnotify_put_mark(&vnode->mark);
}

#else /* CONFIG_FSNOTIFY */

static int vm_vnode_watch_init(void)
{
	return 0;
}

static void vm_vnode_watch_exit(void)
{
}

static int vm_vnode_watch(struct vm_vnode *vnode)
{
	return -EOPNOTSUPP;
}

static void vm_vnode_unwatch(struct vm_vnode *vnode)
{
}

#endif /* CONFIG_FSNOTIFY */

/* ---- holes ---- */

/*
 * Room for a file, or a hole in it.  The file system does it, and we are told as of any
 * change, so what is clean is out of the way.  What is dirty in a hole goes after that:
 * who has written to a page meanwhile may have been before us.  Nobody is writing old
 * data over the hole, as clean_lock is ours.
 */
static int vm_vnode_fallocate_locked(struct vm_vnode *vnode, int mode,
				     loff_t pos, loff_t bytes)
{
	const struct cred *old = override_creds(vnode->wfile->f_cred);
	int err;

	lockdep_assert_held(&vnode->pager.clean_lock);
	err = vfs_fallocate(vnode->wfile, mode, pos, bytes);
	revert_creds(old);
	if (!err && mode & FALLOC_FL_PUNCH_HOLE)
		err = vm_handle_punch(vnode->family, pos, pos + bytes);
	return err;
}

int vm_vnode_fallocate(struct vm_object *object, int mode, loff_t pos,
		       loff_t bytes)
{
	struct vm_pager *pager = object->handle->pager;
	int err;

	mutex_lock(&pager->clean_lock);
	err = vm_vnode_fallocate_locked(vm_vnode_of(pager), mode, pos, bytes);
	mutex_unlock(&pager->clean_lock);
	return err;
}

/* ---- files in use ---- */

/* A struct file of our own: who gave us his may change its flags any time. */
static struct file *vm_vnode_reopen(struct file *file, int flags)
{
	return dentry_open(&file->f_path, flags | O_LARGEFILE | O_NOATIME,
			   file->f_cred);
}

static int vm_vnode_check(struct file *file)
{
	struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode) || vm_family_owns_inode(inode))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (!file->f_op->read_iter)
		return -EINVAL;
	if (file->f_mode & FMODE_WRITE && !file->f_op->write_iter)
		return -EINVAL;
	return 0;
}

static int vm_vnode_allow_write(struct vm_vnode *vnode, struct file *file)
{
	struct file *wfile;

	lockdep_assert_held(&vm_vnodes_lock);
	if (vnode->wfile || !(file->f_mode & FMODE_WRITE))
		return 0;
	wfile = vm_vnode_reopen(file, O_RDWR);
	if (IS_ERR(wfile))
		return PTR_ERR(wfile);
	WRITE_ONCE(vnode->wfile, wfile);
	return 0;
}

static struct vm_vnode *vm_vnode_find(struct inode *inode)
{
	struct vm_vnode *vnode;

	lockdep_assert_held(&vm_vnodes_lock);
	hash_for_each_possible(vm_vnodes, vnode, hash, (unsigned long)inode)
		if (vnode->inode == inode)
			return vnode;
	return NULL;
}

/* Takes vm_vnodes_lock when no object of the file is dying. */
static int vm_vnode_lock(struct inode *inode)
{
	struct vm_vnode *vnode;
	int err, ended;

	for (;;) {
		mutex_lock(&vm_vnodes_lock);
		vnode = vm_vnode_find(inode);
		if (!vnode || !vnode->dying)
			return 0;
		ended = atomic_read(&vm_vnodes_ended);
		mutex_unlock(&vm_vnodes_lock);
		err = wait_event_interruptible(vm_vnodes_wait,
					       atomic_read(&vm_vnodes_ended) !=
					       ended);
		if (err)
			return err;
	}
}

static void vm_vnode_close(struct vm_vnode *vnode)
{
	if (vnode->wfile)
		fput(vnode->wfile);
	if (!IS_ERR_OR_NULL(vnode->file))
		fput(vnode->file);
	vm_vnode_put(vnode);
}

static struct vm_vnode *vm_vnode_alloc(struct file *file)
{
	struct vm_vnode *vnode = kzalloc(sizeof(*vnode), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vnode)
		return ERR_PTR(-ENOMEM);
	vm_pager_setup(&vnode->pager, &vm_vnode_ops);
	kref_init(&vnode->kref);
	INIT_DEFERRABLE_WORK(&vnode->sync_work, vm_vnode_sync_work);
	vnode->inode = file_inode(file);
	vnode->file = vm_vnode_reopen(file, O_RDONLY);
	err = PTR_ERR_OR_ZERO(vnode->file);
	if (!err)
		err = vm_vnode_allow_write(vnode, file);
	if (!err)
		return vnode;
	vm_vnode_close(vnode);
	return ERR_PTR(err);
}

/* Give a fresh named object, and its family, to a file. */
static int vm_vnode_take(struct vm_vnode *vnode, struct vm_family *family)
{
	struct vm_object *object = family->named;
	int err;

	vm_family_get(family);
	vnode->family = family;
	err = vm_vnode_watch(vnode);
	if (err)
		return err;
	vm_family_write_lock(family);
	object->handle->pager = &vnode->pager;
	vnode->object = object;
	/* After the watch has begun: no change is missed. */
	vnode->size = i_size_read(vnode->inode);
	vm_family_write_unlock(family);
	hash_add(vm_vnodes, &vnode->hash, (unsigned long)vnode->inode);
	queue_delayed_work(vm_vnode_wq, &vnode->sync_work, VM_VNODE_SYNC * HZ);
	return 0;
}

/* Returns a pseudo file of the object's family. */
static struct file *vm_vnode_create(struct file *file)
{
	struct vm_vnode *vnode = vm_vnode_alloc(file);
	struct file *pseudo;
	int err;

	lockdep_assert_held(&vm_vnodes_lock);
	if (IS_ERR(vnode))
		return ERR_CAST(vnode);
	pseudo = vm_handle_new(VM_OBJECT_VNODE, VM_VNODE_BYTES);
	err = PTR_ERR_OR_ZERO(pseudo);
	if (!err)
		err = vm_vnode_take(vnode, pseudo->private_data);
	if (!err)
		return pseudo;
	if (!IS_ERR(pseudo))
		fput(pseudo);
	vm_vnode_close(vnode);
	return ERR_PTR(err);
}

static struct file *vm_vnode_get(struct file *file)
{
	struct vm_vnode *vnode = vm_vnode_find(file_inode(file));
	int err;

	if (!vnode)
		return vm_vnode_create(file);
	err = vm_vnode_allow_write(vnode, file);
	if (err)
		return ERR_PTR(err);
	return vm_family_open(vnode->family);
}

struct file *vm_vnode_open(struct file *file)
{
	struct file *pseudo;
	int err;

	err = vm_vnode_check(file);
	if (!err)
		err = vm_vnode_lock(file_inode(file));
	if (err)
		return ERR_PTR(err);
	pseudo = vm_vnode_get(file);
	mutex_unlock(&vm_vnodes_lock);
	return pseudo;
}

/*
 * The file of a family that has no files of its own any more, for who is to end it; NULL
 * if somebody has opened it again, or ends it already.
 */
static struct vm_vnode *vm_vnode_begin_end_locked(struct vm_family *family)
{
	struct vm_object *object = family->named;
	struct vm_vnode *vnode;

	lockdep_assert_held(&vm_vnodes_lock);
	if (!object || atomic_read(&family->nr_files))
		return NULL;
	/* It has not got that far. */
	if (!object->handle->pager)
		return ERR_PTR(-ENOENT);
	vnode = vm_vnode_of(object->handle->pager);
	if (vnode->dying)
		return NULL;
	vnode->dying = true;
	return vnode;
}

static struct vm_vnode *vm_vnode_begin_end(struct vm_family *family)
{
	struct vm_vnode *vnode;

	mutex_lock(&vm_vnodes_lock);
	vnode = vm_vnode_begin_end_locked(family);
	mutex_unlock(&vm_vnodes_lock);
	return vnode;
}

void vm_object_vndeallocate(struct vm_family *family)
{
	struct vm_vnode *vnode = vm_vnode_begin_end(family);
	struct vm_object *object;

	if (!vnode)
		return;
	if (IS_ERR(vnode)) {
		vm_handle_free(family);
		return;
	}
	object = vnode->object;
	cancel_delayed_work_sync(&vnode->sync_work);
	if (vm_vnode_clean(object, 0, 0, 0))
		pr_warn_ratelimited("vmobj: object %llu: what could not be written to its file is lost\n",
				    object->id);
	vm_vnode_unwatch(vnode);
	vm_family_write_lock(family);
	vnode->object = NULL;
	vm_family_write_unlock(family);

	mutex_lock(&vm_vnodes_lock);
	hash_del(&vnode->hash);
	vm_handle_free(family);
	atomic_inc(&vm_vnodes_ended);
	mutex_unlock(&vm_vnodes_lock);
	wake_up_all(&vm_vnodes_wait);
	vm_vnode_close(vnode);
}

struct file *vm_vnode_file(struct vm_object *object, bool write)
{
	struct vm_vnode *vnode = vm_vnode_of(object->handle->pager);

	return write ? READ_ONCE(vnode->wfile) : vnode->file;
}

int vm_vnode_init(void)
{
	int err;

	vm_vnode_wq = alloc_workqueue("vmobj_vnode", WQ_UNBOUND, 0);
	if (!vm_vnode_wq)
		return -ENOMEM;
	err = vm_vnode_watch_init();
	if (err)
		destroy_workqueue(vm_vnode_wq);
	return err;
}

void vm_vnode_exit(void)
{
	vm_vnode_watch_exit();
	destroy_workqueue(vm_vnode_wq);
}
