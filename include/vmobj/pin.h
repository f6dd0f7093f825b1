/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that somebody uses besides those who map them (get_user_pages).
 *
 * A reference of that kind belongs to the process that asked for it, and two rules
 * keep it there:
 *
 * - Pages that are pinned (FOLL_PIN: O_DIRECT, RDMA, vfio) when their process forks
 *   stay its own; the child gets a copy made then (D9).  Were they shared, the
 *   parent's next write would go to a copy, and the pin keep what the child sees.
 *
 * - A page that may have been seen by another process is not written to in place as
 *   long as somebody has a reference that is not explained.  It may be the other
 *   one's, who has unmapped the page and still reads it, by a pipe for example
 *   (CVE-2020-29374).  The page is left to him, and replaced by a copy.
 *
 * "May have been seen by another": the object has FORKED, and the page has not been
 * given a write right since the last fork, which would be in the write set.
 *
 * Neither is for shared memory, where who has a page is to see what others write to it:
 * several entries that write to the same pages, an entry that will be shared with
 * children, and named objects.
 */
#ifndef _VMOBJ_PIN_H
#define _VMOBJ_PIN_H

#include <linux/mm.h>

#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/object.h>

/**
 * vm_pin_possible() - may pages of the process be pinned?
 * @map: its map
 *
 * One flag of the mm, which is never cleared.  True in unit tests.
 */
static inline bool vm_pin_possible(const struct vm_map *map)
{
	return !map->mm || compat_mm_has_pinned(map->mm);
}

/**
 * vm_pin_in_use() - may somebody else be using a page that may be his?
 * @entry: entry without NEEDS_COPY whose process sees the page; family lock held at
 *	least for reading
 * @pg: page of an anonymous object, folio locked
 * @refs: references to the folio the caller knows of
 *
 * Others may have a reference for a moment.
 *
 * Return: true if there is a reference that nobody knows of, and the memory is not
 * shared.
 */
bool vm_pin_in_use(const struct vm_map_entry *entry, const struct vm_page *pg,
		   int refs);

/**
 * vm_pin_in_use_forked() - vm_pin_foreign(), where it is not obvious
 * @entry: entry
 * @pg: page
 * @refs: references
 */
bool vm_pin_in_use_forked(const struct vm_map_entry *entry,
			  const struct vm_page *pg, int refs);

/**
 * vm_pin_foreign() - may somebody else be using a page of the top object?
 * @entry: as for vm_pin_in_use()
 * @pg: page of the entry's object; folio locked, or mapped by a PTE whose lock is held
 * @refs: references to the folio the caller knows of
 *
 * References do not tell which page of a large one they are for.  If one page was
 * given a write right, all references that are older belong to the process.
 *
 * Return: true if the page must not be written to in place.
 */
static inline bool vm_pin_foreign(const struct vm_map_entry *entry,
				  const struct vm_page *pg, int refs)
{
	/* One is the tree's.  Mostly this is all that is asked. */
	return vm_object_test(entry->object, VM_OBJ_FORKED) &&
	       folio_ref_count(pg->folio) > 1 + refs +
				compat_folio_mapcount_least(pg->folio) &&
	       vm_pin_in_use_forked(entry, pg, refs);
}

/**
 * vm_pin_leave() - replace a page by a copy
 * @map: map; no lock of ours held
 * @index: page, family coordinates
 *
 * To be called when vm_pin_foreign() was true; then the fault is to be tried again.
 * Does not fail: it waits for memory.  May sleep.
 */
void vm_pin_leave(struct vm_map *map, pgoff_t index);

/**
 * vm_pin_keep() - let an entry that is about to be copied keep its pinned pages
 * @entry: entry without NEEDS_COPY that has lost its write rights; others have a
 *	reference to its object; family lock held for writing
 *
 * If there are any, the entry gets a shadow now, with the pinned pages in it, and the
 * old object has copies of them.  Does not fail: it waits for memory.  May sleep.
 */
void vm_pin_keep(struct vm_map_entry *entry);

/**
 * vm_pin_move_up() - move pinned pages from an object to its new shadow
 * @shadow: shadow whose mappers are to keep the pinned pages; has no pages yet;
 *	family lock held for writing; nobody has a right to write to the backing
 *	object
 *
 * The backing object gets copies.  The pages are unmapped: others may see a part of a
 * large one, who are to see the copies; and the kernel may be about to copy page tables
 * to the child (with guard regions).  As vm_pin_keep().
 */
void vm_pin_move_up(struct vm_object *shadow);

#endif /* _VMOBJ_PIN_H */
