// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of a process's addresses: inheritance, advice, a look.
 *
 * A range is walked VMA by VMA under the mmap_lock, and each VMA's part is worked on
 * under the lock of its family.  Before anything is changed all of the range is looked
 * at, so that a bad range changes nothing.
 *
 * Linux's own madvise() comes here as well, where it asks the file of a VMA: the
 * pseudo file has hooks for MADV_REMOVE and MADV_WILLNEED.  They are told an offset in
 * the file, which is a family index, and find the VMA again by it.
 */
#include <linux/fs.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/vmobj.h>

#include <vmobj/advise.h>
#include <vmobj/compat.h>
#include <vmobj/device.h>
#include <vmobj/family.h>
#include <vmobj/ioctl.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pager.h>
#include <vmobj/range.h>
#include <vmobj/swap.h>

/* Pages worked on before the family lock is let go; no large page lies across. */
#define RANGE_PIECE	16384UL

/**
 * struct vm_range - a range of addresses that is worked on
 * @mm: the process
 * @addr: first address
 * @end: first address behind
 */
struct vm_range {
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long end;
};

/* Called with a VMA's part of a range, in family coordinates. */
typedef int (*vm_range_fn)(struct vm_area_struct *vma, pgoff_t start,
			   pgoff_t end, void *data);

/* ---- walking ---- */

static int vm_range_set(struct vm_range *range, u64 addr, u64 length)
{
	u64 end;

	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (check_add_overflow(addr, length, &end) ||
	    check_add_overflow(end, (u64)PAGE_SIZE - 1, &end))
		return -EINVAL;
	end &= PAGE_MASK;
	range->mm = current->mm;
	range->addr = addr;
	range->end = end;
	if (range->addr != addr || range->end != end)
		return -ENOMEM;
	return 0;
}

/* One of ours at an address, or NULL. */
static struct vm_area_struct *vm_range_vma(struct mm_struct *mm,
					   unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr && vmobj_is_ours(vma) ? vma : NULL;
}

static int vm_range_walk(const struct vm_range *range, vm_range_fn fn,
			 void *data)
{
	unsigned long addr, stop;
	int err = 0;

	for (addr = range->addr; addr < range->end && !err; addr = stop) {
		struct vm_area_struct *vma = vm_range_vma(range->mm, addr);

		if (!vma)
			return -ENOMEM;
		stop = min(range->end, vma->vm_end);
		err = fn(vma, linear_page_index(vma, addr),
			 linear_page_index(vma, addr) +
			 ((stop - addr) >> PAGE_SHIFT), data);
	}
	return err;
}

/* What is not inherited is like what is not mapped. */
static int vm_range_check_part(struct vm_area_struct *vma, pgoff_t start,
			       pgoff_t end, void *data)
{
	unsigned long forbidden = *(unsigned long *)data;
	struct vm_map *map = vma->vm_private_data;
	bool absent;

	if (vma->vm_flags & forbidden)
		return -EINVAL;
	vm_family_read_lock(map->family);
	absent = vm_map_any_absent(map, start, end);
	vm_family_read_unlock(map->family);
	return absent ? -ENOMEM : 0;
}

/* Is all of the range ours, and none of its VMAs has a certain flag? */
static int vm_range_check(const struct vm_range *range, unsigned long forbidden)
{
	return vm_range_walk(range, vm_range_check_part, &forbidden);
}

/* ---- inheritance ---- */

/*
 * An entry is going to end there, and a huge page that is mapped must not lie across.
 * Faults are kept out: it comes back page by page.
 */
static void vm_range_cut_huge(struct vm_area_struct *vma, pgoff_t index)
{
	unsigned long addr = vm_map_address(vma->vm_private_data, index);

	if (!IS_ALIGNED(addr, PMD_SIZE) && addr > vma->vm_start &&
	    addr < vma->vm_end)
		compat_zap_range(vma, addr, PAGE_SIZE);
}

