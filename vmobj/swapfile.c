// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is behind swap stores.  See include/vmobj/swapfile.h.
 *
 * The default store is a shmem file: its pages are Linux's, which swaps them out as it
 * does any others, with what compression or encryption the system has.  It is opened when
 * the first page is to be written.
 *
 *	Size	Eight times the memory, which is more than the system's swap is likely to be:
 *		that one is the limit, and it may be added later.  What is not used costs
 *		two bits for each page, half a thousandth of the memory.
 *	Memory	A write needs a page for each page.  It may reclaim memory for it, once.
 *		Only the page daemon then dips into the reserves, for one cluster at a time.
 *	Cgroup	The copy is charged to the cgroup that the page is charged to, as if that
 *		one had swapped.  Charged to the daemon it would be nobody's: a process
 *		could leave its limit by having its pages written.  At the limit the charge
 *		makes that cgroup reclaim, and that is to swap what was written before.
 *
 * Files are read and written through the VFS, so any file system will do, past the page cache
 * where it can do that; block devices with bios, as by Linux's swap.  A file is kept from
 * others as Linux keeps its swap files: who opens it for writing or truncates it gets ETXTBSY.
 * It must have no holes, or a write might need space, and memory for much else, when there is
 * least of it.
 *
 * A page is brought in with the mmap_lock of the process held, and that takes the file's
 * i_rwsem.  Of other files that comes before the mmap_lock, in a read() to memory that
 * has to be faulted in.  Who does this with a swap file is root; lockdep is told that the
 * lock of a swap file is one of its own.
 *
 * Writes of a process to a file are made by a worker: not by the process's limit of the size of
 * files, nor with its signals.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/bvec.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <vmobj/compat.h>
#include <vmobj/memcg.h>
#include <vmobj/page.h>
#include <vmobj/swapfile.h>
#include <vmobj/swapstore.h>

#define VM_SWAPSHMEM		"shmem"		/* name of the default store */
#define VM_SWAPSHMEM_PRIORITY	(-1)
#define VM_SWAP_SIZE_AUTO	(-1)
#define MIB_TO_BLOCKS(mib)	((unsigned long)(mib) << (20 - PAGE_SHIFT))

struct workqueue_struct *vm_swap_wq;

static int swap_size = VM_SWAP_SIZE_AUTO;

static int swap_size_set(const char *text, const struct kernel_param *param)
{
	int mib, err = kstrtoint(text, 0, &mib);

	if (err)
		return err;
	if (mib < VM_SWAP_SIZE_AUTO)
		return -EINVAL;
	WRITE_ONCE(swap_size, mib);
	return 0;
}

static const struct kernel_param_ops swap_size_ops = {
	.set = swap_size_set,
	.get = param_get_int,
};

module_param_cb(swap_size, &swap_size_ops, &swap_size, 0644);
MODULE_PARM_DESC(swap_size,
		 "MiB of the default swap store when it is opened: 0 for none, -1 (default) for eight times the memory");

static char *swap;
module_param(swap, charp, 0444);
MODULE_PARM_DESC(swap, "files and block devices to swap to: /path[,/path]");

/* ---- reading and writing through the VFS ---- */

static int vm_swapfile_transfer(struct file *file, unsigned long first,
				struct page **pages, unsigned int nr,
				bool write)
{
	const struct cred *old = override_creds(file->f_cred);
	loff_t pos = (loff_t)first << PAGE_SHIFT;
	struct bio_vec bv[VM_STORE_PAGES];
	struct iov_iter iter;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < nr; i++)
		bv[i] = (struct bio_vec){
			.bv_page = pages[i],
			.bv_len = PAGE_SIZE,
		};
	iov_iter_bvec(&iter, write ? ITER_SOURCE : ITER_DEST, bv, nr,
		      (size_t)nr << PAGE_SHIFT);
	do {
		if (write)
			n = compat_vfs_iter_write(file, &iter, &pos);
		else
			n = vfs_iter_read(file, &iter, &pos, 0);
	} while (n > 0 && iov_iter_count(&iter));
	revert_creds(old);
	if (!iov_iter_count(&iter))
		return 0;
	return n < 0 ? n : -EIO;
}

