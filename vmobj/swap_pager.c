// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging out.  After BSD's vm_pageout_clean() and swap_pager_putpages(); paging in is in
 * pager.c.  See include/vmobj/swap.h.
 *
 *	family lock, writing	take: nobody has the pages mapped or uses them, they are
 *				clean from now on, and we have a reference to each
 *	no lock			write
 *	family lock, writing	finish: what nobody has touched since is freed, and its
 *				block is entered
 *
 * BSD enters the block before the write, and has to take it back if that fails, or
 * if the page changes hands meanwhile.  Here there is nothing to take back: a page is in
 * its tree until its block is entered, and in between anybody may read it, write to it
 * (it is dirty then, and stays), free it, or move it to another object.
 *
 * A large page goes as a whole: a module cannot split it.  For how it comes back see
 * pagein_large.c.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pageq.h>
#include <vmobj/pager.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/trace.h>
#include <vmobj/vnode.h>

/* Nobody may be waited for who waits for memory, under the family lock. */
#define GFP_PAGEOUT	(GFP_NOWAIT | __GFP_NOWARN | __GFP_MEMALLOC)

/**
 * struct vm_pageout - pages on their way out
 * @family: family, with a reference
 * @object: object of the pages, kept by vm_object_pip_add() while it is written
 * @write: what is dirty is written
 * @locks: somebody in the family has locked memory
 * @asked: the folio that it is about; the caller has a reference to it
 * @first: index of the first page
 * @nr: pages of PAGE_SIZE
 * @nr_folios: folios
 * @folio: the folios, with a reference each
 * @page: the pages
 * @blk: their blocks
 * @few: where @page and @blk are if there is no large page
 */
struct vm_pageout {
	struct vm_family *family;
	struct vm_object *object;
	bool write;
	bool locks;
	struct folio *asked;
	pgoff_t first;
	unsigned int nr;
	unsigned int nr_folios;
	struct folio *folio[VM_CLUSTER];
	struct page **page;
	vm_swblk_t *blk;
	struct {
		struct page *page[VM_CLUSTER];
		vm_swblk_t blk[VM_CLUSTER];
	} few;
};

/* ---- taking ---- */

/* Not for each page: there may be a thousand of them. */
static bool vm_family_locks(const struct vm_family *family)
{
	struct rb_node *node;

	lockdep_assert_held(&family->lock);
	for (node = rb_first(&family->maps); node; node = rb_next(node)) {
		struct vm_map *map = rb_entry(node, struct vm_map, rb);

		if (map->mm && READ_ONCE(map->mm->locked_vm))
			return true;
	}
	return false;
}

/* Is a page in a chain of a map's?  A relative has another one at the same index. */
static bool vm_map_shows(const struct vm_map *map, const struct vm_page *pg)
{
	const struct vm_object *object;
	struct vm_map_entry *entry;

	for (entry = vm_map_first(map, pg->index);
	     entry && entry->start < vm_page_end(pg);
	     entry = vm_map_next(entry))
		for (object = entry->object; object;
		     object = object->backing_object)
			if (object->memq == pg->memq)
				return true;
	return false;
}

/* Does a VMA with mlock() show a part of a page?  If that cannot be told, it does. */
static bool vm_map_mlocks(struct vm_map *map, const struct vm_page *pg)
{
	struct vm_area_struct *vma;
	unsigned long addr, end;
	bool locked = false;

	if (!map->mm || !READ_ONCE(map->mm->locked_vm) ||
	    !vm_map_shows(map, pg))
		return false;
	/* It has not been torn down: its VMAs have not been closed. */
	if (!mmap_read_trylock(map->mm))
		return true;
	addr = vm_map_address(map, pg->index);
	end = addr + folio_size(pg->folio);
	for (vma = find_vma(map->mm, addr); vma && vma->vm_start < end && !locked;
	     vma = find_vma(map->mm, vma->vm_end))
		locked = vma->vm_private_data == map &&
			 vma->vm_flags & VM_LOCKED;
	mmap_read_unlock(map->mm);
	return locked;
}

bool vm_page_mlocked(struct vm_family *family, struct vm_page *pg)
{
	struct rb_node *node;

	lockdep_assert_held(&family->lock);

	/*
	 * The kernel marks small pages while a VMA with mlock() maps them.  But to unmap
	 * a page takes those at the same index from all relatives.
	 */
	if (folio_test_mlocked(pg->folio))
		return true;
	for (node = rb_first(&family->maps); node; node = rb_next(node))
		if (vm_map_mlocks(rb_entry(node, struct vm_map, rb), pg))
			return true;
	return false;
}

