// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages on their way to the store.  After BSD's vm_object_page_clean() and
 * vm_object_page_collect_flush().  See include/vmobj/pager.h for the promises.
 *
 * BSD goes over the pages twice: once to mark those that are there (CLEANCHK) and make
 * them read-only, and then to write those that are marked, from the beginning again
 * each time the object has changed, because its list of pages has no order that would
 * survive the change.  Here pages are visited by index, upwards, once:
 *
 * - A page never changes its index, and none moves into an object with a store.  So
 *   what was dirty before the call is met, whatever is inserted or removed meanwhile.
 * - The scan never goes back.  So each page is written at most once, and nobody can
 *   keep the scan busy by writing to pages behind it.
 *
 * A page is made read-only and marked clean, in this order and with its folio locked,
 * before its data are looked at; a write to it after that is a fault, which makes it
 * dirty again.
 */
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

#include <vmobj/compat.h>
#include <vmobj/handle.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pager.h>
#include <vmobj/stats.h>

/* Pages looked at with the tree locked. */
#define VM_CLEAN_SCAN	256

/**
 * struct vm_clean - one vm_object_page_clean()
 * @object: object
 * @pager: its pager
 * @end: first page behind the range
 * @flags: VM_CLEAN_*
 * @left: something in the range may be dirty still
 * @error: the first one
 * @changes: &vm_pager.changes when the cluster was taken
 * @index: first page of the cluster
 * @nr: pages of it
 * @folio: the pages, with a reference each, clean
 * @bv: the same for I/O
 */
struct vm_clean {
	struct vm_object *object;
	struct vm_pager *pager;
	pgoff_t end;
	unsigned int flags;
	bool left;
	int error;
	u32 changes;
	pgoff_t index;
	unsigned int nr;
	struct folio *folio[VM_CLUSTER];
	struct bio_vec bv[VM_CLUSTER];
};

/* May a page be skipped without a look at its PTEs?  Who may write made it dirty. */
static bool vm_clean_skip(struct vm_clean *clean, struct vm_page *pg)
{
	if (!folio_test_dirty(pg->folio)) {
		/* Whoever has it pinned writes without asking. */
		if (folio_maybe_dma_pinned(pg->folio))
			clean->left = true;
		return true;
	}
	if (clean->flags & VM_CLEAN_NOSYNC && pg->nosync) {
		clean->left = true;
		return true;
	}
	return false;
}

/*
 * The first dirty page at or after *@index.  Returns NULL, with *@index where to go on,
 * when it has seen many that are not; *@index is the end when there are no more.
 */
static struct vm_page *vm_clean_next(struct vm_clean *clean, pgoff_t *index)
{
	struct vm_memq *q = clean->object->memq;
	unsigned int budget = VM_CLEAN_SCAN;
	struct vm_page *pg;

	spin_lock(&q->lock);
	for (pg = vm_page_first(q, *index); pg && pg->index < clean->end;
	     pg = vm_page_next(pg)) {
		*index = pg->index;
		if (!budget--) {
			spin_unlock(&q->lock);
			return NULL;
		}
		if (!vm_clean_skip(clean, pg)) {
			spin_unlock(&q->lock);
			return pg;
		}
	}
	spin_unlock(&q->lock);
	*index = clean->end;
	return NULL;
}

/* Make a page clean and read-only; false if it was clean, or is not ours. */
static bool vm_clean_take(struct vm_clean *clean, struct vm_page *pg)
{
	struct folio *folio = pg->folio;
	bool taken = false;

	folio_lock(folio);
	if (READ_ONCE(pg->memq) == clean->object->memq &&
	    !vm_clean_skip(clean, pg)) {
		folio_mkclean(folio);
		folio_clear_dirty(folio);
		if (folio_maybe_dma_pinned(folio))
			clean->left = true;
		folio_get(folio);
		pg->writing = true;
		taken = true;
	}
	folio_unlock(folio);
	return taken;
}

/*
 * The cluster that begins with a page.  BSD looks for neighbours before it, too; we
 * come from there.
 */
static void vm_clean_collect(struct vm_clean *clean, struct vm_page *pg)
{
	lockdep_assert_held(&clean->object->family->lock);

	clean->changes = clean->pager->changes;
	clean->index = pg->index;
	clean->nr = 0;
	while (pg && !WARN_ON_ONCE(pg->order) && vm_clean_take(clean, pg)) {
		struct bio_vec *bv = &clean->bv[clean->nr];

		clean->folio[clean->nr++] = pg->folio;
		bv->bv_page = &pg->folio->page;
		bv->bv_len = PAGE_SIZE;
		bv->bv_offset = 0;
		if (clean->nr == VM_CLUSTER ||
		    clean->index + clean->nr >= clean->end)
			break;
		pg = vm_page_lookup(clean->object->memq,
				    clean->index + clean->nr);
	}
}

