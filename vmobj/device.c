// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vmobj: open, mmap, and the VMA callbacks.  For ioctls see ioctl.c.
 *
 * Every mapping is VM_SHARED to Linux, whatever the user asked for: otherwise
 * Linux would make private copies in anonymous pages of its own, and would copy
 * page tables at fork.  VM_MAYSHARE is left as the user wanted it, so that
 * /proc/pid/maps says "p" or "s", and it is what tells us which of the two a
 * mapping is.
 *
 * Linux tells us what happens to a VMA by these calls, with the mmap_lock held for
 * writing (close: or for reading, when munmap has made way for faults):
 *
 *	open(new)	fork:	the VMA's mm is not the map's
 *			split:	same mm, same bias
 *			mremap:	same mm, other bias
 *	mremap(new)	an mremap has succeeded
 *	close(vma)	its PTEs are gone; the range it has now goes away
 *	may_split()	a split at an address is coming; mremap asks too, and
 *			thereby tells the length it moves
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#include <vmobj/compat.h>
#include <vmobj/device.h>
#include <vmobj/family.h>
#include <vmobj/fault.h>
#include <vmobj/ioctl.h>
#include <vmobj/map.h>
#include <vmobj/stats.h>

static const struct vm_operations_struct vmobj_vm_ops;

static long vmobj_bias(const struct vm_area_struct *vma)
{
	return (long)(vma->vm_start >> PAGE_SHIFT) - (long)vma->vm_pgoff;
}

static pgoff_t vmobj_end(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma);
}

/* The map of the VMA's mm and place; one more VMA uses it. */
static struct vm_map *vmobj_get_map(struct vm_family *family,
				    struct vm_area_struct *vma)
{
	long bias = vmobj_bias(vma);
	struct vm_map *map;

	map = vm_map_find(family, vma->vm_mm, bias);
	if (!map)
		map = vm_map_create(family, vma->vm_mm, bias);
	map->nr_vmas++;
	vma->vm_private_data = map;
	return map;
}

bool vmobj_is_ours(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &vmobj_vm_ops;
}

static enum vm_inherit vmobj_inheritance(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_MAYSHARE ? VM_INHERIT_SHARE : VM_INHERIT_COPY;
}

void vmobj_fill(struct vm_area_struct *vma)
{
	vm_map_fill(vma->vm_private_data, vma->vm_pgoff, vmobj_end(vma),
		    vmobj_inheritance(vma));
}

/*
 * A range is about to move, or to get another mapping: give what is still a hole
 * under its VMAs an entry, which goes along, or is shared.
 */
static void vmobj_fill_range(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	unsigned long addr = vm_map_address(map, start);
	unsigned long stop = vm_map_address(map, end);
	struct vm_area_struct *vma;

	for (; addr < stop; addr = vma->vm_end) {
		vma = find_vma(map->mm, addr);
		if (!vma || vma->vm_start >= stop)
			return;
		if (vma->vm_private_data == map)
			vmobj_fill(vma);
	}
}

/* ---- fork ---- */

/* Does the VMA at the address take part in the same fork, with the same map? */
static bool vmobj_forks_too(struct vm_map *parent, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(parent->mm, addr);

	return vma && vma->vm_start <= addr && vma->vm_private_data == parent &&
	       !(vma->vm_flags & VM_DONTCOPY);
}

static void vmobj_lock_vmas(struct mm_struct *mm, unsigned long addr,
			    unsigned long end)
{
	struct vm_area_struct *vma;

	for (; addr < end; addr = vma->vm_end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start >= end)
			return;
		vma_start_write(vma);
	}
}

/*
 * An entry may span several VMAs, and loses its write rights in all of them when fork
 * comes to the first.  Fork has locked only that one: faults in those behind it may run
 * under their VMA locks, and be on their way to a writable PTE.  So lock these as well,
 * which fork will do anyway; but not with the family lock held, which faults wait for.
 *
 * Returns with the family lock held for writing.
 */