static int vm_swapfile_read(void *data, unsigned long first,
			    struct page **pages, unsigned int nr)
{
	return vm_swapfile_transfer(data, first, pages, nr, false);
}

/*
 * Who makes memory free does not reclaim any on the way, but may use the reserves: what the
 * I/O needs is given back with it.
 */
static int vm_swapfile_write_now(struct file *file, unsigned long first,
				 struct page **pages, unsigned int nr)
{
	unsigned int flags = memalloc_noreclaim_save();
	int err = vm_swapfile_transfer(file, first, pages, nr, true);

	memalloc_noreclaim_restore(flags);
	return err;
}

/**
 * struct vm_swapfile_write - a write for a process
 * @work: does it
 * @file: where to
 * @first: the first block
 * @pages: the pages
 * @nr: how many
 * @err: out: 0 or a negative errno
 */
struct vm_swapfile_write {
	struct work_struct work;
	struct file *file;
	unsigned long first;
	struct page **pages;
	unsigned int nr;
	int err;
};

static void vm_swapfile_write_work(struct work_struct *work)
{
	struct vm_swapfile_write *w = container_of(work,
						   struct vm_swapfile_write,
						   work);

	w->err = vm_swapfile_write_now(w->file, w->first, w->pages, w->nr);
}

static int vm_swapfile_write(void *data, unsigned long first,
			     struct page **pages, unsigned int nr)
{
	struct vm_swapfile_write w = {
		.file = data,
		.first = first,
		.pages = pages,
		.nr = nr,
	};

	if (current->flags & PF_KTHREAD)
		return vm_swapfile_write_now(data, first, pages, nr);
	INIT_WORK_ONSTACK(&w.work, vm_swapfile_write_work);
	queue_work(vm_swap_wq, &w.work);
	flush_work(&w.work);
	destroy_work_on_stack(&w.work);
	return w.err;
}

/* ---- the default store ---- */

/*
 * The page daemon may take from the reserves what it will give back when the cluster has
 * been written: with nothing free it could not make anything free.
 */
static struct page *vm_swapshmem_page_from_reserves(struct file *file,
						    unsigned long index,
						    gfp_t gfp)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct page *page;

	page = shmem_read_mapping_page_gfp(file->f_mapping, index,
					   gfp & ~__GFP_NOMEMALLOC);
	memalloc_noreclaim_restore(flags);
	return page;
}

/* The page of the file, for us to write to. */
static struct page *vm_swapshmem_page(struct file *file, unsigned long index,
				      struct page *from)
{
	gfp_t gfp = mapping_gfp_mask(file->f_mapping) | __GFP_NORETRY |
		    __GFP_NOMEMALLOC | __GFP_NOWARN;
	struct mem_cgroup *memcg = vm_memcg_get(page_folio(from)), *old;
	struct page *page;

	old = set_active_memcg(memcg);
	page = shmem_read_mapping_page_gfp(file->f_mapping, index, gfp);
	if (page == ERR_PTR(-ENOMEM) && current->flags & PF_KTHREAD)
		page = vm_swapshmem_page_from_reserves(file, index, gfp);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return page;
}

static int vm_swapshmem_write(void *data, unsigned long first,
			      struct page **pages, unsigned int nr)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		page = vm_swapshmem_page(data, first + i, pages[i]);
		if (page == ERR_PTR(-ENOSPC))	/* not committed to so much */
			return -ENOMEM;
		if (IS_ERR(page))
			return PTR_ERR(page);
		copy_highpage(page, pages[i]);
		folio_mark_dirty(page_folio(page));
		put_page(page);
		cond_resched();
	}
	return 0;
}

