// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of pages that may be mapped writable.  See writeset.h.
 *
 * Faults add under the family lock held for reading, with atomic bit
 * operations on a chunk that, once there, stays until its object goes.
 *
 * Who touches one page in each chunk needs as many chunks as pages, so they are
 * allocated in groups of eight: an allocation and a place in the xarray cost more
 * than all else that the set does in a fault.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include <vmobj/alloc.h>
#include <vmobj/compat.h>
#include <vmobj/object.h>
#include <vmobj/writeset.h>

#define CHUNK_PAGES	VM_WRITESET_CHUNK
#define CHUNK_MASK	(CHUNK_PAGES - 1)
#define GROUP_SHIFT	3
#define GROUP_CHUNKS	BIT(GROUP_SHIFT)

/**
 * struct vm_writeset_chunk - part of the set
 * @link: in &vm_object.writeset_used
 * @key: its place, in chunks; below 0 if the object has grown downwards
 * @grown: pages that have come since somebody asked; a hint, not exact
 * @used: it is in that list
 * @full: all its pages are in the set, whatever @bits says
 * @bits: the pages
 */
struct vm_writeset_chunk {
	struct llist_node link;
	s32 key;
	u16 grown;
	u8 used;
	u8 full;
	DECLARE_BITMAP(bits, CHUNK_PAGES);
};

/**
 * struct vm_writeset_group - chunks allocated together
 * @key: place of the first; its place in the xarray
 * @nr: how many
 * @chunk: the chunks
 *
 * A group begins at a multiple of GROUP_CHUNKS, and ends where its object did when
 * it was made.  If that has grown since, what is behind comes in groups of one.
 */
struct vm_writeset_group {
	unsigned long key;
	unsigned long nr;
	struct vm_writeset_chunk chunk[];
};

/* Counted from where the object began when it was made. */
static unsigned long vm_writeset_key(const struct vm_object *object,
				     pgoff_t index)
{
	return index / CHUNK_PAGES - object->writeset_base / CHUNK_PAGES;
}

/*
 * Small numbers make a flat xarray, but an object may grow to both sides.  So groups
 * are put at 0, 1, 2... as those at 0, -1, 1, -2...
 */
static unsigned long vm_writeset_slot(unsigned long key)
{
	long group = (long)key >> GROUP_SHIFT;

	/* 2 * group, or -2 * group - 1 */
	if (group < 0)
		group = ~group;
	return (2 * (unsigned long)group + ((long)key < 0)) << GROUP_SHIFT |
	       (key & (GROUP_CHUNKS - 1));
}

void vm_writeset_init(struct vm_object *object)
{
	xa_init(&object->writeset);
	object->writeset_base = object->pg_base;
	init_llist_head(&object->writeset_used);
}

void vm_writeset_destroy(struct vm_object *object)
{
	XA_STATE(xas, &object->writeset, 0);
	struct vm_writeset_group *group;

	xas_lock(&xas);
	xas_for_each(&xas, group, ULONG_MAX)
		kfree(group);
	xas_unlock(&xas);
	xa_destroy(&object->writeset);
}

/* ---- chunks ---- */

static __always_inline struct vm_writeset_chunk *
vm_writeset_group_chunk(struct vm_writeset_group *group, unsigned long key)
{
	/* A key before the group's is a big number here. */
	return group && key - group->key < group->nr ?
		&group->chunk[key - group->key] : NULL;
}

static struct vm_writeset_group *vm_writeset_group_new(unsigned long key,
						       unsigned long nr)
{
	struct vm_writeset_group *group;
	unsigned long i;

	group = vm_zalloc_locked(struct_size(group, chunk, nr),
				 GFP_KERNEL_ACCOUNT);
	if (!group)
		return NULL;
	group->key = key;
	group->nr = nr;
	for (i = 0; i < nr; i++)
		group->chunk[i].key = key + i;
	return group;
}

/* The group that has a chunk, if there is one. */
static struct vm_writeset_group *
vm_writeset_find_group(struct vm_object *object, unsigned long key)
{
	unsigned long first = round_down(key, GROUP_CHUNKS);
	struct vm_writeset_group *group;

	group = xa_load(&object->writeset, vm_writeset_slot(first));
	if (group && key != first && !vm_writeset_group_chunk(group, key))
		group = xa_load(&object->writeset, vm_writeset_slot(key));
	return group;
}

/* Returns what is there already, an error, or NULL.  As vm_zalloc_locked(). */
static void *vm_writeset_put_group(struct vm_object *object, unsigned long first,
				   struct vm_writeset_group *group)
{
	unsigned long slot = vm_writeset_slot(first);
	unsigned int flags = memalloc_noreclaim_save();
	void *old = xa_cmpxchg(&object->writeset, slot, NULL, group,
			       vm_gfp_locked(GFP_KERNEL_ACCOUNT));