static void vmobj_lock_for_fork(struct vm_map *parent,
				struct vm_area_struct *vma)
{
	struct vm_map_entry *entry;
	unsigned long end;

	vm_family_write_lock(parent->family);
	/* The first VMA of this fork? */
	if (!vm_map_find(parent->family, vma->vm_mm, vmobj_bias(vma)) ||
	    parent->locked_to < vma->vm_end)
		parent->locked_to = vma->vm_end;
	for (;;) {
		vmobj_fill(vma);
		entry = vm_map_lookup(parent, vmobj_end(vma) - 1);
		end = vm_map_address(parent, entry->end);
		if (end <= parent->locked_to)
			return;
		vm_family_write_unlock(parent->family);
		vmobj_lock_vmas(parent->mm, parent->locked_to, end);
		parent->locked_to = end;
		vm_family_write_lock(parent->family);
	}
}

/*
 * An entry is cut only where the child gets one side and not the other: the other side
 * has not become shared.
 */
static void vmobj_fork(struct vm_map *parent, struct vm_area_struct *vma)
{
	pgoff_t start = vma->vm_pgoff, end = vmobj_end(vma);
	struct vm_map *child;

	if (!vmobj_forks_too(parent, vma->vm_start - 1))
		vm_map_clip(parent, start);
	if (!vmobj_forks_too(parent, vma->vm_end))
		vm_map_clip(parent, end);
	child = vmobj_get_map(parent->family, vma);
	vm_map_fork(child, parent, start, end);
}

/* ---- mremap ---- */

/*
 * The new VMA may be longer than what moves into it, and only may_split() has
 * told how much that is: it was called with the end, unless that is the end of
 * the old VMA.  Should its call be left over from an mremap that failed, less
 * would be taken for moved than is; so everything up to the old VMA's end is
 * copied here, and the unmapping of the old place settles it.
 */
static void vmobj_note_move(struct vm_map *from, struct vm_area_struct *new)
{
	unsigned long addr = vm_map_address(from, new->vm_pgoff);
	struct vm_area_struct *old = find_vma(from->mm, addr);
	struct vm_map_move *move = &from->move;
	pgoff_t split;

	/* An end that is the start: an old length of 0. */
	move->alias = from->split_at == addr && old &&
		      (addr == old->vm_start || from->split_again);

	move->start = new->vm_pgoff;
	move->copied_end = vmobj_end(new);
	if (!move->alias && old && old->vm_start <= addr)
		move->copied_end = min(move->copied_end, vmobj_end(old));
	move->end = move->copied_end;
	move->bias = vmobj_bias(new);

	split = (from->split_at >> PAGE_SHIFT) - from->bias;
	if (from->split_at && split > move->start && split < move->end)
		move->end = split;
	move->pending = move->end < move->copied_end;
	from->split_at = 0;
}

/* Give the VMA a file of its own, see map.h. */
static int vmobj_change_file(struct vm_family *family,
			     struct vm_area_struct *vma)
{
	struct file *file = vm_family_open(family);

	if (IS_ERR(file))
		return PTR_ERR(file);
	vma_set_file(vma, file);
	fput(file);
	return 0;
}

static void vmobj_move(struct vm_map *from, struct vm_area_struct *new)
{
	struct vm_map *to;
	int err;

	vmobj_note_move(from, new);
	vmobj_fill_range(from, from->move.start, from->move.copied_end);
	err = vmobj_change_file(from->family, new);
	to = vmobj_get_map(from->family, new);
	vm_map_share(to, from, from->move.start, from->move.copied_end,
		     new->vm_flags & VM_MAYSHARE);
	to->move_source = err ? NULL : from;
}

/*
 * The move has succeeded: the old place is fresh memory, if it is not unmapped
 * (MREMAP_DONTUNMAP).
 */