static void vm_swapshmem_discard(void *data, unsigned long first,
				 unsigned long nr)
{
	loff_t start = (loff_t)first << PAGE_SHIFT;

	shmem_truncate_range(file_inode(data), start,
			     start + ((loff_t)nr << PAGE_SHIFT) - 1);
}

static void vm_swapshmem_close(void *data)
{
	fput(data);
}

/* Reads find holes and leave them alone, also those of a block freed meanwhile. */
static const struct vm_store_ops vm_swapshmem_ops = {
	.type = "shmem",
	.in_memory = true,
	.read = vm_swapfile_read,
	.write = vm_swapshmem_write,
	.discard = vm_swapshmem_discard,
	.close = vm_swapshmem_close,
};

unsigned long vm_swapshmem_blocks(void)
{
	int mib = READ_ONCE(swap_size);

	return mib < 0 ? 8 * totalram_pages() : MIB_TO_BLOCKS(mib);
}

int vm_swapshmem_add(void)
{
	unsigned long blocks = vm_swapshmem_blocks();
	struct file *file;
	int err;

	if (!blocks)
		return -ENOSPC;
	file = compat_shmem_file("vmobj-swap", (loff_t)blocks << PAGE_SHIFT);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = vm_swapstore_add(VM_SWAPSHMEM, &vm_swapshmem_ops, file, blocks,
			       false, VM_SWAPSHMEM_PRIORITY);
	if (err)
		fput(file);
	return err;
}

/* ---- files and block devices ---- */

/* Of the lock class of inodes; no kernel uses as many. */
#define VM_SWAPFILE_SUBCLASS	(MAX_LOCKDEP_SUBCLASSES - 1)

/*
 * From one writer, us, to one who denies writing, and nothing in between.  Fails if there
 * are other writers.
 */
static int vm_swapfile_claim(struct file *file)
{
	struct inode *inode = file_inode(file);

	if (IS_SWAPFILE(inode))
		return -EBUSY;
	if (atomic_cmpxchg(&inode->i_writecount, 1, -1) != 1)
		return -ETXTBSY;
	lockdep_set_subclass(&inode->i_rwsem, VM_SWAPFILE_SUBCLASS);
	return 0;
}

static void vm_swapfile_unclaim(struct file *file)
{
	struct inode *inode = file_inode(file);

	lockdep_set_subclass(&inode->i_rwsem, 0);
	atomic_add(2, &inode->i_writecount);
}

static void vm_swapfile_close(void *data)
{
	vm_swapfile_unclaim(data);
	filp_close(data, NULL);
}

static struct block_device *vm_swapfile_bdev(struct file *file)
{
	return I_BDEV(file->f_mapping->host);
}

/* The pages of a superpage follow one another in memory, and take one bio_vec. */
#define VM_SWAPDEV_PAGES	512

static int vm_swapdev_transfer(struct file *file, unsigned long first,
			       struct page **pages, unsigned int nr,
			       blk_opf_t opf)
{
	struct bio_vec bv[VM_STORE_PAGES];
	unsigned int done = 0;
	struct bio bio;
	int err = 0;

	while (done < nr && !err) {
		bio_init(&bio, vm_swapfile_bdev(file), bv, ARRAY_SIZE(bv), opf);
		bio.bi_iter.bi_sector = (sector_t)(first + done) <<
					(PAGE_SHIFT - SECTOR_SHIFT);
		__bio_add_page(&bio, pages[done], PAGE_SIZE, 0);
		while (++done < nr &&
		       bio_add_page(&bio, pages[done], PAGE_SIZE, 0))
			;
		err = submit_bio_wait(&bio);
		bio_uninit(&bio);
	}
	return err;
}

static int vm_swapdev_read(void *data, unsigned long first,
			   struct page **pages, unsigned int nr)
{
	return vm_swapdev_transfer(data, first, pages, nr, REQ_OP_READ);
}