/*
 * Is the page of a locked folio nobody's but its tree's, and unmapped now?  @refs are
 * the references that are known of.
 */
static bool vm_pageout_idle(struct vm_pageout *out, struct vm_page *pg, int refs)
{
	if (pg->wire_count || pg->writing || !vm_page_valid(pg) ||
	    (out->locks && vm_page_mlocked(out->family, pg)))
		return false;
	vm_page_unmap(pg);
	return folio_ref_count(pg->folio) == refs;
}

/* Without a write: a page that is clean can be made again from what there is. */
static long vm_pageout_free(struct vm_page *pg)
{
	struct vm_object *object = pg->memq->object;
	long nr = vm_page_nr(pg);
	bool large = pg->order;

	vm_page_remove(pg);
	folio_unlock(pg->folio);
	vm_page_free(pg);
	if (large)
		vm_object_large_gone(object);
	return nr;
}

/* Room for the pages of a large page. */
static int vm_pageout_alloc(struct vm_pageout *out, unsigned int nr)
{
	out->page = out->few.page;
	out->blk = out->few.blk;
	if (nr <= VM_CLUSTER)
		return 0;
	out->page = kmalloc_array(nr, sizeof(*out->page) + sizeof(*out->blk),
				  GFP_PAGEOUT);
	if (!out->page)
		return -ENOMEM;
	out->blk = (vm_swblk_t *)(out->page + nr);
	return 0;
}

static void vm_pageout_release(struct vm_pageout *out)
{
	if (out->page != out->few.page)
		kfree(out->page);
}

/* Blocks for so many pages, one after the other as far as there are such. */
static unsigned int vm_pageout_blocks(struct vm_pageout *out, unsigned int nr)
{
	unsigned int done = 0, got, i;
	vm_swblk_t blk;

	while (done < nr) {
		got = vm_swblk_alloc(nr - done, &blk);
		if (!got)
			break;
		for (i = 0; i < got; i++)
			out->blk[done + i] = blk + i;
		done += got;
	}
	return done;
}

/* A page is clean from here on, and known to be on its way. */
static void vm_pageout_mark(struct vm_page *pg)
{
	folio_clear_dirty(pg->folio);
	pg->writing = true;
}

/* Mark a neighbour that may go along: not in use, dirty, and idle. */
static bool vm_pageout_mark_neighbour(struct vm_pageout *out, pgoff_t index)
{
	struct vm_page *pg = vm_memq_find(out->object->memq, index);
	bool idle;

	if (!pg || pg->order || pg->queue == VM_PAGEQ_ACTIVE ||
	    index < out->object->pg_base || index >= vm_object_end(out->object) ||
	    !folio_trylock(pg->folio))
		return false;
	/* Dirty before it is unmapped, or just not yet known to be. */
	idle = vm_pageout_idle(out, pg, 1) && folio_test_dirty(pg->folio);
	if (idle)
		vm_pageout_mark(pg);
	folio_unlock(pg->folio);
	return idle;
}

/* There is no block for it. */
static void vm_pageout_unmark(struct vm_page *pg)
{
	pg->writing = false;
	folio_set_dirty(pg->folio);
}

static void vm_pageout_unmark_neighbour(struct vm_page *pg)
{
	folio_lock(pg->folio);
	vm_pageout_unmark(pg);
	folio_unlock(pg->folio);
}

/* A marked page joins the others. */
static void vm_pageout_add(struct vm_pageout *out, struct vm_page *pg)
{
	pgoff_t index = max(pg->index, out->object->pg_base);
	pgoff_t end = min(vm_page_end(pg), vm_object_end(out->object));

	folio_get(pg->folio);
	out->folio[out->nr_folios++] = pg->folio;
	for (; index < end; index++)
		out->page[out->nr++] = folio_page(pg->folio, index - pg->index);
}

/* A large page: all of it, or nothing.  Its folio is locked, and idle. */
static int vm_pageout_take_large(struct vm_pageout *out, struct vm_page *pg)
{
	pgoff_t start = max(pg->index, out->object->pg_base);
	pgoff_t end = min(vm_page_end(pg), vm_object_end(out->object));
	unsigned int nr = end - start, got;
	int err;

	err = vm_pageout_alloc(out, nr);
	if (err)
		return err;
	got = vm_pageout_blocks(out, nr);
	if (got < nr) {
		while (got)
			vm_swblk_free(out->blk[--got], 1);
		vm_pageout_release(out);
		return -ENOSPC;
	}
	out->first = start;
	vm_pageout_mark(pg);
	vm_pageout_add(out, pg);
	return 0;
}

