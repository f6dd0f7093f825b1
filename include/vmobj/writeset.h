/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The set of an object's pages that may be mapped writable.
 *
 * A page enters when a fault gives it write rights; a fork write-protects
 * exactly the pages of the set and empties it.  So a fork costs what was made
 * writable since the one before, and not what is resident.  The set may hold
 * too much, never too little: a writable PTE anywhere means the page is in its
 * object's set.
 *
 * A page that is in the set is its owner's, and so is whoever else uses it: see
 * pin.h.  So no page may enter that somebody has not looked at.
 *
 * Bitmaps of 512 pages (2 MiB with 4 KiB pages), some of them side by side, in an
 * xarray; those that are not empty are in a list.
 */
#ifndef _VMOBJ_WRITESET_H
#define _VMOBJ_WRITESET_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/llist.h>
#include <linux/types.h>

struct folio;
struct vm_object;

#define VM_WRITESET_CHUNK	512UL

/**
 * struct vm_writeset_part - pages taken out of the set
 * @link: where to go on; NULL at first
 * @base: index of the first bit, family coordinates; a multiple of
 *	VM_WRITESET_CHUNK
 * @full: all of them: @bits are not set
 * @bits: the pages
 */
struct vm_writeset_part {
	struct llist_node **link;
	pgoff_t base;
	bool full;
	DECLARE_BITMAP(bits, VM_WRITESET_CHUNK);
};

/**
 * vm_writeset_part_bits() - the pages as bits, be they all
 * @part: pages taken
 */
static inline const unsigned long *
vm_writeset_part_bits(struct vm_writeset_part *part)
{
	if (part->full)
		bitmap_fill(part->bits, VM_WRITESET_CHUNK);
	return part->bits;
}

/**
 * vm_writeset_init() - make an empty set
 * @object: object being made, which has its place
 */
void vm_writeset_init(struct vm_object *object);

/**
 * vm_writeset_destroy() - forget the set and free its memory
 * @object: object; family lock held for writing, or object unreachable
 */
void vm_writeset_destroy(struct vm_object *object);

/**
 * vm_writeset_add_mask() - some pages are about to be mapped writable
 * @object: object; family lock held at least for reading
 * @index: page of bit 0, family coordinates
 * @mask: pages; all in one aligned group of BITS_PER_LONG
 *
 * May sleep when the set has to grow.
 *
 * Return: 0; or -ENOMEM, not if another page of that group has been added before.
 */
int vm_writeset_add_mask(struct vm_object *object, pgoff_t index,
			 unsigned long mask);

/**
 * vm_writeset_add() - pages are about to be mapped writable
 * @object: object; family lock held at least for reading
 * @index: first page, family coordinates
 * @nr: pages; all in one aligned group of BITS_PER_LONG
 *
 * May sleep when the set has to grow.
 *
 * Return: 0 or -ENOMEM.
 */
static inline int vm_writeset_add(struct vm_object *object, pgoff_t index,
				  unsigned long nr)
{
	return vm_writeset_add_mask(object, index, GENMASK(nr - 1, 0));
}

/**
 * vm_writeset_add_folio() - all pages of a folio that are in the object's window
 * @object: as for vm_writeset_add()
 * @folio: folio of a page of the object
 *
 * Return: 0 or -ENOMEM.
 */
int vm_writeset_add_folio(struct vm_object *object, struct folio *folio);

/**
 * vm_writeset_move() - move a range of the set to another object
 * @from: object; family lock held for writing
 * @to: object the pages of the range have moved to
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * Return: 0; or -ENOMEM, then the range has left @from but not all of it has
 * arrived.
 */
int vm_writeset_move(struct vm_object *from, struct vm_object *to,
		     pgoff_t start, pgoff_t end);

/**
 * vm_writeset_test() - is the page in the set?
 * @object: object; family lock held at least for reading
 * @index: page, family coordinates
 */
bool vm_writeset_test(struct vm_object *object, pgoff_t index);

/**
 * vm_writeset_test_folio() - is any page of a folio in the set?
 * @object: object; family lock held at least for reading
 * @folio: folio of a page of the object
 */
bool vm_writeset_test_folio(struct vm_object *object, struct folio *folio);

/**
 * vm_writeset_grown() - have many pages come to a piece of memory?
 * @object: object; family lock held at least for reading
 * @index: page, family coordinates; the piece is the VM_WRITESET_CHUNK pages around it
 * @nr: how many are many
 *
 * Return: true if so many have come since the last time that it returned true, or
 * since the pages were taken out of the set.  It is a guess: some may be counted
 * twice or not at all.
 */
bool vm_writeset_grown(struct vm_object *object, pgoff_t index,
		       unsigned int nr);

/**
 * vm_writeset_take() - take the next pages out of the set
 * @object: object; family lock held for writing, and not let go between the calls
 * @start: first page that may be taken, family coordinates
 * @end: first page behind
 * @part: where the last call has left off; out: the pages, at least one.  In no
 *	order.
 *
 * Return: false if there are no more.
 */
bool vm_writeset_take(struct vm_object *object, pgoff_t start, pgoff_t end,
		      struct vm_writeset_part *part);

/**
 * vm_writeset_clear() - take a range out of the set
 * @object: object; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range
 */
void vm_writeset_clear(struct vm_object *object, pgoff_t start, pgoff_t end);

#endif /* _VMOBJ_WRITESET_H */
