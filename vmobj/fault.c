// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults.
 *
 *	entry -> top -> backing -> ... -> end of the chain
 *
 *	case	found in	access	what happens
 *	1a	top		any	map it
 *	1b	below		read	map it read-only
 *	2a	below		write	copy it into top, map the copy
 *	2b	direct backing,	write	move it up into top, map it
 *		only top uses it
 *	3	nowhere		any	zero page into top, map it; not for a core dump
 *	4	in swap, or	any	read it into the object it belongs to, look again
 *		in a file
 *
 * Before any of this, an entry that has no object gets one, and a NEEDS_COPY
 * entry that is written to gets a shadow as its top (vm_map_prepare, under the
 * family lock held for writing).  All else runs under the family lock held for
 * reading, so the chain stands still; only pages move.
 *
 * What can change meanwhile, and who notices:
 *
 * - Another thread puts a page into top.  Whoever inserts finds it; whoever
 *   maps a page from below looks at top again after it has locked that page.
 * - Another thread moves a page up into top.  Whoever has found the page looks
 *   at vm_page.memq under the folio lock; whoever has missed it because it was
 *   on its way finds it by one of the two looks above.
 *
 * An object below the top never changes in any other way: it has a shadow, so
 * nobody writes to it.
 *
 * We return the folio locked, and the kernel unlocks it when the PTE is there; or
 * we make the PTE ourselves, where the kernel has a call for that (6.14), and save
 * the second half of a write fault.  So who wants to know that no PTE is being made
 * (fork of a shared object, merge, unmap) takes the folio lock.  The same goes for
 * the right to write, which page_mkwrite gives.
 *
 * Named objects (handle.h) are written to although they have shadows, by mappings that
 * share them and through descriptors; a private mapping may see that or not, as with
 * any file.  A read that finds nothing gives the page to the named object, so that it
 * does; what is behind its end is SIGBUS.
 *
 * Shared shadows: if top has several mappers, others may have the page below
 * mapped read-only.  After a copy they must lose it, or they would go on
 * reading the old one (CVE-2021-29626 in FreeBSD).  The source's folio lock is
 * held across copy and unmap, so nobody can map it anew in between.
 */
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include <vmobj/compat.h>
#include <vmobj/device.h>
#include <vmobj/fault.h>
#include <vmobj/handle.h>
#include <vmobj/map.h>
#include <vmobj/pageout.h>
#include <vmobj/pageq.h>
#include <vmobj/pager.h>
#include <vmobj/pin.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/superpage.h>
#include <vmobj/swap.h>
#include <vmobj/swapstore.h>
#include <vmobj/writeset.h>

/* Pages handled in one fault when writes go upwards. */
#define VM_WRITE_AROUND	16

/**
 * struct vm_walk - a fault on its way down a chain
 * @map: the process's map
 * @stream: its stream that the fault belongs to
 * @near: page that the one wanted may be near to, or NULL
 * @vmf: fault at whose address the process may see what it is to lose, or NULL
 * @ahead: pages after it that may as well be unmapped
 * @held: folio the fault has a reference to, or NULL
 * @vma: where the page will be mapped, or NULL: it will not be
 * @entry: entry at @index
 * @index: page wanted, family coordinates
 * @write: for writing
 * @top: object of the entry
 * @seq: state of the top's tree when it had no page
 * @found: object that has the page, in memory or elsewhere
 * @promoted: it has been tried to make a superpage of what is there
 * @full: there are as many pages as there may be
 * @table: there is a page table for @index, which keeps a huge PMD out
 * @clear: no other page is mapped at the address of @vmf, nor can it be
 * @whole: the folio is large, and all of it is what the process sees there
 * @spare: memory for a page, which was waited for, or NULL
 * @major: VM_FAULT_MAJOR if a page has been read, or 0
 */
struct vm_walk {
	struct vm_map *map;
	struct vm_stream *stream;
	struct vm_page *near;
	struct vm_fault *vmf;
	unsigned long ahead;
	struct folio *held;
	struct vm_area_struct *vma;
	struct vm_map_entry *entry;
	pgoff_t index;
	bool write;
	struct vm_object *top;
	unsigned int seq;
	struct vm_object *found;
	bool promoted;
	bool full;
	bool table;
	bool clear;
	bool whole;
	struct vm_page *spare;
	vm_fault_t major;
};

/* Case 0 of everything: what the walk was based on is no longer so. */
#define VM_WALK_AGAIN	ERR_PTR(-EAGAIN)

/* The page has to be read into the object that was found first. */
#define VM_WALK_PAGE_IN	ERR_PTR(-EIO)

/* The same, after small pages have been made one, which readers may not do. */
#define VM_WALK_PROMOTE	ERR_PTR(-EBUSY)

/* The page is to be written to, but somebody else may be using it: see pin.h. */
#define VM_WALK_FOREIGN	ERR_PTR(-EUSERS)

/* Another page is needed, and there may be no more now. */
#define VM_WALK_FULL	ERR_PTR(-ENOSPC)

/* It is nowhere, and who asks is content with that. */
#define VM_WALK_HOLE	ERR_PTR(-ENXIO)

