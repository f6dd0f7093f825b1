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

#define CHUNK_SHIFT	9
#define CHUNK_PAGES	BIT(CHUNK_SHIFT)
#define CHUNK_MASK	(CHUNK_PAGES - 1)

/**
 * struct vm_writeset_chunk - part of the set
 * @number: its place, in units of CHUNK_PAGES
 * @bits: the pages
 */
struct vm_writeset_chunk {
	unsigned long number;
	DECLARE_BITMAP(bits, CHUNK_PAGES);
};

void vm_writeset_init(struct vm_object *object)
{
	xa_init(&object->writeset);
}

void vm_writeset_destroy(struct vm_object *object)
{
	struct vm_writeset_chunk *chunk;
	unsigned long i;

	xa_for_each(&object->writeset, i, chunk)
		kfree(chunk);
	xa_destroy(&object->writeset);
}

static struct vm_writeset_chunk *vm_writeset_grow(struct vm_object *object,
						  unsigned long i)
{
	struct vm_writeset_chunk *chunk, *old;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	chunk->number = i;
	old = xa_cmpxchg(&object->writeset, i, NULL, chunk, GFP_KERNEL_ACCOUNT);
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
	unsigned long i = index >> CHUNK_SHIFT;

	if (likely(chunk && chunk->number == i))
		return chunk;
	chunk = xa_load(&object->writeset, i);
	if (!chunk)
		chunk = vm_writeset_grow(object, i);
	if (chunk)
		WRITE_ONCE(object->writeset_last, chunk);
	return chunk;
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
	if ((READ_ONCE(*word) & mask) != mask)
		set_mask_bits(word, 0UL, mask);
	return 0;
}

int vm_writeset_add_folio(struct vm_object *object, struct folio *folio)
{
	unsigned long i, nr = folio_nr_pages(folio);
	unsigned long step = min_t(unsigned long, nr, BITS_PER_LONG);
	int err = 0;

	for (i = 0; i < nr && !err; i += step)
		err = vm_writeset_add(object, folio->index + i, step);
	return err;
}

bool vm_writeset_test(struct vm_object *object, pgoff_t index)
{
	struct vm_writeset_chunk *chunk;

	chunk = xa_load(&object->writeset, index >> CHUNK_SHIFT);
	return chunk && test_bit(index & CHUNK_MASK, chunk->bits);
}

unsigned long vm_writeset_next_run(struct vm_object *object, pgoff_t *start,
				   pgoff_t end)
{
	struct vm_writeset_chunk *chunk;
	unsigned long i = *start >> CHUNK_SHIFT, bit, stop;
	pgoff_t base;

	if (*start >= end)
		return 0;
	xa_for_each_range(&object->writeset, i, chunk, *start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
		base = i << CHUNK_SHIFT;
		stop = min(end - base, CHUNK_PAGES);
		bit = *start > base ? *start - base : 0;
		bit = find_next_bit(chunk->bits, stop, bit);
		if (bit >= stop)
			continue;
		*start = base + bit;
		return find_next_zero_bit(chunk->bits, stop, bit) - bit;
	}
	return 0;
}

void vm_writeset_clear(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	unsigned long nr;

	while ((nr = vm_writeset_next_run(object, &start, end))) {
		struct vm_writeset_chunk *chunk;

		chunk = xa_load(&object->writeset, start >> CHUNK_SHIFT);
		bitmap_clear(chunk->bits, start & CHUNK_MASK, nr);
		start += nr;
	}
}

int vm_writeset_move(struct vm_object *from, struct vm_object *to,
		     pgoff_t start, pgoff_t end)
{
	pgoff_t at = start;
	unsigned long nr;
	int err = 0;

	while (!err && (nr = vm_writeset_next_run(from, &at, end)))
		for (; nr && !err; nr--, at++)
			err = vm_writeset_add(to, at, 1);
	vm_writeset_clear(from, start, end);
	return err;
}