	memalloc_noreclaim_restore(flags);
	if (!xa_is_err(old))
		return old;
	return xa_cmpxchg(&object->writeset, slot, NULL, group,
			  GFP_KERNEL_ACCOUNT);
}

/* A new one; or the one that somebody else has made meanwhile. */
static struct vm_writeset_group *
vm_writeset_make_group(struct vm_object *object, unsigned long key)
{
	unsigned long last = vm_writeset_key(object, vm_object_end(object) - 1);
	unsigned long first = round_down(key, GROUP_CHUNKS), nr = 1;
	struct vm_writeset_group *group, *old;

	if (xa_load(&object->writeset, vm_writeset_slot(first)))
		first = key;
	else if ((long)last >= (long)key)
		nr = min(last - first + 1, GROUP_CHUNKS);
	else
		nr = key - first + 1;
	group = vm_writeset_group_new(first, nr);
	if (!group)
		return NULL;
	old = vm_writeset_put_group(object, first, group);
	if (!old)
		return group;
	kfree(group);
	return xa_is_err(old) ? NULL : old;
}

/* Where a CPU finds the group it has used last: threads are in different ones. */
static __always_inline struct vm_writeset_group **
vm_writeset_hint(struct vm_object *object)
{
	return &object->writeset_last[raw_smp_processor_id() %
				      VM_WRITESET_HINTS];
}

/* The chunk of a page that is not in the same group as last time; made if need be. */
static noinline struct vm_writeset_chunk *
vm_writeset_find_slow(struct vm_object *object, unsigned long key, bool make)
{
	struct vm_writeset_group *group = vm_writeset_find_group(object, key);
	struct vm_writeset_chunk *chunk = vm_writeset_group_chunk(group, key);

	while (!chunk && make) {
		group = vm_writeset_make_group(object, key);
		if (!group)
			return NULL;
		/* Who was first may have made one that ends before. */
		chunk = vm_writeset_group_chunk(group, key);
	}
	if (chunk)
		WRITE_ONCE(*vm_writeset_hint(object), group);
	return chunk;
}

static __always_inline struct vm_writeset_chunk *
vm_writeset_find(struct vm_object *object, pgoff_t index, bool make)
{
	unsigned long key = vm_writeset_key(object, index);
	struct vm_writeset_chunk *chunk;

	chunk = vm_writeset_group_chunk(READ_ONCE(*vm_writeset_hint(object)), key);
	if (likely(chunk))
		return chunk;
	return vm_writeset_find_slow(object, key, make);
}

/* The chunk of a page, made if need be. */
static __always_inline struct vm_writeset_chunk *
vm_writeset_get(struct vm_object *object, pgoff_t index)
{
	return vm_writeset_find(object, index, true);
}

/* ---- adding ---- */

/* Bits have been set; others may do that at the same time. */
static void vm_writeset_use(struct vm_object *object,
			    struct vm_writeset_chunk *chunk)
{
	if (!READ_ONCE(chunk->used) && !xchg(&chunk->used, true))
		llist_add(&chunk->link, &object->writeset_used);
}