/* Memory for it has to be waited for, and not with the family lock held. */
#define VM_WALK_NO_MEMORY	ERR_PTR(-ENOMEM)

/* A page that lost its data while it was wired starts over as zeros. */
static void vm_page_make_valid(struct vm_page *pg)
{
	if (likely(vm_page_valid(pg)))
		return;
	folio_zero_range(pg->folio, 0, folio_size(pg->folio));
	folio_mark_uptodate(pg->folio);
}

/* Lock a page that was found in @object, with data; NULL if it has left it. */
static struct folio *vm_walk_lock(struct vm_object *object, struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	folio_lock(folio);
	if (unlikely(READ_ONCE(pg->memq) != object->memq)) {
		folio_unlock(folio);
		return NULL;
	}
	vm_page_make_valid(pg);
	vm_page_touched(pg);
	return folio;
}

static bool vm_walk_top_changed(struct vm_walk *walk)
{
	struct vm_memq *q = walk->top->memq;

	if (likely(!read_seqcount_retry(&q->seq, walk->seq)))
		return false;
	/* Who is moving a page up is let finish. */
	read_seqcount_begin(&q->seq);
	return vm_page_lookup(q, walk->index);
}

/*
 * Does no object from the top down to @stop have anything in a range?  The top is
 * looked at last: a page that moves up is in the backing object or in the top.
 */
static bool vm_walk_empty(const struct vm_walk *walk,
			  const struct vm_object *stop, pgoff_t start,
			  pgoff_t end)
{
	struct vm_object *object = walk->top;

	if (object == stop)
		return true;
	while ((object = object->backing_object) != stop)
		if (!vm_object_empty(object, start, end))
			return false;
	return vm_object_empty(walk->top, start, end);
}

/* First index behind what can be seen of the entry. */
static pgoff_t vm_walk_end(const struct vm_walk *walk)
{
	const struct vm_object *named = walk->map->family->named;

	return unlikely(named) ? min(walk->entry->end, vm_object_end(named)) :
				 walk->entry->end;
}

/* Can a large page be mapped as a whole, as far as VMA and entry go? */
static bool vm_walk_fits(const struct vm_walk *walk, unsigned int order)
{
	return order && walk->vma &&
	       vm_superpage_fits(walk->vma, walk->index, order) &&
	       vm_superpage_inside(walk->index, order, walk->entry->start,
				   vm_walk_end(walk));
}

/* A fresh large page, if it fits, nothing is there, and it can be had. */
static struct vm_page *vm_walk_alloc_order(struct vm_walk *walk,
					   unsigned int order, int ahead,
					   unsigned int reach)
{
	pgoff_t start = round_down(walk->index, 1UL << order);
	struct vm_page *pg;

	if (!vm_walk_fits(walk, order) ||
	    !vm_walk_empty(walk, NULL, start, start + (1UL << order)))
		return NULL;
	pg = vm_page_alloc(walk->map->family->mapping, start, order, true);
	if (pg) {
		pg->ahead = ahead;
		pg->reach = reach;
	}
	return pg;
}

/*
 * Is a fresh page of that order wanted?  Returns how many more may follow it, or -1.
 * Blocks ahead of use would save no fault where the kernel maps them page by page.
 */
static int vm_walk_wants(const struct vm_walk *walk,
			 enum vm_superpage_want want, unsigned int order,
			 unsigned int *reach)
{
	switch (want) {
	case VM_SUPERPAGE_NOW:
		return 0;
	case VM_SUPERPAGE_BLOCKS:
		return order == VM_BLOCK_ORDER ? 0 : -1;
	case VM_SUPERPAGE_AHEAD_OF_USE:
		if (walk->write && (order == VM_SUPERPAGE_ORDER ||
				    COMPAT_MAPS_LARGE_FOLIOS))
			return vm_superpage_ahead(walk->top, walk->index, order,
						  reach);
		return -1;
	default:
		return -1;
	}
}

/* The largest page that is wanted and can be had. */
static struct vm_page *vm_walk_alloc_large(struct vm_walk *walk,
					   enum vm_superpage_want want)
{
	unsigned int reach = 0;
	struct vm_page *pg;
	int ahead;

	ahead = vm_walk_wants(walk, want, VM_SUPERPAGE_ORDER, &reach);
	if (ahead >= 0) {
		pg = vm_walk_alloc_order(walk, VM_SUPERPAGE_ORDER, ahead, reach);
		if (pg)
			return pg;
	} else {
		ahead = vm_walk_wants(walk, want, VM_BLOCK_ORDER, &reach);
	}
	if (ahead < 0)
		return NULL;
	return vm_walk_alloc_order(walk, VM_BLOCK_ORDER,
				   min(ahead, VM_BLOCK_AHEAD), 0);
}

/*
 * Has so much been touched around here that a superpage is wanted?  What is asked
 * here is cheap; vm_object_promote() asks for the rest.
 *
 * Memory that is locked stays mapped, and a userfaultfd would be told of faults that
 * it has seen before.  Who asks for many pages to be mapped (MADV_POPULATE_WRITE) would
 * not have them mapped: get_user_pages() is known by not being interruptible.
 */
