/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel differences.  No other file tests a kernel version.
 *
 * Each entry says what changed and in which release.
 */
#ifndef _VMOBJ_COMPAT_H
#define _VMOBJ_COMPAT_H

#include <crypto/hash.h>
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/fsnotify_backend.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/uio.h>
#include <linux/userfaultfd_k.h>
#include <linux/sched/coredump.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vmobj needs Linux 6.1 or later: it is built on folios and the 6.1 VMA callbacks"
#endif

/* 6.3: vm_flags became const; setters take care of the VMA lock */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * Inode operations get an idmap, before 6.3 a user name space.  6.6 tells
 * generic_fillattr() which attributes are wanted.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define COMPAT_IDMAP	struct user_namespace
#else
#define COMPAT_IDMAP	struct mnt_idmap
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define compat_fillattr(idmap, mask, inode, stat) \
	((void)(mask), generic_fillattr(idmap, inode, stat))
#else
#define compat_fillattr(idmap, mask, inode, stat) \
	generic_fillattr(idmap, mask, inode, stat)
#endif

/* 6.5: splicing from a file that has read_iter */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define compat_splice_read	generic_file_splice_read
#else
#define compat_splice_read	copy_splice_read
#endif

/*
 * 6.4: faults may run under the VMA's own lock, and then the mmap_lock held for writing
 * does not keep them out.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline void vma_start_write(struct vm_area_struct *vma)
{
}
#endif

/* 6.6: faults in mappings of files may hold the VMA's lock; before, it is the mmap_lock */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

/*
 * Drop the PTEs of part of one VMA.  6.3 made zap_page_range() into
 * zap_page_range_single(), 7.0 that into zap_vma_range().
 */
static inline void compat_zap_range(struct vm_area_struct *vma,
				    unsigned long addr, unsigned long bytes)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	zap_page_range(vma, addr, bytes);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	zap_page_range_single(vma, addr, bytes, NULL);
#else
	zap_vma_range(vma, addr, bytes);
#endif
}

/*
 * 6.6: pte_mkwrite() takes the VMA, for shadow stacks, which our memory cannot
 * be; it is not exported then, the function for other VMAs is inline.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define pte_mkwrite_novma(pte)	pte_mkwrite(pte)
#define pmd_mkwrite_novma(pmd)	pmd_mkwrite(pmd)
#endif

/* 6.6: huge_fault is told an order */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define COMPAT_ENTRY_SIZE	enum page_entry_size
#define COMPAT_ENTRY_PMD	PE_SIZE_PMD
#else
#define COMPAT_ENTRY_SIZE	unsigned int
#define COMPAT_ENTRY_PMD	(PMD_SHIFT - PAGE_SHIFT)
#endif

/*
 * May a module change PTEs in place?  Elsewhere set_pte_at() and its kind need
 * functions that no kernel exports.
 */
#define COMPAT_CAN_SET_PTES \
	(IS_ENABLED(CONFIG_X86) && !IS_ENABLED(CONFIG_HIGHPTE))

/*
 * pte_present().  On x86 that loads the mask for encrypted memory each time, which
 * has nothing to do with these bits: a third of what a loop over PTEs costs.
 */
static inline bool compat_pte_present(pte_t pte)
{
#ifdef CONFIG_X86
	return native_pte_val(pte) & (_PAGE_PRESENT | _PAGE_PROTNONE);
#else
	return pte_present(pte);
#endif
}

/*
 * pte_wrprotect() and pte_mkclean() of a PTE in place, in one step.  6.6 has a second
 * dirty bit, for read-only PTEs.
 */
#ifdef _PAGE_SAVED_DIRTY
#define COMPAT_PTE_WRITE_BITS	(_PAGE_RW | _PAGE_DIRTY | _PAGE_SAVED_DIRTY)
#else
#define COMPAT_PTE_WRITE_BITS	(_PAGE_RW | _PAGE_DIRTY)
#endif
static inline void compat_pte_wrprotect_clean(pte_t *ptep)
{
#ifdef CONFIG_X86
	atomic_long_and(~(long)COMPAT_PTE_WRITE_BITS, (atomic_long_t *)ptep);
#else
	WARN_ON_ONCE(1);	/* only called if COMPAT_CAN_SET_PTES */
#endif
}

/*
 * userfaultfd_armed().  7.3 puts a bitmap together for it: 35 instructions, in each fault.
 */