static int vmobj_vma_mremap(struct vm_area_struct *vma)
{
	struct vm_map *to = vma->vm_private_data, *from = to->move_source;

	to->move_source = NULL;
	/* No file for the new place, and open() could not say so. */
	if (!from)
		return -ENOMEM;
	/*
	 * Shared memory may stay at the old place, too (an alias, or
	 * MREMAP_DONTUNMAP); if not it is unmapped there, which deletes it.
	 */
	if (vma->vm_flags & VM_MAYSHARE)
		return 0;
	/* As in Linux: no second address for private memory. */
	if (from->move.alias)
		return -EINVAL;
	vm_family_write_lock(to->family);
	/* With MREMAP_DONTUNMAP a named object shows again. */
	if (to->family->named)
		vm_map_delete(from, from->move.start, from->move.end);
	else
		vm_map_reset(from, from->move.start, from->move.end);
	vm_family_write_unlock(to->family);
	return 0;
}

/* The old place of a move is unmapped: now its length is known. */
static void vmobj_settle_move(struct vm_map *from, struct vm_area_struct *old)
{
	struct vm_map_move *move = &from->move;
	struct vm_map *to;

	if (!move->pending)
		return;
	move->pending = false;
	if (old->vm_pgoff != move->start || vmobj_end(old) != move->end)
		return;
	to = vm_map_find(from->family, from->mm, move->bias);
	if (to)
		vm_map_delete(to, move->end, move->copied_end);
}

/* ---- VMA callbacks ---- */

static void vmobj_vma_open(struct vm_area_struct *vma)
{
	struct vm_map *map = vma->vm_private_data;

	if (vma->vm_mm != map->mm) {
		vmobj_lock_for_fork(map, vma);
		vmobj_fork(map, vma);
		vm_family_write_unlock(map->family);
		return;
	}
	vm_family_write_lock(map->family);
	if (vmobj_bias(vma) == map->bias) {
		map->nr_vmas++;
		map->split_at = 0;
	} else {
		vmobj_move(map, vma);
	}
	vm_family_write_unlock(map->family);
}

static void vmobj_vma_close(struct vm_area_struct *vma)
{
	struct vm_map *map = vma->vm_private_data;
	struct vm_family *family = map->family;

	vm_family_write_lock(family);
	map->move_source = NULL;
	/* A split that failed closes a VMA of no length. */
	if (vma_pages(vma)) {
		vmobj_settle_move(map, vma);
		vm_map_delete(map, vma->vm_pgoff, vmobj_end(vma));
	}
	if (!--map->nr_vmas)
		vm_map_destroy(map);
	vm_family_write_unlock(family);
}

/*
 * What a VMA has grown by gets an entry when it is touched, and becomes as what is before
 * it.  That may be gone by then: here is the last chance to see it.
 */
static void vmobj_settle_growth(struct vm_area_struct *vma)
{
	struct vm_map *map = vma->vm_private_data;
	bool settled;

	vm_family_read_lock(map->family);
	settled = vm_map_lookup(map, vmobj_end(vma) - 1);
	vm_family_read_unlock(map->family);
	if (settled)
		return;
	vm_family_write_lock(map->family);
	vmobj_fill(vma);
	vm_family_write_unlock(map->family);
}

static int vmobj_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	struct vm_map *map = vma->vm_private_data;

	vmobj_settle_growth(vma);
	map->split_again = map->split_at == addr;
	map->split_at = addr;
	return 0;
}

/*
 * Nothing is mapped around a fault; but without this callback newer kernels
 * refuse to call .fault under the VMA lock and do every fault twice.
 */
static vm_fault_t vmobj_map_pages(struct vm_fault *vmf, pgoff_t start,
				  pgoff_t end)
{
	return 0;
}

static const struct vm_operations_struct vmobj_vm_ops = {
	.open = vmobj_vma_open,
	.close = vmobj_vma_close,
	.may_split = vmobj_vma_may_split,
	.mremap = vmobj_vma_mremap,
	.fault = vmobj_fault,
	.map_pages = vmobj_map_pages,
	.huge_fault = vmobj_huge_fault,
	.page_mkwrite = vmobj_page_mkwrite,
	.access = vmobj_access,
};