static bool vm_walk_wants_promotion(const struct vm_walk *walk,
				    enum vm_superpage_want want)
{
	return (want == VM_SUPERPAGE_NOW || want == VM_SUPERPAGE_AHEAD_OF_USE) &&
	       !walk->promoted && !walk->top->backing_object &&
	       vm_writeset_grown(walk->top, walk->index, VM_SUPERPAGE_PROMOTE) &&
	       vm_object_mapped_once(walk->top) &&
	       vm_walk_fits(walk, VM_SUPERPAGE_ORDER) &&
	       !(walk->vma->vm_flags & VM_LOCKED) &&
	       walk->vmf->flags & FAULT_FLAG_INTERRUPTIBLE &&
	       !compat_userfaultfd_armed(walk->vma);
}

/* A fresh small page for the top; NULL if there is no memory at once. */
static struct vm_page *vm_walk_alloc(struct vm_walk *walk, bool zero)
{
	struct address_space *mapping = walk->map->family->mapping;
	struct vm_page *pg = walk->spare;

	if (likely(!pg))
		return vm_page_alloc_next(&walk->stream->reserve, mapping,
					  walk->index, zero);
	walk->spare = NULL;
	return vm_page_use(pg, mapping, walk->index, zero);
}

/* Case 3, of a private mapping that only reads: the retry finds the page below. */
static struct folio *vm_walk_fill_named(struct vm_walk *walk,
					struct vm_object *named)
{
	struct vm_page *pg = vm_walk_alloc(walk, true);
	struct folio *folio;

	if (!pg)
		return VM_WALK_NO_MEMORY;
	folio = pg->folio;
	if (vm_page_insert(named->memq, pg)) {
		folio_unlock(folio);
		vm_page_free(pg);
	} else {
		folio_unlock(folio);
		vmobj_stat_inc(VMOBJ_ZERO_FILLS);
	}
	return VM_WALK_AGAIN;
}

/* Case 3. */
static struct folio *vm_walk_zero_fill(struct vm_walk *walk)
{
	enum vm_superpage_want want = VM_SUPERPAGE_NEVER;
	struct vm_object *named = walk->map->family->named;
	struct vm_page *pg = NULL;

	if (unlikely(named && vm_object_shadows(walk->top, named))) {
		if (named->type == VM_OBJECT_VNODE) {
			walk->found = named;
			return VM_WALK_PAGE_IN;
		}
		if (!walk->write && walk->top != named)
			return vm_walk_fill_named(walk, named);
	}
	if (walk->vma)
		want = vm_superpage_wanted(walk->vma);
	if (vm_walk_wants_promotion(walk, want))
		return VM_WALK_PROMOTE;
	if (want != VM_SUPERPAGE_NEVER)
		pg = vm_walk_alloc_large(walk, want);
	if (!pg)
		pg = vm_walk_alloc(walk, true);
	if (!pg)
		return VM_WALK_NO_MEMORY;
	if (unlikely(vm_page_insert_near(walk->top->memq, pg, walk->near))) {
		folio_unlock(pg->folio);
		vm_page_free(pg);
		return VM_WALK_AGAIN;
	}
	vmobj_stat_inc(VMOBJ_ZERO_FILLS);
	if (pg->order == VM_SUPERPAGE_ORDER)
		vmobj_stat_inc(VMOBJ_SUPERPAGES);
	else if (pg->order)
		vmobj_stat_inc(VMOBJ_BLOCKS);
	walk->clear = true;
	walk->whole = pg->order;	/* it fits, or it would be small */
	return pg->folio;
}

/* Case 2b.  A large page moves only if nothing above hides a part of it. */
static bool vm_walk_may_move(const struct vm_walk *walk,
			     const struct vm_page *pg)
{
	const struct vm_object *backing = walk->top->backing_object;

	return walk->found == backing && backing->ref_count == 1 &&
	       backing->shadow_count == 1 && vm_object_internal(backing) &&
	       !READ_ONCE(pg->wire_count) &&
	       (!pg->order || vm_object_empty(walk->top, pg->index,
					      vm_page_end(pg)));
}

/* Case 2a.  The copy is dirty at once: nothing else holds its data. */
static struct folio *vm_walk_copy(struct vm_walk *walk, struct vm_page *pg)
{
	struct address_space *mapping = walk->map->family->mapping;
	struct folio *from;
	struct vm_page *copy;

	copy = vm_walk_alloc(walk, false);
	if (!copy)
		return VM_WALK_NO_MEMORY;
	from = vm_walk_lock(walk->found, pg);
	if (!from)
		goto again;