static int vm_swapdev_write(void *data, unsigned long first,
			    struct page **pages, unsigned int nr)
{
	unsigned int flags = memalloc_noreclaim_save();
	int err = vm_swapdev_transfer(data, first, pages, nr,
				      REQ_OP_WRITE | REQ_SWAP);

	memalloc_noreclaim_restore(flags);
	return err;
}

/* As Linux tells such a device that a page of swap is free. */
static void vm_swapram_discard(void *data, unsigned long first,
			       unsigned long nr)
{
	struct block_device *bdev = vm_swapfile_bdev(data);

	while (nr--)
		bdev->bd_disk->fops->swap_slot_free_notify(bdev, first++);
}

static void vm_swapdev_close(void *data)
{
	filp_close(data, NULL);
}

static const struct vm_store_ops vm_swapfile_ops = {
	.type = "file",
	.read = vm_swapfile_read,
	.write = vm_swapfile_write,
	.close = vm_swapfile_close,
};

static const struct vm_store_ops vm_swapdev_ops = {
	.type = "device",
	.most = VM_SWAPDEV_PAGES,
	.read = vm_swapdev_read,
	.write = vm_swapdev_write,
	.close = vm_swapdev_close,
};

/* Read with the processor, and not by it waiting. */
static const struct vm_store_ops vm_swapfast_ops = {
	.type = "device",
	.fast = true,
	.most = VM_SWAPDEV_PAGES,
	.read = vm_swapdev_read,
	.write = vm_swapdev_write,
	.close = vm_swapdev_close,
};

/* zram: what a block holds is memory. */
static const struct vm_store_ops vm_swapram_ops = {
	.type = "device",
	.fast = true,
	.most = VM_SWAPDEV_PAGES,
	.read = vm_swapdev_read,
	.write = vm_swapdev_write,
	.discard = vm_swapram_discard,
	.close = vm_swapdev_close,
};

/* The notification knows nothing of partitions. */
static const struct vm_store_ops *vm_swapdev_choose(struct file *file)
{
	struct block_device *bdev = vm_swapfile_bdev(file);

	if (bdev->bd_disk->fops->swap_slot_free_notify &&
	    !bdev_is_partition(bdev))
		return &vm_swapram_ops;
	return compat_bdev_synchronous(bdev) ? &vm_swapfast_ops : &vm_swapdev_ops;
}

static bool vm_swapfile_is_device(const struct file *file)
{
	return S_ISBLK(file_inode(file)->i_mode);
}