static int vm_range_inherit_part(struct vm_area_struct *vma, pgoff_t start,
				 pgoff_t end, void *data)
{
	struct vm_map *map = vma->vm_private_data;

	vma_start_write(vma);
	vm_range_cut_huge(vma, start);
	vm_range_cut_huge(vma, end);
	vm_family_write_lock(map->family);
	vmobj_fill(vma);
	vm_map_inherit(map, start, end, *(enum vm_inherit *)data);
	vm_family_write_unlock(map->family);
	return 0;
}

static int vm_range_inherit(const struct vm_range *range,
			    enum vm_inherit inheritance)
{
	int err;

	if (mmap_write_lock_killable(range->mm))
		return -EINTR;
	err = vm_range_check(range, 0) ?:
		vm_range_walk(range, vm_range_inherit_part, &inheritance);
	mmap_write_unlock(range->mm);
	return err;
}

long vmobj_ioctl_inherit(void __user *arg)
{
	struct vmobj_inherit in;
	struct vm_range range;
	int err;

	/* The uapi numbers are those of enum vm_inherit. */
	static_assert((int)VM_INHERIT_COPY - VMOBJ_INHERIT_COPY == 0);
	static_assert((int)VM_INHERIT_SHARE - VMOBJ_INHERIT_SHARE == 0);
	static_assert((int)VM_INHERIT_NONE - VMOBJ_INHERIT_NONE == 0);
	static_assert((int)VM_INHERIT_ZERO - VMOBJ_INHERIT_ZERO == 0);

	err = vmobj_ioctl_copy_in(&in, sizeof(in), VMOBJ_INHERIT_SIZE_VER0,
				  arg);
	if (err)
		return err;
	if (in.flags || in.reserved || in.inheritance > VMOBJ_INHERIT_ZERO)
		return -EINVAL;
	err = vm_range_set(&range, in.addr, in.length);
	return err ?: vm_range_inherit(&range, in.inheritance);
}

/* ---- what is at an index ---- */

/**
 * struct vm_entry_at - what an entry shows at an index
 * @index: the index, family coordinates
 * @object: object it is in, or NULL: nothing is there
 * @page: the page, or NULL
 * @depth: so many objects below the top
 * @swapped: it is in swap, and not in memory
 */
struct vm_entry_at {
	pgoff_t index;
	struct vm_object *object;
	struct vm_page *page;
	int depth;
	bool swapped;
};

/*
 * Family lock held for writing.  Returns where there may be something else, at the
 * latest @end.
 */
static pgoff_t vm_entry_run(const struct vm_map_entry *entry, pgoff_t index,
			    pgoff_t end, struct vm_entry_at *at)
{
	struct vm_object *object;
	pgoff_t next;

	at->depth = 0;
	at->swapped = false;
	for (object = entry->object; object; object = object->backing_object) {
		at->object = object;
		at->page = vm_page_first(object->memq, index);
		if (at->page && at->page->index <= index)
			return min(end, vm_page_end(at->page));
		if (at->page)
			end = min(end, at->page->index);
		next = vm_swap_next(object, index);
		at->swapped = next == index;
		if (at->swapped)
			return index + 1;
		end = min(end, next);
		at->depth++;
	}
	at->object = NULL;
	return end;
}

/* ---- advice ---- */

/* Work on a part of a map piece by piece: others get the family lock in between. */
static int vm_range_in_pieces(struct vm_map *map, pgoff_t start, pgoff_t end,
			      void (*fn)(struct vm_map *map, pgoff_t start,
					 pgoff_t end, void *data),
			      void *data)
{
	pgoff_t stop;

	for (; start < end; start = stop) {
		stop = min(end, round_up(start + 1, RANGE_PIECE));
		vm_family_write_lock(map->family);
		fn(map, start, stop, data);
		vm_family_write_unlock(map->family);
		cond_resched();
	}
	return 0;
}

static void vm_map_advise(struct vm_map *map, pgoff_t start, pgoff_t end,
			  void *data)
{
	enum vm_advice advice = *(enum vm_advice *)data;
	struct vm_map_entry *entry;

	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry)) {
		pgoff_t first = max(start, entry->start);

		vm_object_madvise(entry->object, first,
				  min(end, entry->end) - first, advice);
	}
}