	copy_highpage(&copy->folio->page,
		      folio_page(from, walk->index - pg->index));
	__folio_mark_uptodate(copy->folio);
	folio_set_dirty(copy->folio);
	if (unlikely(vm_page_insert_near(walk->top->memq, copy, walk->near))) {
		folio_unlock(from);
		goto again;
	}
	/*
	 * While we hold these locks nobody maps the old page, nor writes to it:
	 * later it may become another process's own.
	 */
	if (walk->vmf && list_is_singular(&walk->top->mappers))
		pmap_unmap_other(walk->vmf, &copy->folio->page,
				 1 + walk->ahead);
	else
		pmap_unmap_everywhere(mapping, walk->index, 1);
	walk->clear = true;
	folio_unlock(from);
	vmobj_stat_inc(VMOBJ_COW_COPIES);
	return copy->folio;

again:
	folio_unlock(copy->folio);
	vm_page_free(copy);
	return VM_WALK_AGAIN;
}

static struct folio *vm_walk_move_up(struct vm_walk *walk, struct vm_page *pg)
{
	struct folio *folio = vm_walk_lock(walk->found, pg);

	if (!folio)
		return VM_WALK_AGAIN;
	/* Somebody may have kept it who no longer maps it: copy, see pin.h. */
	if (vm_pin_in_use(walk->entry, pg, folio == walk->held)) {
		folio_unlock(folio);
		return vm_walk_copy(walk, pg);
	}
	if (pg->wire_count || vm_page_rename(pg, walk->top->memq)) {
		folio_unlock(folio);
		return VM_WALK_AGAIN;
	}
	/* It is dirty, and its blocks have stayed behind. */
	vm_swap_unswapped(walk->found, folio);
	vmobj_stat_inc(VMOBJ_COW_MOVES);
	walk->whole = vm_walk_fits(walk, pg->order);
	return folio;
}

/* Case 1b. */
static struct folio *vm_walk_read_below(struct vm_walk *walk, struct vm_page *pg)
{
	struct folio *folio = vm_walk_lock(walk->found, pg);

	if (!folio)
		return VM_WALK_AGAIN;
	if (unlikely(vm_walk_top_changed(walk))) {
		folio_unlock(folio);
		return VM_WALK_AGAIN;
	}
	walk->whole = vm_walk_fits(walk, pg->order) &&
		      vm_walk_empty(walk, walk->found, pg->index, vm_page_end(pg));
	return folio;
}

/* Case 1a. */
static struct folio *vm_walk_top_page(struct vm_walk *walk, struct vm_page *pg)
{
	struct folio *folio = vm_walk_lock(walk->top, pg);

	if (!folio)
		return VM_WALK_AGAIN;
	if (walk->write && vm_pin_foreign(walk->entry, pg, folio == walk->held)) {
		folio_unlock(folio);
		return VM_WALK_FOREIGN;
	}
	walk->whole = vm_walk_fits(walk, pg->order);
	return folio;
}

/*
 * A core dump has zeros where there is no page (get_dump_page()): large mappings of which
 * little has been touched are not to be filled for it.  But it may be in the file.
 */
static bool vm_walk_dumps_core(const struct vm_walk *walk)
{
	const struct vm_object *named = walk->map->family->named;

	return current->flags & PF_DUMPCORE && !walk->write &&
	       !(named && named->type == VM_OBJECT_VNODE);
}

static struct folio *vm_walk_once(struct vm_walk *walk)
{
	struct vm_object *object = walk->top;
	pgoff_t index = walk->index;
	struct vm_page *pg;
	bool swapped;

	walk->seq = read_seqcount_begin(&object->memq->seq);
	pg = vm_memq_find_near(object->memq, index, walk->near);
	if (pg)
		return vm_walk_top_page(walk, pg);
	swapped = vm_swap_lookup(object, index);
	/* Who has paged it in meanwhile may have given back the block. */
	if (read_seqcount_retry(&object->memq->seq, walk->seq))
		return VM_WALK_AGAIN;
	walk->found = object;
	if (unlikely(swapped))
		return VM_WALK_PAGE_IN;

	while ((object = object->backing_object)) {
		/* In a long chain most objects have few pages: stay inline. */
		if (!vm_memq_covers(object->memq, index))
			continue;
		pg = vm_page_lookup(object->memq, index);
		if (!pg && likely(object->type != VM_OBJECT_SWAP))
			continue;
		walk->found = object;
		if (!pg) {
			pg = vm_swap_lookup_page(object, index, &swapped);
			if (swapped)
				return VM_WALK_PAGE_IN;
			if (!pg)
				continue;
		}
		if (!walk->write)
			return vm_walk_read_below(walk, pg);
		if (vm_walk_may_move(walk, pg))
			return vm_walk_move_up(walk, pg);
		return walk->full ? VM_WALK_FULL : vm_walk_copy(walk, pg);
	}
	if (unlikely(vm_walk_dumps_core(walk)))
		return VM_WALK_HOLE;
	return walk->full ? VM_WALK_FULL : vm_walk_zero_fill(walk);
}

/*
 * The entry at an index, ready for the access: it has an object, and one of its
 * own to write to.  On success the family lock is held for reading.
 */
static vm_fault_t vm_fault_lookup(struct vm_map *map, pgoff_t index, bool write,
				  struct vm_map_entry **result)
{
	struct vm_map_entry *entry;
	int err;