/* A page has been written, if it is still ours.  Until it is unlocked it stays so. */
static void vm_clean_done(struct vm_clean *clean, struct folio *folio, int err)
{
	struct vm_page *pg;

	folio_lock(folio);
	if (folio->mapping == clean->object->family->mapping) {
		pg = folio->private;
		pg->writing = false;
		if (err)
			folio_set_dirty(folio);
		else if (pg->queue == VM_PAGEQ_LAUNDRY && !vm_page_cache(pg))
			vm_page_laundered(pg);
	}
	folio_unlock(folio);
	folio_put(folio);
}

/* Pages that would have been thrown away meanwhile go now. */
static void vm_clean_catch_up(struct vm_clean *clean)
{
	struct vm_family *family = clean->object->family;

	if (READ_ONCE(clean->pager->changes) == clean->changes)
		return;
	vm_family_write_lock(family);
	vm_object_page_remove(clean->object, clean->index,
			      clean->index + clean->nr, true);
	vm_family_write_unlock(family);
}

/*
 * Write the cluster; nothing is locked.  What could not be written is dirty again: it
 * may work later, when there is room.
 */
static void vm_object_page_collect_flush(struct vm_clean *clean)
{
	unsigned int i;
	int err;

	if (!clean->nr)
		return;
	err = clean->pager->ops->write(clean->pager, clean->index, clean->bv,
				       clean->nr);
	for (i = 0; i < clean->nr; i++)
		vm_clean_done(clean, clean->folio[i], err);
	vm_clean_catch_up(clean);
	if (err) {
		clean->left = true;
		clean->error = clean->error ?: err;
		return;
	}
	vmobj_stat_add(VMOBJ_PAGEOUTS, clean->nr);
}

static void vm_clean_scan(struct vm_clean *clean, pgoff_t index)
{
	struct vm_family *family = clean->object->family;
	struct vm_page *pg;

	while (index < clean->end) {
		vm_family_read_lock(family);
		pg = vm_clean_next(clean, &index);
		clean->nr = 0;
		if (pg)
			vm_clean_collect(clean, pg);
		vm_family_read_unlock(family);
		if (pg)
			index += max(clean->nr, 1U);
		vm_object_page_collect_flush(clean);
		cond_resched();
	}
}

/*
 * Is there anything to be written?  With the whole of the object to be cleaned the
 * flag is taken back before the scan begins, so that who sets it later is not missed.
 */
static bool vm_clean_begin(struct vm_clean *clean, bool whole)
{
	struct vm_object *object = clean->object;
	bool dirty;

	vm_family_write_lock(object->family);
	dirty = vm_object_test(object, VM_OBJ_MIGHTBEDIRTY);
	if (whole)
		clear_bit(VM_OBJ_MIGHTBEDIRTY, &object->flags);
	vm_family_write_unlock(object->family);
	return dirty;
}

static void vm_clean_inval(struct vm_clean *clean, pgoff_t start)
{
	struct vm_family *family = clean->object->family;

	vm_family_write_lock(family);
	vm_object_page_remove(clean->object, start, clean->end, true);
	vm_family_write_unlock(family);
}

static void vm_clean_sync(struct vm_clean *clean, pgoff_t start)
{
	loff_t last = LLONG_MAX;
	int err;

	if (!clean->pager->ops->sync)
		return;
	if (clean->end < vm_object_end(clean->object))
		last = ((loff_t)clean->end << PAGE_SHIFT) - 1;
	err = clean->pager->ops->sync(clean->pager, (loff_t)start << PAGE_SHIFT,
				      last);
	clean->error = clean->error ?: err;
}

int vm_object_page_clean(struct vm_object *object, pgoff_t start, pgoff_t end,
			 unsigned int flags)
{
	struct vm_clean clean = {
		.object = object,
		.pager = object->handle ? object->handle->pager : NULL,
		.end = end ?: vm_object_end(object),
		.flags = flags,
	};
	bool whole = start <= object->pg_base &&
		     clean.end >= vm_object_end(object);

	if (!clean.pager)
		return 0;
	mutex_lock(&clean.pager->clean_lock);
	if (vm_clean_begin(&clean, whole)) {
		vm_clean_scan(&clean, start);
		if (clean.left)
			set_bit(VM_OBJ_MIGHTBEDIRTY, &object->flags);
	}
	if (flags & VM_CLEAN_SYNC)
		vm_clean_sync(&clean, start);
	if (flags & VM_CLEAN_INVAL)
		vm_clean_inval(&clean, start);
	mutex_unlock(&clean.pager->clean_lock);
	if (clean.error)
		mapping_set_error(object->family->mapping, clean.error);
	return clean.error;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_page_clean);