/* ---- the device ---- */

static void vmobj_take_vma(struct vm_area_struct *vma, struct file *pseudo)
{
	vma_set_file(vma, pseudo);
	fput(pseudo);
	if (!(vma->vm_flags & VM_MAYSHARE))
		vm_flags_set(vma, VM_SHARED);
	vma->vm_ops = &vmobj_vm_ops;
	vmobj_get_map(pseudo->private_data, vma);
}

void vmobj_map_vma(struct vm_area_struct *vma, struct file *pseudo)
{
	struct vm_family *family = pseudo->private_data;

	lockdep_assert_held_write(&family->lock);
	vmobj_take_vma(vma, pseudo);
	vm_map_insert_mapping(vma->vm_private_data, vma->vm_pgoff,
			      vmobj_end(vma), vmobj_inheritance(vma));
}

/* Does the map's family belong to one process? */
static bool vmobj_is_single(const struct vm_map *map)
{
	const struct vm_family *family = map->family;
	const struct vm_map *first, *last;

	first = rb_entry(rb_first(&family->maps), struct vm_map, rb);
	last = rb_entry(rb_last(&family->maps), struct vm_map, rb);
	return first->mm == last->mm;
}

/* Private memory at an address, where it has been mapped, or NULL. */
static struct vm_area_struct *vmobj_neighbour(struct mm_struct *mm,
					      unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	struct vm_map *map;

	if (!vma || vma->vm_start > addr || !vmobj_is_ours(vma) ||
	    vma->vm_flags & (VM_MAYSHARE | VM_DONTCOPY))
		return NULL;
	map = vma->vm_private_data;
	return map->bias || map->family->named ? NULL : vma;
}

/*
 * A private mapping beside another becomes part of its family, and so of its object, if
 * that can be (BSD vm_map_insert).  What processes share does not grow: they all would
 * have to wait for its lock.
 */
static bool vmobj_join(struct vm_area_struct *vma, unsigned long beside)
{
	struct vm_area_struct *neighbour = vmobj_neighbour(vma->vm_mm, beside);
	struct vm_map *map;
	bool joins;

	if (!neighbour)
		return false;
	map = neighbour->vm_private_data;
	vm_family_write_lock(map->family);
	joins = vmobj_is_single(map);
	if (joins) {
		vmobj_fill(neighbour);
		/* The same file, because it is the same map: see map.h. */
		vmobj_take_vma(vma, get_file(neighbour->vm_file));
		vm_map_insert_fresh(map, vma->vm_pgoff, vmobj_end(vma),
				    VM_INHERIT_COPY);
		vmobj_stat_inc(VMOBJ_JOINS);
	}
	vm_family_write_unlock(map->family);
	return joins;
}

static int vmobj_start_family(struct vm_area_struct *vma)
{
	struct file *pseudo = vm_family_create();
	struct vm_family *family;

	if (IS_ERR(pseudo))
		return PTR_ERR(pseudo);
	family = pseudo->private_data;
	vm_family_write_lock(family);
	vmobj_map_vma(vma, pseudo);
	vm_family_write_unlock(family);
	return 0;
}

static int vmobj_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* As for anonymous memory: the offset is the address. */
	vma->vm_pgoff = vma->vm_start >> PAGE_SHIFT;
	if (!(vma->vm_flags & VM_MAYSHARE) &&
	    (vmobj_join(vma, vma->vm_start - 1) ||
	     vmobj_join(vma, vma->vm_end)))
		return 0;
	return vmobj_start_family(vma);
}

static const struct file_operations vmobj_fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
	.mmap = vmobj_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl = vmobj_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* 0600 until an administrator's udev rule says otherwise. */
static struct miscdevice vmobj_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmobj",
	.fops = &vmobj_fops,
	.mode = 0600,
};

int vmobj_device_register(void)
{
	return misc_register(&vmobj_device);
}

void vmobj_device_deregister(void)
{
	misc_deregister(&vmobj_device);
}