	for (;;) {
		vm_family_read_lock(map->family);
		entry = vm_map_lookup(map, index);
		if (likely(entry && entry->object &&
			   !(write && entry->needs_copy)))
			break;
		vm_family_read_unlock(map->family);
		err = vm_map_prepare(map, index, write);
		if (err == -EACCES)
			return VM_FAULT_SIGSEGV;	/* absent */
		if (err)
			return vmf_error(err);
	}
	*result = entry;
	return 0;
}

/*
 * A page that is about to be mapped writable is noted; if its folio is large maybe all
 * of that, see compat.h.
 */
static int vm_fault_writeset_add(struct vm_object *object, struct folio *folio,
				 pgoff_t index)
{
	int err = vm_writeset_add(object, index, 1);

	if (COMPAT_MERGES_DIRTY_BITS && !err && folio_test_large(folio))
		err = vm_writeset_add_folio(object, folio);
	return err;
}

/*
 * Before the family lock is let go: vm_object_page_clean() takes a page that is not
 * dirty for one that nobody can write to.
 */
static void vm_fault_set_dirty(struct vm_object *object, struct folio *folio)
{
	vm_object_set_writeable_dirty(object);
	if (!folio_test_dirty(folio))
		folio_set_dirty(folio);
}

/* What is about to be mapped writable.  page_mkwrite may come next. */
static int vm_walk_grant_write(struct vm_walk *walk, struct folio *folio)
{
	struct page *page = folio_page(folio, walk->index - folio->index);

	vm_fault_set_dirty(walk->top, folio);
	vm_swap_unswapped(walk->top, folio);
	WRITE_ONCE(walk->stream->granted, vm_map_grant(walk->map, page));
	if (walk->whole && !walk->table)
		return vm_writeset_add_folio(walk->top, folio);
	return vm_fault_writeset_add(walk->top, folio, walk->index);
}

/* Is the page that the walk wants behind the end of the named object? */
static bool vm_walk_behind_end(const struct vm_walk *walk)
{
	const struct vm_object *named = walk->map->family->named;

	return unlikely(named) && walk->index >= vm_object_end(named);
}

/*
 * A signal before the page.  A program takes the signal and tries again; the kernel, which
 * would just try again, is to give up.
 */
static vm_fault_t vm_walk_interrupted(struct vm_walk *walk)
{
	if (walk->vmf && walk->vmf->flags & FAULT_FLAG_USER &&
	    !fatal_signal_pending(current))
		return VM_FAULT_NOPAGE;
	return VM_FAULT_SIGBUS;
}

/*
 * Let go of the lock that a fault comes with, as Linux does before it waits for a page of
 * a file: not if it has tried before, or cannot take it again, nor for a page that comes at
 * once.  page_mkwrite may not do that.  Returns a file that keeps the object, or NULL if
 * the lock is still held.
 */
static struct file *vm_walk_let_go(struct vm_walk *walk, bool fast)
{
	struct vm_fault *vmf = walk->vmf;
	struct file *file;