int vm_writeset_add_mask(struct vm_object *object, pgoff_t index,
			 unsigned long mask)
{
	unsigned long bit = index & CHUNK_MASK;
	struct vm_writeset_chunk *chunk;
	unsigned long *word;

	chunk = vm_writeset_get(object, index);
	if (!chunk)
		return -ENOMEM;
	word = chunk->bits + BIT_WORD(bit);
	mask <<= bit % BITS_PER_LONG;
	if ((READ_ONCE(*word) & mask) == mask || READ_ONCE(chunk->full))
		return 0;
	set_mask_bits(word, 0UL, mask);
	WRITE_ONCE(chunk->grown, READ_ONCE(chunk->grown) + hweight_long(mask));
	vm_writeset_use(object, chunk);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(vm_writeset_add_mask);

static int vm_writeset_add_chunk(struct vm_object *object, pgoff_t index)
{
	struct vm_writeset_chunk *chunk = vm_writeset_get(object, index);

	if (!chunk)
		return -ENOMEM;
	if (READ_ONCE(chunk->full))
		return 0;
	WRITE_ONCE(chunk->full, true);
	vm_writeset_use(object, chunk);
	return 0;
}

int vm_writeset_add_folio(struct vm_object *object, struct folio *folio)
{
	pgoff_t at = max(folio->index, object->pg_base), next;
	pgoff_t end = min(folio->index + folio_nr_pages(folio),
			  vm_object_end(object));
	int err = 0;

	for (; at < end && !err; at = next) {
		if (!(at & CHUNK_MASK) && end - at >= CHUNK_PAGES) {
			next = at + CHUNK_PAGES;
			err = vm_writeset_add_chunk(object, at);
		} else {
			next = min(end, round_up(at + 1, BITS_PER_LONG));
			err = vm_writeset_add(object, at, next - at);
		}
	}
	return err;
}

/* ---- looking ---- */

bool vm_writeset_test(struct vm_object *object, pgoff_t index)
{
	struct vm_writeset_chunk *chunk = vm_writeset_find(object, index, false);

	return chunk && (READ_ONCE(chunk->full) ||
			 test_bit(index & CHUNK_MASK, chunk->bits));
}

bool vm_writeset_test_folio(struct vm_object *object, struct folio *folio)
{
	pgoff_t at = max(folio->index, object->pg_base), next;
	pgoff_t end = min(folio->index + folio_nr_pages(folio),
			  vm_object_end(object));
	struct vm_writeset_chunk *chunk;

	for (; at < end; at = next) {
		next = min(end, (at | CHUNK_MASK) + 1);
		chunk = vm_writeset_find(object, at, false);
		if (!chunk)
			continue;
		if (READ_ONCE(chunk->full) ||
		    find_next_bit(chunk->bits, (next - 1) % CHUNK_PAGES + 1,
				  at & CHUNK_MASK) <= (next - 1) % CHUNK_PAGES)
			return true;
	}
	return false;
}

bool vm_writeset_grown(struct vm_object *object, pgoff_t index,
		       unsigned int nr)
{
	struct vm_writeset_chunk *chunk = vm_writeset_find(object, index, false);

	if (!chunk || READ_ONCE(chunk->grown) < nr)
		return false;
	WRITE_ONCE(chunk->grown, 0);
	return true;
}

/* ---- taking ---- */

/* bitmap_empty() of so many bits is a call, and a loop with a test for each word. */
static bool vm_writeset_no_bits(const unsigned long *bits)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(CHUNK_PAGES); i++)
		any |= bits[i];
	return !any;
}

/* Move the bits from @first up to @stop; were there any? */
static bool vm_writeset_take_bits(struct vm_writeset_chunk *chunk,
				  unsigned long first, unsigned long stop,
				  struct vm_writeset_part *part)
{
	bool all = !first && stop == CHUNK_PAGES;

	part->full = chunk->full && all;
	chunk->grown = 0;
	if (part->full) {
		chunk->full = false;
		/* Mostly there were none before it became full. */
		if (!vm_writeset_no_bits(chunk->bits))
			bitmap_zero(chunk->bits, CHUNK_PAGES);
		return true;
	}
	if (chunk->full) {
		bitmap_fill(chunk->bits, CHUNK_PAGES);
		chunk->full = false;
	}
	if (all) {
		bitmap_copy(part->bits, chunk->bits, CHUNK_PAGES);
		bitmap_zero(chunk->bits, CHUNK_PAGES);
	} else {
		bitmap_zero(part->bits, CHUNK_PAGES);
		bitmap_set(part->bits, first, stop - first);
		bitmap_and(part->bits, part->bits, chunk->bits, CHUNK_PAGES);
		bitmap_clear(chunk->bits, first, stop - first);
	}
	return !vm_writeset_no_bits(part->bits);
}

bool vm_writeset_take(struct vm_object *object, pgoff_t start, pgoff_t end,
		      struct vm_writeset_part *part)
{
	pgoff_t base = object->writeset_base & ~CHUNK_MASK;
	struct llist_node **link = part->link ?: &object->writeset_used.first;
	struct vm_writeset_chunk *chunk;
	bool any;

	lockdep_assert_held_write(&object->family->lock);

	while (*link) {
		chunk = llist_entry(*link, struct vm_writeset_chunk, link);
		part->base = base + (long)chunk->key * CHUNK_PAGES;
		if (part->base >= end || part->base + CHUNK_PAGES <= start) {
			link = &chunk->link.next;
			continue;
		}
		any = vm_writeset_take_bits(chunk,
					    max(start, part->base) - part->base,
					    min(end - part->base, CHUNK_PAGES),
					    part);
		if (part->full || vm_writeset_no_bits(chunk->bits)) {
			*link = chunk->link.next;
			chunk->used = false;
		} else {
			link = &chunk->link.next;
		}
		part->link = link;
		if (any)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(vm_writeset_take);

void vm_writeset_clear(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	struct vm_writeset_part part = { .link = NULL };

	while (vm_writeset_take(object, start, end, &part))
		;
}

int vm_writeset_move(struct vm_object *from, struct vm_object *to,
		     pgoff_t start, pgoff_t end)
{
	struct vm_writeset_part part = { .link = NULL };
	unsigned long bit;
	int err = 0;

	while (vm_writeset_take(from, start, end, &part))
		for_each_set_bit(bit, vm_writeset_part_bits(&part), CHUNK_PAGES)
			err = err ?: vm_writeset_add(to, part.base + bit, 1);
	return err;
}