static int vm_range_advise_part(struct vm_area_struct *vma, pgoff_t start,
				pgoff_t end, void *data)
{
	return vm_range_in_pieces(vma->vm_private_data, start, end,
				  vm_map_advise, data);
}

static int vm_range_advise(const struct vm_range *range, enum vm_advice advice)
{
	int err;

	if (mmap_read_lock_killable(range->mm))
		return -EINTR;
	err = vm_range_check(range, 0) ?:
		vm_range_walk(range, vm_range_advise_part, &advice);
	mmap_read_unlock(range->mm);
	return err;
}

/*
 * The next page that the process sees in memory, with a reference to its folio; or
 * in swap, with paging begun in its object.  Stops at the end of a piece: then *@index
 * is below @end.
 */
static bool vm_map_next_page(struct vm_map *map, pgoff_t *index, pgoff_t end,
			     bool swapped, struct vm_entry_at *at)
{
	struct vm_map_entry *entry;
	bool found = false;
	pgoff_t stop;

	end = min(end, round_up(*index + 1, RANGE_PIECE));
	vm_family_write_lock(map->family);
	while (!found && *index < end) {
		entry = vm_map_first(map, *index);
		if (!entry || entry->start >= end) {
			*index = end;
			break;
		}
		at->index = max(*index, entry->start);
		stop = min(end, entry->end);
		*index = vm_entry_run(entry, at->index, stop, at);
		found = at->object && at->swapped == swapped;
	}
	if (found && swapped)
		vm_object_pip_add(at->object);
	else if (found)
		folio_get(at->page->folio);
	vm_family_write_unlock(map->family);
	return found;
}