	if (fast || !walk->vma || !fault_flag_allow_retry_first(vmf->flags) ||
	    vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return NULL;
	file = get_file(vmf->vma->vm_file);
	release_fault_lock(vmf);
	return file;
}

/*
 * Is the superpage around the page to come back from swap as a whole?  If what comes before
 * it has just come back, the rest of it is mostly wanted, too.
 */
static bool vm_walk_wants_large_in(const struct vm_walk *walk)
{
	enum vm_superpage_want want;

	if (walk->found->type != VM_OBJECT_SWAP || !walk->vma ||
	    READ_ONCE(walk->found->next_pagein) !=
	    round_down(walk->index, VM_SUPERPAGE_NR))
		return false;
	want = vm_superpage_wanted(walk->vma);
	return (want == VM_SUPERPAGE_NOW || want == VM_SUPERPAGE_AHEAD_OF_USE) &&
	       vm_walk_fits(walk, VM_SUPERPAGE_ORDER);
}

/*
 * Get the page from swap or the file, with the family lock let go.  On VM_FAULT_RETRY the
 * process's lock has been let go, too, and map and VMA may be no more; an error is told
 * when the fault comes again.
 */
static vm_fault_t vm_walk_page_in(struct vm_walk *walk)
{
	struct vm_object *object = walk->found;
	pgoff_t index = walk->index;
	struct file *file;
	bool fast, large;
	int err = 0;

	large = vm_walk_wants_large_in(walk);
	fast = !large && vm_swblk_fast(vm_swap_lookup(object, index));
	vm_object_pip_add(object);
	vm_family_read_unlock(walk->map->family);
	file = vm_walk_let_go(walk, fast);
	if (!large || !vm_pager_get_large(object, index, VM_SUPERPAGE_ORDER))
		err = vm_pager_getpage(object, index);
	vm_object_pip_wakeup(object);
	if (file) {
		fput(file);
		return VM_FAULT_RETRY | VM_FAULT_MAJOR;
	}
	walk->major = VM_FAULT_MAJOR;
	if (err == -EINTR || err == -ERESTARTSYS)
		return vm_walk_interrupted(walk);
	return err ? vmf_error(err) : 0;
}

/* Wait until there may be one more page, with the family lock let go. */
static vm_fault_t vm_walk_throttle(struct vm_walk *walk)
{
	vm_family_read_unlock(walk->map->family);
	switch (vm_pageout_throttle()) {
	case 0:
		return 0;
	case -EINTR:
		return vm_walk_interrupted(walk);
	default:
		return VM_FAULT_SIGBUS;
	}
}

/*
 * The walk cannot go on: do what it takes, with the family lock let go.  After 0 it begins
 * again.
 */
static vm_fault_t vm_walk_obstacle(struct vm_walk *walk, struct folio *why)
{
	struct vm_map *map = walk->map;

	if (why == VM_WALK_FULL || (why == VM_WALK_PAGE_IN && walk->full))
		return vm_walk_throttle(walk);
	if (why == VM_WALK_PAGE_IN)
		return vm_walk_page_in(walk);

	vm_family_read_unlock(map->family);
	if (why == VM_WALK_HOLE)
		return VM_FAULT_SIGBUS;
	if (why == VM_WALK_NO_MEMORY) {
		walk->spare = vm_page_alloc_wait();
		return walk->spare ? 0 : VM_FAULT_OOM;
	}
	if (why == VM_WALK_PROMOTE) {
		vm_map_promote(map, walk->index);
		walk->promoted = true;
	} else {
		vm_pin_leave(map, walk->index);		/* VM_WALK_FOREIGN */
	}
	return 0;
}

static vm_fault_t vm_fault_walk_on(struct vm_walk *walk, struct folio **result)
{
	struct vm_map *map = walk->map;
	struct folio *folio;
	vm_fault_t ret;

	vmobj_stat_inc(VMOBJ_FAULTS);
	walk->stream = vm_map_stream(map);
again:
	walk->full = vm_pageout_full();
	ret = vm_fault_lookup(map, walk->index, walk->write, &walk->entry);
	if (unlikely(ret))
		return ret;
	if (vm_walk_behind_end(walk)) {
		vm_family_read_unlock(map->family);
		return VM_FAULT_SIGBUS;
	}

	walk->top = walk->entry->object;
	walk->near = vm_stream_near(walk->stream, map->family);
	do {
		folio = vm_walk_once(walk);
	} while (folio == VM_WALK_AGAIN);
	if (IS_ERR(folio)) {
		ret = vm_walk_obstacle(walk, folio);
		if (ret)
			return ret;
		goto again;
	}
	if (walk->write && vm_walk_grant_write(walk, folio)) {
		folio_unlock(folio);
		vm_family_read_unlock(map->family);
		return VM_FAULT_OOM;
	}
	folio_get(folio);
	vm_stream_set_near(walk->stream, map->family, folio->private);
	vm_family_read_unlock(map->family);
	*result = folio;
	return 0;
}

/* See vm_fault_page(). */
static vm_fault_t vm_fault_walk(struct vm_walk *walk, struct folio **result)
{
	vm_fault_t ret = vm_fault_walk_on(walk, result);

	/* Another thread was faster. */
	if (unlikely(walk->spare)) {
		vm_page_alloc_undo(walk->spare);
		walk->spare = NULL;
	}
	return ret;
}

vm_fault_t vm_fault_page(struct vm_map *map, pgoff_t index, bool write,
			 struct folio **result)
{
	struct vm_walk walk = { .map = map, .index = index, .write = write };

	return vm_fault_walk(&walk, result);
}
EXPORT_SYMBOL_IF_KUNIT(vm_fault_page);

/* ---- VMA callbacks ---- */

/*
 * The VMA covers an index that no entry does: it has grown.  It stays as it is while we
 * hold its lock.
 */
static void vmobj_fill_vma(struct vm_area_struct *vma)
{
	struct vm_map *map = vma->vm_private_data;

	vm_family_write_lock(map->family);
	vmobj_fill(vma);
	vm_family_write_unlock(map->family);
}

static vm_fault_t vmobj_fault_walk(struct vm_area_struct *vma,
				   struct vm_walk *walk, struct folio **folio)
{
	vm_fault_t ret;

	ret = vm_fault_walk(walk, folio);
	if (unlikely(ret == VM_FAULT_SIGBUS)) {
		vmobj_fill_vma(vma);
		ret = vm_fault_walk(walk, folio);
	}
	return ret;
}

/*
 * Marks that the kernel may have put where there is no page are not for us to
 * replace: with a userfaultfd, or guard regions.
 */
static bool vmobj_may_insert(struct vm_area_struct *vma)
{
	return COMPAT_CAN_INSERT_PAGE && !compat_userfaultfd_armed(vma) &&
	       !(vma->vm_flags & COMPAT_VM_MAYBE_GUARD);
}

/*
 * Map the page here and now, to be written if that is wanted: no page_mkwrite
 * comes after.  The folio is locked; while we looked for it another thread may
 * have mapped the page it is a copy of.
 */
static vm_fault_t vmobj_insert(struct vm_fault *vmf, struct vm_walk *walk,
			       struct folio *folio)
{
	struct page *page = folio_page(folio, walk->index - folio->index);
	bool write = walk->write && vmobj_may_insert(vmf->vma);
	vm_fault_t ret;