/*
 * A small page, locked and idle, and idle neighbours in the same cluster.  If there are
 * fewer blocks than pages, some stay.
 */
static int vm_pageout_take_cluster(struct vm_pageout *out, struct vm_page *pg)
{
	pgoff_t start = pg->index, end = start + 1, index;
	unsigned int got;

	vm_pageout_alloc(out, 1);
	vm_pageout_mark(pg);
	while (start % VM_CLUSTER && vm_pageout_mark_neighbour(out, start - 1))
		start--;
	while (end % VM_CLUSTER && vm_pageout_mark_neighbour(out, end))
		end++;
	got = vm_pageout_blocks(out, end - start);
	out->first = min(pg->index, end - got);
	for (index = start; index < end; index++) {
		struct vm_page *next = vm_memq_find(out->object->memq, index);

		if (index >= out->first && index < out->first + got)
			vm_pageout_add(out, next);
		else if (next != pg)
			vm_pageout_unmark_neighbour(next);
		else
			vm_pageout_unmark(pg);
	}
	return got ? 0 : -ENOSPC;
}

/* Returns pages freed at once; 0: they are to be written; or an error. */
static long vm_pageout_take_locked(struct vm_pageout *out, struct vm_page *pg)
{
	int err;

	/* The tree's reference and the caller's. */
	if (!vm_pageout_idle(out, pg, 2)) {
		folio_unlock(pg->folio);
		return -EBUSY;
	}
	if (!folio_test_dirty(pg->folio))
		return vm_pageout_free(pg);
	if (!out->write)
		err = -ENODATA;
	else if (out->object->type == VM_OBJECT_VNODE)
		err = -EINPROGRESS;
	else if (pg->order)
		err = vm_pageout_take_large(out, pg);
	else
		err = vm_pageout_take_cluster(out, pg);
	folio_unlock(pg->folio);
	if (!err)
		vm_object_pip_add(out->object);
	return err;
}

/*
 * The object of a locked folio's page; NULL if the page, or all of the object, has gone.
 * Who frees what a dead object had does so without the family lock; but before he is done
 * he waits for this folio.
 */
static struct vm_object *vm_pageout_object(struct vm_pageout *out,
					   struct folio *folio)
{
	struct vm_object *object;
	struct vm_memq *q;
	struct vm_page *pg;

	lockdep_assert_held_write(&out->family->lock);
	if (folio->mapping != out->family->mapping)
		return NULL;
	pg = folio->private;
	q = READ_ONCE(pg->memq);
	if (!q)
		return NULL;
	object = q->object;
	return vm_object_test(object, VM_OBJ_DEAD) ? NULL : object;
}

static long vm_pageout_take(struct vm_pageout *out)
{
	struct folio *folio = out->asked;
	struct vm_family *family = out->family;
	long ret = -EAGAIN;

	vm_family_write_lock(family);
	if (folio_trylock(folio)) {
		out->object = vm_pageout_object(out, folio);
		if (out->object) {
			out->locks = vm_family_locks(family);
			ret = vm_pageout_take_locked(out, folio->private);
		} else {
			folio_unlock(folio);
		}
	}
	vm_family_write_unlock(family);
	return ret;
}

/* ---- writing ---- */

/* Runs of blocks that follow one another, one after the other. */
static int vm_pageout_write(struct vm_pageout *out)
{
	unsigned int i, run;
	int err = 0;

	for (i = 0; i < out->nr && !err; i += run) {
		run = vm_swblk_run(out->blk + i, out->nr - i);
		err = vm_swblk_write(out->blk[i], out->page + i, run);
		vmobj_stat_inc(VMOBJ_SWAP_WRITES);
	}
	return err;
}

/* ---- finishing ---- */

/*
 * Enter the blocks of a page that is as it was written; or give them back.  A store that
 * is being removed must not be given pages that it has been asked to bring back.
 */
static bool vm_pageout_enter(struct vm_pageout *out, struct vm_page *pg,
			     pgoff_t index, unsigned int at, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (vm_swblk_draining(out->blk[at + i]) ||
		    vm_swap_enter(out->object, index + i, out->blk[at + i],
				  GFP_PAGEOUT))
			break;
	if (i == nr)
		return true;
	folio_set_dirty(pg->folio);
	vm_swap_free_range(out->object, index, index + i);
	for (; i < nr; i++)
		vm_swblk_free(out->blk[at + i], 1);
	return false;
}