/* Opening something else may have effects: look first. */
static int vm_swapfile_look(const char *name)
{
	struct path path;
	umode_t mode;
	int err;

	if (*name != '/')
		return -EINVAL;
	err = kern_path(name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	mode = d_backing_inode(path.dentry)->i_mode;
	path_put(&path);
	if (S_ISDIR(mode))
		return -EISDIR;
	return S_ISREG(mode) || S_ISBLK(mode) ? 0 : -EINVAL;
}

/* As F_SETFL does it. */
static void vm_swapfile_set_direct(struct file *file, bool direct)
{
	spin_lock(&file->f_lock);
	if (direct)
		file->f_flags |= O_DIRECT;
	else
		file->f_flags &= ~O_DIRECT;
	file->f_iocb_flags = iocb_flags(file);
	spin_unlock(&file->f_lock);
}

/*
 * O_EXCL: a block device that nobody else has, as for mount(2) and swapon(2).  Not with
 * O_DIRECT: what cannot be opened so would count as a writer for a while.
 */
static struct file *vm_swapfile_open(const char *path)
{
	struct file *file = filp_open(path, O_RDWR | O_LARGEFILE | O_EXCL, 0);

	if (!IS_ERR(file) && file->f_mode & FMODE_CAN_ODIRECT)
		vm_swapfile_set_direct(file, true);
	return file;
}

/* Can it be read, and past the page cache? */
static int vm_swapfile_probe(struct file *file)
{
	struct page *page = alloc_page(GFP_KERNEL);
	int err;

	if (!page)
		return -ENOMEM;
	err = vm_swapfile_read(file, 0, &page, 1);
	if (err == -EINVAL && file->f_flags & O_DIRECT) {
		vm_swapfile_set_direct(file, false);
		err = vm_swapfile_read(file, 0, &page, 1);
	}
	__free_page(page);
	return err;
}

/* Returns a number of blocks, or a negative errno. */
static long vm_swapfile_measure(struct file *file)
{
	loff_t size = i_size_read(file->f_mapping->host);
	loff_t hole = size;

	if (!vm_swapfile_is_device(file))
		hole = vfs_llseek(file, 0, SEEK_HOLE);
	if (hole < 0 && hole != -ENXIO)
		return hole;
	size = round_down(size, PAGE_SIZE);
	if (!size || hole < size)
		return -EINVAL;
	return size >> PAGE_SHIFT;
}

/* What was written to the device through the page cache is not to come after us. */
static int vm_swapdev_prepare(struct block_device *bdev)
{
	int err;

	if (bdev_logical_block_size(bdev) > PAGE_SIZE || bdev_is_zoned(bdev))
		return -EINVAL;
	err = sync_blockdev(bdev);
	invalidate_bdev(bdev);
	return err;
}

static int vm_swapfile_register(const char *path, struct file *file,
				int priority)
{
	bool device = vm_swapfile_is_device(file);
	long blocks = vm_swapfile_measure(file);
	int err;

	if (blocks < 0)
		return blocks;
	err = device ? vm_swapdev_prepare(vm_swapfile_bdev(file)) : 0;
	err = err ?: vm_swapfile_probe(file);
	if (err)
		return err;
	if (!device && file_inode(file)->i_mode & 0077)
		pr_warn("vmobj: swap file %s: others may read or write it\n",
			path);
	return vm_swapstore_add(path, device ? vm_swapdev_choose(file) :
				&vm_swapfile_ops, file, blocks, true,
				priority);
}

int vm_swapfile_add(const char *path, int priority)
{
	int err = vm_swapfile_look(path);
	struct file *file;
	bool claimed;

	if (err)
		return err;
	file = vm_swapfile_open(path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	claimed = S_ISREG(file_inode(file)->i_mode);
	if (claimed)
		err = vm_swapfile_claim(file);
	else if (!vm_swapfile_is_device(file))
		err = -EINVAL;
	if (!err) {
		err = vm_swapfile_register(path, file, priority);
		if (err && claimed)
			vm_swapfile_unclaim(file);
	}
	if (err)
		filp_close(file, NULL);
	return err;
}

int vm_swapfile_remove(const char *name)
{
	int err = vm_swapstore_remove(name);

	if (!err && !strcmp(name, VM_SWAPSHMEM))
		WRITE_ONCE(swap_size, 0);
	return err;
}

/* ---- loading and unloading ---- */

static int vm_swapfile_add_list(char *list)
{
	char *path;
	int err = 0;

	while (!err && (path = strsep(&list, ","))) {
		err = vm_swapfile_add(path, 0);
		if (err)
			pr_err("vmobj: cannot swap to %s: %d\n", path, err);
	}
	return err;
}

int vm_swapfile_init(void)
{
	char *list;
	int err;

	vm_swap_wq = alloc_workqueue("vmobj_swap", WQ_MEM_RECLAIM | WQ_UNBOUND,
				     0);
	if (!vm_swap_wq)
		return -ENOMEM;
	if (!swap || !*swap)
		return 0;
	list = kstrdup(swap, GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	err = vm_swapfile_add_list(list);
	kfree(list);
	return err;
}

void vm_swapfile_exit(void)
{
	if (vm_swap_wq)
		destroy_workqueue(vm_swap_wq);
}