	if (!walk->clear)
		pmap_unmap_other(vmf, page, 1);
	if (write)
		folio_set_dirty(folio);
	pmap_use_prealloc(vmf);
	ret = vmf_insert_page_mkwrite(vmf, page, write);
	folio_unlock(folio);
	folio_put(folio);
	return ret;
}

/*
 * Of a large folio the kernel would map as much as it can.  If a part of it is
 * not what the process sees there, just the one page may be mapped: with a call
 * for that, or because there is a page table, which keeps a huge PMD out.
 */
static bool vmobj_must_insert(struct vm_fault *vmf, const struct vm_walk *walk,
			      struct folio *folio)
{
	if (walk->whole)
		return false;
	if (COMPAT_CAN_INSERT_PAGE)
		return folio_test_large(folio) || vmobj_may_insert(vmf->vma);
	if (folio_order(folio) == VM_SUPERPAGE_ORDER)
		pmap_make_table(vmf);
	return false;
}

/*
 * Is there a page table at the address?  A huge page that is mapped there now is none:
 * it may be dropped while the fault is under way, and the PMD be free again.
 */
static bool vmobj_has_table(struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	return COMPAT_TABLE_MEANS_ONE_PTE && pmd_present(pmd) &&
	       !pmd_trans_huge(pmd);
}

vm_fault_t vmobj_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vm_walk walk = {
		.map = vma->vm_private_data,
		.vmf = vmf,
		.vma = vma,
		.index = vmf->pgoff,
		.write = vmf->flags & FAULT_FLAG_WRITE,
		.table = vmobj_has_table(vmf),
	};
	struct folio *folio;
	vm_fault_t ret;

	ret = vmobj_fault_walk(vma, &walk, &folio);
	if (ret)
		return ret;
	if (vmobj_must_insert(vmf, &walk, folio))
		return vmobj_insert(vmf, &walk, folio) | walk.major;
	vmf->page = folio_page(folio, vmf->pgoff - folio->index);
	return VM_FAULT_LOCKED | walk.major;
}

/*
 * How many pages after this one may get write rights with it: none unless
 * writes to mapped pages go upwards.
 */
static unsigned long vmobj_write_around(struct vm_fault *vmf,
					struct vm_stream *stream,
					struct vm_map_entry *entry)
{
	pgoff_t index = vmf->pgoff, end;
	bool upwards;

	/* We come from .fault: what follows is hardly mapped yet. */
	if (!pte_present(vmf->orig_pte))
		return 0;
	upwards = READ_ONCE(stream->next_write) == index;
	WRITE_ONCE(stream->next_write, index + 1);
	if (!upwards)
		return 0;
	end = min(entry->end, vmf->vma->vm_pgoff + vma_pages(vmf->vma));
	/* Stay inside one word of the write set. */
	end = min(end, round_up(index + 1, VM_WRITE_AROUND));
	return end - index - 1;
}

/* The page is the process's own: let it be written, and @ahead after it. */
static vm_fault_t vmobj_allow_write(struct vm_fault *vmf,
				    struct vm_stream *stream,
				    const struct vm_map_entry *entry,
				    struct folio *folio, unsigned long ahead)
{
	if (vm_fault_writeset_add(entry->object, folio, vmf->pgoff)) {
		folio_unlock(folio);
		return VM_FAULT_OOM;
	}
	vm_fault_set_dirty(entry->object, folio);
	vm_swap_unswapped(entry->object, folio);
	vmobj_stat_inc(VMOBJ_MKWRITES);
	if (ahead && pmap_enable_write(vmf->vma, entry, folio, vmf->pgoff + 1,
				       ahead))
		WRITE_ONCE(stream->next_write, vmf->pgoff + 1 + ahead);
	return VM_FAULT_LOCKED;
}

/*
 * A write to a page that belongs to an object below: copy it into the top, and
 * unmap the old one; the retry maps the copy.  Unmapping is dear, so it is done
 * for the @ahead pages after it too.
 *
 * To leave the copy to the retry would not do.  An instruction that reads and
 * writes may fault for reading first (it does in QEMU): it would get the old page
 * mapped, fault for writing, lose it, and so on for ever.
 */
static vm_fault_t vmobj_copy_for_write(struct vm_fault *vmf, struct vm_map *map,
				       unsigned long ahead)
{
	struct vm_walk walk = {
		.map = map,
		.vmf = vmf,
		.ahead = ahead,
		.held = page_folio(vmf->page),
		.index = vmf->pgoff,
		.write = true,
	};
	struct folio *folio;
	vm_fault_t ret;

	ret = vmobj_fault_walk(vmf->vma, &walk, &folio);
	if (ret)
		return ret;
	/* Another thread may have made the copy. */
	pmap_unmap_other(vmf, folio_page(folio, vmf->pgoff - folio->index),
			 1 + ahead);
	folio_unlock(folio);
	folio_put(folio);
	if (ahead)
		WRITE_ONCE(walk.stream->next_write, vmf->pgoff + 1 + ahead);
	return VM_FAULT_NOPAGE;
}