static void vm_pageout_give_back(struct vm_pageout *out, unsigned int at,
				 unsigned int nr, int err)
{
	unsigned int i;

	for (i = at; i < at + nr; i++) {
		if (err && err != -ENOMEM && err != -EINTR)
			vm_swblk_spoil(out->blk[i]);
		else
			vm_swblk_free(out->blk[i], 1);
	}
}

/* How many pages of a folio, from the @at'th of all on, are in the object's window? */
static unsigned int vm_pageout_pages(struct vm_pageout *out, struct folio *folio,
				     unsigned int at)
{
	unsigned int nr = 0;

	while (at + nr < out->nr && page_folio(out->page[at + nr]) == folio)
		nr++;
	return nr;
}

/*
 * One folio, whose @nr pages begin with the @at'th of all.  Returns the pages freed.
 *
 * Ours is one reference, the tree's another, and the caller may have one.  One more is
 * somebody's who has read the page meanwhile.  It has its block and stays.
 */
static long vm_pageout_finish_folio(struct vm_pageout *out, struct folio *folio,
				    unsigned int at, unsigned int nr, int err)
{
	struct vm_page *pg;
	bool clean = false, idle = false;

	folio_lock(folio);
	if (folio->mapping == out->family->mapping) {
		pg = folio->private;
		pg->writing = false;
		if (err)
			folio_set_dirty(folio);
		clean = pg->memq == out->object->memq &&
			!folio_test_dirty(folio);
		if (clean)
			clean = vm_pageout_enter(out, pg, out->first + at, at, nr);
		else
			vm_pageout_give_back(out, at, nr, err);
		idle = clean && !folio_mapped(folio) && !pg->wire_count &&
		       folio_ref_count(folio) == 2 + (folio == out->asked);
		if (clean)
			vmobj_stat_add(VMOBJ_SWAPOUTS, nr);
		if (clean && !idle)
			vm_page_laundered(pg);
	} else {
		vm_pageout_give_back(out, at, nr, err);
	}
	if (!idle) {
		folio_unlock(folio);
		folio_put(folio);
		return 0;
	}
	folio_put(folio);	/* the tree has one, and the lock is ours */
	return vm_pageout_free(pg);
}

static long vm_pageout_finish(struct vm_pageout *out, int err)
{
	unsigned int i, at = 0, nr;
	long freed = 0;

	vm_family_write_lock(out->family);
	for (i = 0; i < out->nr_folios; i++) {
		nr = vm_pageout_pages(out, out->folio[i], at);
		freed += vm_pageout_finish_folio(out, out->folio[i], at, nr,
						 err);
		at += nr;
	}
	vm_family_write_unlock(out->family);
	return freed;
}

/* Write what has been taken.  Returns the pages freed, or an error. */
static long vm_pageout_put(struct vm_pageout *out)
{
	long freed;
	int err;

	err = vm_pageout_write(out);
	trace_vmobj_pageout(out->object->id, out->first, out->nr, err);
	freed = vm_pageout_finish(out, err);
	vm_pageout_release(out);
	if (err) {
		vmobj_stat_inc(VMOBJ_SWAP_ERRORS);
		pr_err_ratelimited("vmobj: object %llu: cannot write to swap (%d)\n",
				   out->object->id, err);
		return err;
	}
	/* All that was written has been touched again meanwhile. */
	return freed ?: -EAGAIN;
}

static long vm_pageout_folio(struct vm_pageout *out)
{
	struct vm_object *object;
	long ret;

	ret = vm_pageout_take(out);
	/* Files have their own way of being written; the page is clean later. */
	if (ret == -EINPROGRESS) {
		vm_vnode_launder(out->family);
		return -EAGAIN;
	}
	if (ret)
		return ret;
	object = out->object;
	ret = vm_pageout_put(out);
	vm_object_pip_wakeup(object);
	return ret;
}

long vm_page_out(struct folio *folio, bool write)
{
	struct vm_pageout out = { .write = write, .asked = folio };
	long ret;

	if (!folio_trylock(folio))
		return -EAGAIN;
	out.family = vm_family_of_folio(folio);
	folio_unlock(folio);
	if (!out.family)
		return -EAGAIN;
	/* Without a store there are no blocks, and that is the error then. */
	if (write)
		vm_swapstore_prepare();
	ret = vm_pageout_folio(&out);
	vm_family_put(out.family);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_out);