static int vm_range_page_out_part(struct vm_area_struct *vma, pgoff_t start,
				  pgoff_t end, void *data)
{
	struct vm_map *map = vma->vm_private_data;
	struct vm_entry_at at;

	while (start < end) {
		if (vm_map_next_page(map, &start, end, false, &at)) {
			struct folio *folio = at.page->folio;

			vm_page_out(folio, true);
			folio_put(folio);
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int vm_range_page_in_part(struct vm_area_struct *vma, pgoff_t start,
				 pgoff_t end, void *data)
{
	struct vm_map *map = vma->vm_private_data;
	struct vm_entry_at at;

	while (start < end) {
		if (vm_map_next_page(map, &start, end, true, &at)) {
			/* What cannot be read is for who touches it. */
			vm_pager_getpage(at.object, at.index);
			vm_object_pip_wakeup(at.object);
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Advice first, which tells the pages, and then what follows from it now. */
static int vm_range_advise_and(const struct vm_range *range,
			       enum vm_advice advice, vm_range_fn fn)
{
	int err;

	if (mmap_read_lock_killable(range->mm))
		return -EINTR;
	err = vm_range_check(range, 0) ?:
		vm_range_walk(range, vm_range_advise_part, &advice) ?:
		vm_range_walk(range, fn, NULL);
	mmap_read_unlock(range->mm);
	return err;
}

/* No fault of this process is on its way to a PTE after the VMA is locked. */
static int vm_range_discard_part(struct vm_area_struct *vma, pgoff_t start,
				 pgoff_t end, void *data)
{
	struct vm_map *map = vma->vm_private_data;
	int err;

	/* A sealed object, or a file that may only be read. */
	if (vma->vm_flags & VM_MAYSHARE && !(vma->vm_flags & VM_MAYWRITE))
		return -EACCES;
	vma_start_write(vma);
	compat_zap_range(vma, vm_map_address(map, start),
			 (end - start) << PAGE_SHIFT);
	vm_family_write_lock(map->family);
	err = vm_map_zero(map, start, end);
	vm_family_write_unlock(map->family);
	return err;
}

/* mmap_lock held for writing. */
static int vm_range_discard_locked(const struct vm_range *range)
{
	lockdep_assert_held_write(&range->mm->mmap_lock);
	return vm_range_check(range, VM_LOCKED) ?:
		vm_range_walk(range, vm_range_discard_part, NULL);
}

static int vm_range_discard(const struct vm_range *range)
{
	int err;

	if (mmap_write_lock_killable(range->mm))
		return -EINTR;
	err = vm_range_discard_locked(range);
	mmap_write_unlock(range->mm);
	return err;
}

static int vm_range_take_advice(const struct vm_range *range, u32 advice)
{
	switch (advice) {
	case VMOBJ_ADV_WILLNEED:
		return vm_range_advise_and(range, VM_ADVICE_WILLNEED,
					   vm_range_page_in_part);
	case VMOBJ_ADV_DONTNEED:
		return vm_range_advise(range, VM_ADVICE_DONTNEED);
	case VMOBJ_ADV_FREE:
		return vm_range_advise(range, VM_ADVICE_FREE);
	case VMOBJ_ADV_DISCARD:
		return vm_range_discard(range);
	case VMOBJ_ADV_COLD:
		return vm_range_advise(range, VM_ADVICE_COLD);
	case VMOBJ_ADV_PAGEOUT:
		return vm_range_advise_and(range, VM_ADVICE_COLD,
					   vm_range_page_out_part);
	default:
		return -EINVAL;
	}
}

long vmobj_ioctl_advise(void __user *arg)
{
	struct vmobj_advise in;
	struct vm_range range;
	int err;

	err = vmobj_ioctl_copy_in(&in, sizeof(in), VMOBJ_ADVISE_SIZE_VER0, arg);
	if (err)
		return err;
	if (in.flags || in.reserved)
		return -EINVAL;
	err = vm_range_set(&range, in.addr, in.length);
	return err ?: vm_range_take_advice(&range, in.advice);
}

/* ---- Linux's own advice ---- */

/* Two VMAs of a process never have the same index of the same file. */
static bool vm_range_of_file(struct vm_range *range, struct file *file,
			     loff_t offset, loff_t len)
{
	struct vm_family *family = file->private_data;
	struct vm_area_struct *vma = NULL;
	struct rb_node *node;

	lockdep_assert_held(&range->mm->mmap_lock);
	vm_family_read_lock(family);
	for (node = rb_first(&family->maps); node; node = rb_next(node)) {
		struct vm_map *map = rb_entry(node, struct vm_map, rb);

		if (map->mm != range->mm)
			continue;
		range->addr = vm_map_address(map, offset >> PAGE_SHIFT);
		vma = vm_range_vma(range->mm, range->addr);
		if (vma && vma->vm_file == file && vma->vm_private_data == map)
			break;
		vma = NULL;
	}
	vm_family_read_unlock(family);
	range->end = range->addr + len;
	return vma && range->end <= vma->vm_end;
}

long vmobj_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct vm_range range = { .mm = current->mm };
	int err = -EINVAL;

	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!range.mm || !PAGE_ALIGNED(offset | len))
		return -EINVAL;
	if (mmap_write_lock_killable(range.mm))
		return -EINTR;
	if (vm_range_of_file(&range, file, offset, len) &&
	    find_vma(range.mm, range.addr)->vm_flags & VM_MAYSHARE)
		err = vm_range_discard_locked(&range);
	mmap_write_unlock(range.mm);
	return err;
}

int vmobj_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	struct vm_range range = { .mm = current->mm };
	enum vm_advice willneed = VM_ADVICE_WILLNEED;

	if (advice != POSIX_FADV_WILLNEED || !range.mm ||
	    !PAGE_ALIGNED(offset | len))
		return 0;
	if (mmap_read_lock_killable(range.mm))
		return -EINTR;
	/* Another process's (process_madvise) is not found: it is only advice. */
	if (vm_range_of_file(&range, file, offset, len)) {
		vm_range_walk(&range, vm_range_advise_part, &willneed);
		vm_range_walk(&range, vm_range_page_in_part, NULL);
	}
	mmap_read_unlock(range.mm);
	return 0;
}

/* ---- a look ---- */

/* How many objects at the top of the chain are used by this process alone? */
static unsigned int vm_entry_private_depth(const struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;
	struct vm_map_entry *other;
	unsigned int nr = 0, depth = 0;

	if (!object)
		return 0;
	list_for_each_entry(other, &object->mappers, mapper_link) {
		if (other->map->mm != entry->map->mm)
			return 0;
		nr++;
	}
	if (object->ref_count != nr)
		return 0;
	do {
		depth++;
		object = object->backing_object;
	} while (object && object->ref_count == 1);
	return depth;
}

static void vm_entry_count(const struct vm_map_entry *entry, pgoff_t index,
			   pgoff_t end, struct vmobj_range *out)
{
	int private = vm_entry_private_depth(entry);
	struct vm_entry_at at;
	pgoff_t next;

	for (; index < end; index = next) {
		next = vm_entry_run(entry, index, end, &at);
		if (at.swapped)
			out->swapped++;
		if (at.swapped || !at.object)
			continue;
		out->resident += next - index;
		if (at.depth < private)
			out->private_pages += next - index;
		else
			out->shared_pages += next - index;
	}
}

static void vm_map_count(struct vm_map *map, pgoff_t start, pgoff_t end,
			 void *out)
{
	struct vm_map_entry *entry;

	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		vm_entry_count(entry, max(start, entry->start),
			       min(end, entry->end), out);
}

static int vm_range_count_part(struct vm_area_struct *vma, pgoff_t start,
			       pgoff_t end, void *data)
{
	return vm_range_in_pieces(vma->vm_private_data, start, end,
				  vm_map_count, data);
}

/* A write to a lazy copy goes to an object that is not there yet. */
static bool vm_entry_writes_to_object(const struct vm_map_entry *entry)
{
	const struct vm_object *object = entry->object;

	return object && (!entry->needs_copy ||
			  (object->ref_count == 1 && vm_object_internal(object)));
}

static int vm_range_describe_part(struct vm_area_struct *vma, pgoff_t start,
				  pgoff_t end, void *data)
{
	struct vm_map *map = vma->vm_private_data;
	struct vmobj_range *out = data;
	struct vm_map_entry *entry;
	struct vm_object *object;

	vm_family_write_lock(map->family);
	vmobj_fill(vma);
	entry = vm_map_lookup(map, start);
	out->inheritance = entry->inheritance;
	for (object = entry->object; object; object = object->backing_object)
		out->depth++;
	if (vm_entry_writes_to_object(entry)) {
		object = entry->object;
		out->object = object->id;
		out->offset = (u64)(start - object->pg_base) << PAGE_SHIFT;
	}
	vm_family_write_unlock(map->family);
	return 0;
}

static int vm_range_look(const struct vm_range *range, struct vmobj_range *out)
{
	struct vm_range first = *range;
	int err;

	first.end = first.addr + PAGE_SIZE;
	if (mmap_read_lock_killable(range->mm))
		return -EINTR;
	err = vm_range_check(&first, 0) ?: vm_range_check(range, 0) ?:
		vm_range_walk(&first, vm_range_describe_part, out) ?:
		vm_range_walk(range, vm_range_count_part, out);
	mmap_read_unlock(range->mm);
	return err;
}

long vmobj_ioctl_range(void __user *arg)
{
	struct vmobj_range in, out = { .size = sizeof(out) };
	struct vm_range range;
	int err;

	err = vmobj_ioctl_copy_in(&in, sizeof(in), VMOBJ_RANGE_SIZE_VER0, arg);
	if (err)
		return err;
	if (in.flags || in.reserved[0] || in.reserved[1])
		return -EINVAL;
	out.addr = in.addr;
	out.length = in.length;
	err = vm_range_set(&range, in.addr, in.length) ?:
		vm_range_look(&range, &out);
	return err ?: vmobj_ioctl_copy_out(arg, &out, sizeof(out));
}