static inline bool compat_userfaultfd_armed(struct vm_area_struct *vma)
{
#ifdef __VM_UFFD_FLAGS
	return vma->vm_flags & __VM_UFFD_FLAGS;
#else
	return userfaultfd_armed(vma);
#endif
}

/*
 * 6.14: a call that maps one page for a fault, writable or not.  Where it is not
 * known, nobody calls it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define COMPAT_CAN_INSERT_PAGE	0
vm_fault_t vmf_insert_page_mkwrite(struct vm_fault *vmf, struct page *page,
				   bool write);
#else
#define COMPAT_CAN_INSERT_PAGE	1
#endif

/*
 * Does one fault map all of a large folio that is smaller than a huge page?  Since
 * 6.11 for shmem alone; seen in 7.3 for every file.
 */
#define COMPAT_MAPS_LARGE_FOLIOS \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0))

/*
 * Where there is a page table, does a fault map one page of a large folio and no
 * more?  From 6.14 on the table may be freed while the fault is under way, and then
 * all of the folio may be mapped.
 */
#define COMPAT_TABLE_MEANS_ONE_PTE \
	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0))

/*
 * 6.17: mprotect() takes the PTEs of a large folio together, and makes all of them
 * dirty if one is.  A dirty PTE of a shared VMA is made writable without asking: so
 * who may write to one page of the folio may write to all that are mapped.
 */
#define COMPAT_MERGES_DIRTY_BITS \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0))

/* 6.19: a flag for VMAs with guard regions; before, no fault sees them */
#ifdef VM_MAYBE_GUARD
#define COMPAT_VM_MAYBE_GUARD	VM_MAYBE_GUARD
#else
#define COMPAT_VM_MAYBE_GUARD	VM_NONE
#endif

/* 6.8: vfs_iter_write() keeps a freeze of the file system out itself */
static inline ssize_t compat_vfs_iter_write(struct file *file,
					    struct iov_iter *iter, loff_t *pos)
{
	ssize_t n;

	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0))
		file_start_write(file);
	n = vfs_iter_write(file, iter, pos, 0);
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0))
		file_end_write(file);
	return n;
}

/* Make a file, whose inode is locked, shorter.  6.3: id maps instead of user namespaces */
static inline int compat_set_size(struct file *file, loff_t size)
{
	struct iattr attr = {
		.ia_valid = ATTR_SIZE | ATTR_FILE,
		.ia_size = size,
		.ia_file = file,
	};

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return notify_change(file_mnt_user_ns(file), file_dentry(file), &attr,
			     NULL);
#else
	return notify_change(file_mnt_idmap(file), file_dentry(file), &attr,
			     NULL);
#endif
}

/*
 * CRC-32C.  Until 6.14 the crypto layer knows the fastest one, which may be in a module, and
 * crc32c() is in another; __crc32c_le() is always there, and ten times slower on x86.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
static inline struct crypto_shash *compat_crc32c_init(void)
{
	struct crypto_shash *tfm = crypto_alloc_shash("crc32c", 0, 0);

	return IS_ERR(tfm) ? NULL : tfm;
}

static inline void compat_crc32c_exit(struct crypto_shash *tfm)
{
	if (tfm)
		crypto_free_shash(tfm);
}

static inline u32 compat_crc32c(struct crypto_shash *tfm, const void *data,
				size_t length)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	u32 crc;

	if (!tfm)
		return __crc32c_le(~0, data, length);
	desc->tfm = tfm;
	crypto_shash_digest(desc, data, length, (u8 *)&crc);
	return crc;
}
#else
static inline struct crypto_shash *compat_crc32c_init(void)
{
	return NULL;
}

static inline void compat_crc32c_exit(struct crypto_shash *tfm)
{
}

static inline u32 compat_crc32c(struct crypto_shash *tfm, const void *data,
				size_t length)
{
	return crc32c(~0, data, length);
}
#endif

/* A reference to a memory cgroup that may be on its way out.  6.3: mem_cgroup_tryget() */
static inline bool compat_memcg_tryget(struct mem_cgroup *memcg)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0) && defined(CONFIG_MEMCG)
	return css_tryget(&memcg->css);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return true;
#else
	return mem_cgroup_tryget(memcg);
#endif
}

/* A shmem file whose pages are accounted when they are there.  7.0: bitmaps of VMA flags */
static inline struct file *compat_shmem_file(const char *name, loff_t size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup(name, size, VM_NORESERVE);
#else
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#endif
}

