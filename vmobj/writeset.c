// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of pages that may be mapped writable.  See writeset.h.
 *
 * Faults add under the family lock held for reading, with atomic bit
 * operations on a chunk that, once there, stays until its object goes.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include <vmobj/object.h>
#include <vmobj/writeset.h>

#define CHUNK_PAGES	VM_WRITESET_CHUNK
#define CHUNK_MASK	(CHUNK_PAGES - 1)

/**
 * struct vm_writeset_chunk - part of the set
 * @key: its place in the xarray
 * @link: in &vm_object.writeset_used
 * @used: it is in that list
 * @bits: the pages
 */
struct vm_writeset_chunk {
	unsigned long key;
	struct llist_node link;
	bool used;
	DECLARE_BITMAP(bits, CHUNK_PAGES);
};

/* Counted from the object's start: small numbers make a flat xarray. */
static unsigned long vm_writeset_key(const struct vm_object *object,
				     pgoff_t index)
{
	return index / CHUNK_PAGES - object->pg_base / CHUNK_PAGES;
}

void vm_writeset_init(struct vm_object *object)
{
	xa_init(&object->writeset);
	init_llist_head(&object->writeset_used);
}

void vm_writeset_destroy(struct vm_object *object)
{
	XA_STATE(xas, &object->writeset, 0);
	struct vm_writeset_chunk *chunk;

	xas_lock(&xas);
	xas_for_each(&xas, chunk, ULONG_MAX)
		kfree(chunk);
	xas_unlock(&xas);
	xa_destroy(&object->writeset);
}

static struct vm_writeset_chunk *vm_writeset_grow(struct vm_object *object,
						  unsigned long key)
{
	struct vm_writeset_chunk *chunk, *old;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	chunk->key = key;
	old = xa_cmpxchg(&object->writeset, key, NULL, chunk,
			 GFP_KERNEL_ACCOUNT);
	if (!old)
		return chunk;
	kfree(chunk);
	return xa_is_err(old) ? NULL : old;
}

/* The chunk of a page, made if need be; mostly the same as last time. */
static struct vm_writeset_chunk *vm_writeset_get(struct vm_object *object,
						 pgoff_t index)
{
	struct vm_writeset_chunk *chunk = READ_ONCE(object->writeset_last);
	unsigned long key = vm_writeset_key(object, index);

	if (likely(chunk && chunk->key == key))
		return chunk;
	chunk = xa_load(&object->writeset, key);
	if (!chunk)
		chunk = vm_writeset_grow(object, key);
	if (chunk)
		WRITE_ONCE(object->writeset_last, chunk);
	return chunk;
}

/* Bits have been set; others may do that at the same time. */
static void vm_writeset_use(struct vm_object *object,
			    struct vm_writeset_chunk *chunk)
{
	if (!READ_ONCE(chunk->used) && !xchg(&chunk->used, true))
		llist_add(&chunk->link, &object->writeset_used);
}

int vm_writeset_add(struct vm_object *object, pgoff_t index, unsigned long nr)
{
	unsigned long bit = index & CHUNK_MASK;
	unsigned long mask = GENMASK(nr - 1, 0) << (bit % BITS_PER_LONG);
	struct vm_writeset_chunk *chunk;
	unsigned long *word;

	chunk = vm_writeset_get(object, index);
	if (!chunk)
		return -ENOMEM;
	word = chunk->bits + BIT_WORD(bit);
	if ((READ_ONCE(*word) & mask) == mask)
		return 0;
	set_mask_bits(word, 0UL, mask);
	vm_writeset_use(object, chunk);
	return 0;
}

static int vm_writeset_add_chunk(struct vm_object *object, pgoff_t index)
{
	struct vm_writeset_chunk *chunk = vm_writeset_get(object, index);

	if (!chunk)
		return -ENOMEM;
	/* Others can only set bits meanwhile. */
	bitmap_fill(chunk->bits, CHUNK_PAGES);
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

bool vm_writeset_test(struct vm_object *object, pgoff_t index)
{
	struct vm_writeset_chunk *chunk;

	chunk = xa_load(&object->writeset, vm_writeset_key(object, index));
	return chunk && test_bit(index & CHUNK_MASK, chunk->bits);
}

/* Move the bits from @first up to @stop; were there any? */
static bool vm_writeset_take_bits(struct vm_writeset_chunk *chunk,
				  unsigned long first, unsigned long stop,
				  unsigned long *bits)
{
	if (!first && stop == CHUNK_PAGES) {
		bitmap_copy(bits, chunk->bits, CHUNK_PAGES);
		bitmap_zero(chunk->bits, CHUNK_PAGES);
	} else {
		bitmap_zero(bits, CHUNK_PAGES);
		bitmap_set(bits, first, stop - first);
		bitmap_and(bits, bits, chunk->bits, CHUNK_PAGES);
		bitmap_clear(chunk->bits, first, stop - first);
	}
	return !bitmap_empty(bits, CHUNK_PAGES);
}

bool vm_writeset_take(struct vm_object *object, pgoff_t start, pgoff_t end,
		      struct vm_writeset_part *part)
{
	pgoff_t base = object->pg_base & ~CHUNK_MASK;
	struct llist_node **link = part->link ?: &object->writeset_used.first;
	struct vm_writeset_chunk *chunk;
	bool any;

	lockdep_assert_held_write(&object->family->lock);

	while (*link) {
		chunk = llist_entry(*link, struct vm_writeset_chunk, link);
		part->base = base + chunk->key * CHUNK_PAGES;
		if (part->base >= end || part->base + CHUNK_PAGES <= start) {
			link = &chunk->link.next;
			continue;
		}
		any = vm_writeset_take_bits(chunk,
					    max(start, part->base) - part->base,
					    min(end - part->base, CHUNK_PAGES),
					    part->bits);
		if (bitmap_empty(chunk->bits, CHUNK_PAGES)) {
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
		for_each_set_bit(bit, part.bits, CHUNK_PAGES)
			err = err ?: vm_writeset_add(to, part.base + bit, 1);
	return err;
}