/* Has .fault just decided that the page may be written?  Then it is locked. */
static bool vmobj_write_granted(struct vm_map *map,
				const struct vm_stream *stream,
				struct page *page)
{
	struct folio *folio = page_folio(page);
	u64 granted = READ_ONCE(stream->granted);

	if (granted >> 32 != page_to_pfn(page))
		return false;
	folio_lock(folio);
	if (folio->mapping == map->family->mapping &&
	    vm_map_grant(map, page) == granted)
		return true;
	folio_unlock(folio);
	return false;
}

/* A write to a page that was mapped before. */
static noinline vm_fault_t vmobj_write_mapped(struct vm_fault *vmf,
					      struct vm_map *map,
					      struct vm_stream *stream)
{
	struct folio *folio = page_folio(vmf->page);
	struct vm_map_entry *entry;
	unsigned long ahead;
	struct vm_page *pg;
	vm_fault_t ret;

	ret = vm_fault_lookup(map, vmf->pgoff, true, &entry);
	if (unlikely(ret == VM_FAULT_SIGBUS))
		return vmobj_copy_for_write(vmf, map, 0);
	if (unlikely(ret))
		return ret;

	ahead = vmobj_write_around(vmf, stream, entry);
	folio_lock(folio);
	pg = folio->private;
	if (likely(folio->mapping == map->family->mapping &&
		   READ_ONCE(pg->memq) == entry->object->memq)) {
		/* The fault has a reference of its own. */
		if (vm_pin_foreign(entry, pg, 1))
			goto foreign;
		ret = vmobj_allow_write(vmf, stream, entry, folio, ahead);
		vm_family_read_unlock(map->family);
		return ret;
	}
	folio_unlock(folio);
	vm_family_read_unlock(map->family);
	return vmobj_copy_for_write(vmf, map, ahead);

foreign:
	folio_unlock(folio);
	vm_family_read_unlock(map->family);
	vm_pin_leave(map, vmf->pgoff);
	return VM_FAULT_NOPAGE;
}

vm_fault_t vmobj_page_mkwrite(struct vm_fault *vmf)
{
	struct vm_map *map = vmf->vma->vm_private_data;
	struct vm_stream *stream = vm_map_stream(map);

	if (vmobj_write_granted(map, stream, vmf->page))
		return VM_FAULT_LOCKED;
	return vmobj_write_mapped(vmf, map, stream);
}

/*
 * A write to a huge page that is mapped read-only.  Without this the kernel would
 * unmap it, and the next fault map it anew, at some 30 instructions for each page of
 * it.
 */
vm_fault_t vmobj_huge_fault(struct vm_fault *vmf, COMPAT_ENTRY_SIZE size)
{
	struct vm_map *map = vmf->vma->vm_private_data;
	struct vm_map_entry *entry;
	bool done = false;
	struct vm_page *pg;

	if (size != COMPAT_ENTRY_PMD || !pmd_trans_huge(vmf->orig_pmd) ||
	    vm_fault_lookup(map, vmf->pgoff, true, &entry))
		return VM_FAULT_FALLBACK;

	pg = vm_page_lookup(entry->object->memq, vmf->pgoff);
	if (pg && pg->order == VM_SUPERPAGE_ORDER &&
	    vm_walk_lock(entry->object, pg)) {
		vm_object_set_writeable_dirty(entry->object);
		vm_swap_unswapped(entry->object, pg->folio);
		done = !vm_pin_foreign(entry, pg, 0) &&
			!vm_writeset_add_folio(entry->object, pg->folio) &&
			pmap_enable_write_huge(vmf, pg->folio);
		folio_unlock(pg->folio);
	}
	vm_family_read_unlock(map->family);
	if (!done)
		return VM_FAULT_FALLBACK;
	vmobj_stat_inc(VMOBJ_MKWRITES);
	return VM_FAULT_NOPAGE;
}

int vmobj_access(struct vm_area_struct *vma, unsigned long addr, void *buf,
		 int len, int write)
{
	int done = 0;

	/* As for any shared mapping: no forced write to what others see. */
	if (write && !(vma->vm_flags & VM_WRITE) &&
	    (vma->vm_flags & VM_MAYSHARE))
		return -EACCES;

	while (done < len) {
		unsigned int offset = offset_in_page(addr);
		int n = min_t(int, len - done, PAGE_SIZE - offset);
		struct vm_walk walk = {
			.map = vma->vm_private_data,
			.index = linear_page_index(vma, addr),
			.write = write,
		};
		struct folio *folio;
		struct page *page;
		char *kaddr;

		if (vmobj_fault_walk(vma, &walk, &folio))
			break;
		page = folio_page(folio, walk.index - folio->index);
		kaddr = kmap_local_page(page);
		if (write) {
			memcpy(kaddr + offset, buf + done, n);
			folio_set_dirty(folio);
			flush_dcache_page(page);
		} else {
			memcpy(buf + done, kaddr + offset, n);
		}
		kunmap_local(kaddr);
		folio_unlock(folio);
		folio_put(folio);
		addr += n;
		done += n;
	}
	return done ? done : -EIO;
}