/* 6.8: locks of all groups are safe in reclaim */
#ifdef FSNOTIFY_GROUP_NOFS
#define COMPAT_FSNOTIFY_GROUP_FLAGS	FSNOTIFY_GROUP_NOFS
#else
#define COMPAT_FSNOTIFY_GROUP_FLAGS	0
#endif
/* 6.18: the flags of an mm are behind functions */
static inline bool compat_mm_has_pinned(const struct mm_struct *mm)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	return test_bit(MMF_HAS_PINNED, &mm->flags);
#else
	return mm_flags_test(MMF_HAS_PINNED, mm);
#endif
}

/*
 * PTEs and PMDs that map a folio, or less if that takes long to find out.  6.10 made
 * folio_mapcount() inline, which before was not exported.
 */
static inline int compat_folio_mapcount_least(struct folio *folio)
{
	if (likely(!folio_test_large(folio)))
		return atomic_read(&folio->_mapcount) + 1;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return folio_entire_mapcount(folio);
#else
	return folio_mapcount(folio);
#endif
}

/* All of them.  Until 6.3 a huge PMD was also counted in each page. */
static inline int compat_folio_mapcount(struct folio *folio)
{
	int count = compat_folio_mapcount_least(folio);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	long i, nr = folio_nr_pages(folio);

	if (!folio_test_large(folio))
		return count;
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0))
		count -= count * nr;
	for (i = 0; i < nr; i++)
		count += atomic_read(&folio_page(folio, i)->_mapcount) + 1;
#endif
	return count;
}

/*
 * A shrinker has freed whole pages.  6.4: a function for that, and another name for the
 * number.
 */
static inline void compat_account_reclaimed(unsigned long pages)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
#else
	mm_account_reclaimed_pages(pages);
#endif
}

/* Is the transfer over when the call returns?  6.4: told by the queue, before by a call. */
static inline bool compat_bdev_synchronous(struct block_device *bdev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return bdev->bd_disk->fops->rw_page;
#else
	return bdev_synchronous(bdev);
#endif
}

/*
 * Before 6.8, what kmem_cache_alloc_bulk() could not get of what it was asked for stays
 * charged to the cgroup for ever.
 */
static inline bool compat_alloc_bulk_is_right(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0);
}

/* On the list of the cgroup that an object is charged to.  6.8: a name of its own */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define compat_list_lru_add(lru, link)		list_lru_add(lru, link)
#define compat_list_lru_del(lru, link)		list_lru_del(lru, link)
#else
#define compat_list_lru_add(lru, link)		list_lru_add_obj(lru, link)
#define compat_list_lru_del(lru, link)		list_lru_del_obj(lru, link)
#endif

/*
 * 6.7: shrinkers are allocated by the kernel.  Before, there is one and no more.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define compat_shrinker_register(name, count, scan) ({			\
	static struct shrinker _shrinker = {				\
		.count_objects = (count),				\
		.scan_objects = (scan),					\
		.seeks = DEFAULT_SEEKS,					\
		.batch = SWAP_CLUSTER_MAX,				\
		.flags = SHRINKER_MEMCG_AWARE | SHRINKER_NONSLAB,	\
	};								\
									\
	register_shrinker(&_shrinker, name) ? NULL : &_shrinker;	\
})
#define compat_shrinker_unregister(shrinker)	unregister_shrinker(shrinker)
#else
#define compat_shrinker_register(name, count, scan) ({			\
	struct shrinker *_shrinker =					\
		shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NONSLAB,	\
			       name);					\
									\
	if (_shrinker) {						\
		_shrinker->count_objects = (count);			\
		_shrinker->scan_objects = (scan);			\
		_shrinker->batch = SWAP_CLUSTER_MAX;			\
		shrinker_register(_shrinker);				\
	}								\
	_shrinker;							\
})
#define compat_shrinker_unregister(shrinker)	shrinker_free(shrinker)
#endif

/*
 * Functions only the KUnit module calls from outside.  6.2 has the macro in
 * <kunit/visibility.h>; 6.13 made name spaces strings.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#include <kunit/visibility.h>
#elif IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_IF_KUNIT(sym) \
	EXPORT_SYMBOL_NS_GPL(sym, EXPORTED_FOR_KUNIT_TESTING)
#else
#define EXPORT_SYMBOL_IF_KUNIT(sym)
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define VMOBJ_IMPORT_KUNIT()	MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING)
#else
#define VMOBJ_IMPORT_KUNIT()	MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING")
#endif

#endif /* _VMOBJ_COMPAT_H */
