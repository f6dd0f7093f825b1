/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM objects: containers of pages, chained by shadowing.
 *
 * An object T that shadows B shows B's page wherever it has none of its own.
 * Copy-on-write is nothing else: a write puts a copy into T.  An object that
 * is shadowed does not change any more, except that it may be given zero
 * pages where its whole chain has none.
 *
 *	ref_count == shadow_count + map entries + handles
 *
 * always; it is a decision variable ("1: only my shadow uses me") and not
 * what keeps the struct in memory.  The struct lives while it is in its
 * family's list, and that is guarded by the family lock.
 *
 * All pages, of every object of a family, are keyed by family index, and an
 * object covers the window [pg_base, pg_base + size) of it.  BSD's
 * backing_object_offset is the distance between two windows and is never
 * stored: merging and bypassing objects needs no arithmetic and re-keys no
 * page.
 */
#ifndef _VMOBJ_OBJECT_H
#define _VMOBJ_OBJECT_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/xarray.h>

#include <vmobj/family.h>
#include <vmobj/page.h>

/* CPUs with a place of their own in the write set; more of them share. */
#define VM_WRITESET_HINTS	4U

struct vm_handle;
struct vm_map_entry;
struct vm_writeset_group;

/*
 * For the few small structs that fork, unmap and mremap need, which can not
 * report an error.
 */
#define GFP_VMOBJ_NOFAIL	(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL)

/**
 * enum vm_object_type - what stands behind an object
 * @VM_OBJECT_DEFAULT: nothing: anonymous memory that has never been paged out
 * @VM_OBJECT_SWAP: anonymous memory with blocks on a swap store
 * @VM_OBJECT_VNODE: a file
 */
enum vm_object_type {
	VM_OBJECT_DEFAULT,
	VM_OBJECT_SWAP,
	VM_OBJECT_VNODE,
};

/**
 * enum vm_object_flag - bit numbers in &vm_object.flags (BSD: OBJ_*)
 * @VM_OBJ_DEAD: terminated or merged away; on no list of live objects
 * @VM_OBJ_NOSPLIT: never split it at fork
 * @VM_OBJ_ONEMAPPING: no page is mapped by more than one entry
 * @VM_OBJ_WRITEABLE: some page was mapped writable
 * @VM_OBJ_MIGHTBEDIRTY: some page may be dirty
 * @VM_OBJ_FORKED: some page may have been seen by another process
 * @VM_OBJ_COLLAPSE_PENDING: something is to be done to the chain below, later: see
 *	vm_object_put_off()
 */
enum vm_object_flag {
	VM_OBJ_DEAD,
	VM_OBJ_NOSPLIT,
	VM_OBJ_ONEMAPPING,
	VM_OBJ_WRITEABLE,
	VM_OBJ_MIGHTBEDIRTY,
	VM_OBJ_FORKED,
	VM_OBJ_COLLAPSE_PENDING,
};

/**
 * struct vm_object - a container of pages
 * @family: the family it belongs to, for life
 * @family_link: in &vm_family.objects, later &vm_family.dead
 * @shadow_head: objects that shadow this one
 * @shadow_link: in @backing_object's @shadow_head
 * @mappers: &vm_map_entry.mapper_link of all entries that map it
 * @deferred_link: in &vm_family.deferred
 * @backing_object: what shows through where this object has no page
 * @memq: its pages
 * @pg_base: first page of the window, family coordinates
 * @size: pages in the window
 * @ref_count: shadows + entries + handles
 * @shadow_count: length of @shadow_head
 * @flags: bits of enum vm_object_flag; atomic, because faults set some
 * @type: enum vm_object_type
 * @pg_color: BSD's page colour of the first page; kept, shown, not used
 * @paging_in_progress: I/O that needs the object as it is; not a reference
 * @handle: the struct vm_handle of a named object, NULL for anonymous memory
 * @bypass_hint: a page of @backing_object this object lacked when a bypass
 *	was last tried
 * @generation: changes of the lists; see vm_object_generation()
 * @writeset: pages that may be mapped writable, see writeset.h
 * @writeset_base: @pg_base when the object was made
 * @writeset_used: the parts of it that are not empty
 * @writeset_last: parts of it used last, by CPU; written without a lock by faults
 * @swap: blocks of swap by family index, see swap.h
 * @swapped: how many
 * @next_pagein: the page after those read last; written without a lock
 * @swap_changes: counts pages written to swap; family lock, for writing to change it
 * @id: never used twice
 *
 * All but @flags and @paging_in_progress are guarded by the family lock:
 * stable for readers, changed by a writer.
 */
struct vm_object {
	struct vm_family *family;
	struct list_head family_link;
	struct list_head shadow_head;
	struct list_head shadow_link;
	struct list_head mappers;
	struct list_head deferred_link;
	struct vm_object *backing_object;
	struct vm_memq *memq;
	pgoff_t pg_base;
	unsigned long size;
	unsigned int ref_count;
	unsigned int shadow_count;
	unsigned long flags;
	enum vm_object_type type;
	unsigned short pg_color;
	atomic_t paging_in_progress;
	struct vm_handle *handle;
	pgoff_t bypass_hint;
	unsigned long generation;
	struct xarray writeset;
	pgoff_t writeset_base;
	struct llist_head writeset_used;
	struct vm_writeset_group *writeset_last[VM_WRITESET_HINTS];
	struct xarray swap;
	atomic_long_t swapped;
	pgoff_t next_pagein;
	u32 swap_changes;
	u64 id;
};

/* ---- object.c: lifetime ---- */

/**
 * vm_object_init() - make the slab caches (BSD vm_object_init, init2)
 *
 * Return: 0 or -ENOMEM.
 */
int vm_object_init(void);

/** vm_object_exit() - free the slab caches; no object may be left */
void vm_object_exit(void);

/**
 * vm_object_allocate() - a new object (BSD vm_object_allocate)
 * @family: family lock held for writing
 * @type: what stands behind it
 * @pg_base: first page of its window, family coordinates
 * @size: pages in the window, at least 1
 * @gfp: may sleep; with __GFP_NOFAIL it does not fail
 *
 * The object has one reference, which is the caller's, and ONEMAPPING if it
 * is anonymous.
 *
 * Return: the object, or NULL without memory (BSD panicked).
 */
struct vm_object *vm_object_allocate(struct vm_family *family,
				     enum vm_object_type type, pgoff_t pg_base,
				     unsigned long size, gfp_t gfp);

/**
 * vm_object_reference() - one more user (BSD vm_object_reference)
 * @object: live object or NULL; family lock held for writing
 */
void vm_object_reference(struct vm_object *object);

/**
 * vm_object_deallocate() - one user less (BSD vm_object_deallocate)
 * @object: object or NULL; family lock held for writing
 *
 * The last reference terminates the object and lets go of its backing object,
 * and so on down the chain, without recursion.  An object whose only user left
 * is a single shadow is merged into that shadow.
 *
 * A reference too many is a bug of the caller: it is reported and ignored.
 */
void vm_object_deallocate(struct vm_object *object);

/**
 * vm_object_bury() - take an object without users off the books (BSD
 * vm_object_terminate, its first half)
 * @object: object without references, shadows or entries; family lock held for
 *	writing
 *
 * When the lock is let go, vm_object_reap() does the rest.
 */
void vm_object_bury(struct vm_object *object);

/**
 * vm_object_reap() - free what buried objects held (BSD vm_object_terminate, its
 * second half)
 * @dead: list of &vm_object.family_link; no lock held
 *
 * Waits until nobody does I/O in them, then frees their pages.  May sleep.
 */
void vm_object_reap(struct list_head *dead);

/**
 * vm_object_internal() - anonymous and not findable by name
 * @object: object
 *
 * Only such objects are collapsed, bypassed, split or coalesced.
 */
static inline bool vm_object_internal(const struct vm_object *object)
{
	return object->type <= VM_OBJECT_SWAP && !object->handle;
}

/**
 * vm_object_end() - first index behind the window
 * @object: object; family lock held
 */
static inline pgoff_t vm_object_end(const struct vm_object *object)
{
	return object->pg_base + object->size;
}

/**
 * vm_object_shadows() - can an object be seen through another?
 * @object: object; family lock held
 * @below: an object of its chain?  @object itself is one
 */
static inline bool vm_object_shadows(const struct vm_object *object,
				     const struct vm_object *below)
{
	while (object && object != below)
		object = object->backing_object;
	return object;
}

/**
 * vm_object_test() - is a flag set?
 * @object: object
 * @flag: which
 */
static inline bool vm_object_test(const struct vm_object *object,
				  enum vm_object_flag flag)
{
	return test_bit(flag, &object->flags);
}

/**
 * vm_object_mapped_once() - does each page belong to one entry at most?
 * @object: object; family lock held
 *
 * Return: true if there are no shadows, and entries that map it do not overlap.
 */
static inline bool vm_object_mapped_once(const struct vm_object *object)
{
	return !object->shadow_count &&
	       (object->ref_count == 1 ||
		vm_object_test(object, VM_OBJ_ONEMAPPING));
}

/**
 * vm_object_generation() - a number that grows with every change of the pages
 * or the shadow list (BSD generation)
 * @object: object; family lock held
 */
static inline unsigned long vm_object_generation(const struct vm_object *object)
{
	return object->generation +
	       raw_read_seqcount(&object->memq->seq) / 2;
}

/**
 * vm_object_backing_offset() - BSD's backing_object_offset
 * @object: object with a backing object; family lock held
 *
 * Return: bytes from the start of the backing object to the start of this one.
 */
static inline u64 vm_object_backing_offset(const struct vm_object *object)
{
	return (u64)(object->pg_base - object->backing_object->pg_base)
		<< PAGE_SHIFT;
}

/**
 * vm_object_color_at() - the page colour at an index
 * @object: object; family lock held
 * @index: family index in its window
 */
unsigned short vm_object_color_at(const struct vm_object *object,
				  pgoff_t index);

/**
 * vm_object_pip_add() - paging begins (BSD vm_object_pip_add)
 * @object: live object; family lock held
 *
 * Keeps the object, and the family, in memory until vm_object_pip_wakeup().
 */
void vm_object_pip_add(struct vm_object *object);

/**
 * vm_object_pip_wakeup() - paging ends (BSD vm_object_pip_wakeup)
 * @object: object
 *
 * The last one wakes who waits in vm_object_reap(), and starts the collapse
 * that had to wait.  Any context that may take a workqueue lock.
 */
void vm_object_pip_wakeup(struct vm_object *object);

/**
 * vm_object_set_writeable_dirty() - a page gets mapped for writing
 * @object: object; family lock held at least for reading
 *
 * (BSD vm_object_set_writeable_dirty)  Tests before it sets, so that faults do
 * not fight for the cache line.
 */
void vm_object_set_writeable_dirty(struct vm_object *object);

/**
 * vm_object_update_onemapping() - set ONEMAPPING if it holds
 * @object: object; family lock held for writing
 *
 * BSD only sets it for the last of two users.  Here an entry that goes away
 * may leave several behind that map disjoint parts; with few of them that is
 * found out.
 */
void vm_object_update_onemapping(struct vm_object *object);

/* ---- object.c: pages ---- */

/**
 * vm_object_zero_fill() - put a page of zeros where an object has none
 * @object: object; family lock held
 * @index: page of its window, family coordinates
 *
 * May sleep.
 *
 * Return: the folio, not locked, with a reference; -EEXIST if there is a page already,
 * -ENOMEM.
 */
struct folio *vm_object_zero_fill(struct vm_object *object, pgoff_t index);

/* ---- object.c: ranges of pages ---- */

/**
 * vm_object_page_remove() - throw pages away (BSD vm_object_page_remove)
 * @object: object or NULL; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range, or 0: all from @start on
 * @clean_only: keep pages that are dirty, or are being written to their store, or may
 *	become dirty without a fault: those pinned by get_user_pages
 *
 * Unmaps and frees the pages.  A wired page stays where it is but is unmapped
 * and, unless @clean_only, loses its data: it is no longer valid nor dirty.
 * May sleep: waits for busy pages.  (In BSD a range of (0, 0) meant all and
 * (k, k) nothing; here end == 0 is all from start on, and 0 is no family index
 * that is ever mapped.)
 *
 * A large page that is partly in the range stays; that part is filled with zeros,
 * unless somebody uses the page's memory (get_user_pages).
 *
 * Return: false if a large page was left with data in the range.
 */
bool vm_object_page_remove(struct vm_object *object, pgoff_t start, pgoff_t end,
			   bool clean_only);

/**
 * vm_object_pmap_copy() - write-protect a range everywhere
 * @object: object or NULL; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * (BSD vm_object_pmap_copy_1)  After it no PTE of any process lets a write
 * through to the object's pages in the range.  Looks only at pages that may be
 * mapped writable.  May sleep: takes each one's folio lock, so that a fault
 * about to map it is waited for.
 */
void vm_object_pmap_copy(struct vm_object *object, pgoff_t start, pgoff_t end);

/**
 * vm_object_pmap_remove() - unmap a range everywhere (BSD vm_object_pmap_remove)
 * @object: object or NULL; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range; nothing happens unless above @start (BSD
 *	took an empty range for everything)
 *
 * May sleep: takes the folio lock of each resident page.
 */
void vm_object_pmap_remove(struct vm_object *object, pgoff_t start, pgoff_t end);

/* ---- shadow.c ---- */

/**
 * vm_object_link_shadow() - let one object shadow another
 * @object: object without a backing object
 * @backing: object to shadow; the reference is the caller's and becomes
 *	@object's
 *
 * Family lock held for writing.  If the chain is too deep now, a worker will shorten
 * it.
 */
void vm_object_link_shadow(struct vm_object *object, struct vm_object *backing);

/**
 * vm_object_unlink_shadow() - take an object out of its backing object's list
 * @object: object with a backing object; its reference becomes the caller's
 *
 * Family lock held for writing.
 *
 * Return: the object that was shadowed.
 */
struct vm_object *vm_object_unlink_shadow(struct vm_object *object);

/**
 * vm_object_shadow() - get ready for a write to shared or absent data (BSD
 * vm_object_shadow)
 * @family: family lock held for writing
 * @objectp: in: what the entry maps, or NULL; out: what it maps now
 * @start: first page of the entry, family coordinates
 * @length: pages of the entry
 * @gfp: may sleep; with __GFP_NOFAIL it does not fail
 *
 * An internal object with no other user is left alone.  Otherwise there is a
 * new object that covers the range and shadows the old one, if there was one;
 * the caller's reference to the old one passes to it.
 *
 * Return: 0, or -ENOMEM with nothing changed.
 */
int vm_object_shadow(struct vm_family *family, struct vm_object **objectp,
		     pgoff_t start, unsigned long length, gfp_t gfp);

/**
 * vm_object_split() - give part of an object a life of its own
 * @object: internal object with ONEMAPPING and more than one reference
 * @start: first page of the part, family coordinates
 * @end: first page behind it
 *
 * (BSD vm_map_split, FreeBSD vm_object_split)  The pages of the range move to
 * a new object over the same backing object.  The caller's reference to
 * @object remains and is to be dropped.  Family lock held for writing; does not
 * fail; the cost is in proportion to the resident pages of the range.
 *
 * Return: the new object with one reference, ONEMAPPING set.
 */
struct vm_object *vm_object_split(struct vm_object *object, pgoff_t start,
				  pgoff_t end);

/**
 * vm_object_freeze() - make a strict copy of a shared object possible
 * @object: object others write to directly; the caller has a reference of its
 *	own, for the copy it makes
 *
 * Puts a new shadow on top and moves all direct writers (entries without
 * NEEDS_COPY) to it, so that @object stays as it is from now on.  BSD has no
 * such thing: there a sharer's later writes show in the copy.  Family lock
 * held for writing; does not fail.  May sleep.
 */
void vm_object_freeze(struct vm_object *object);

/**
 * vm_object_coalesce() - may an object take an adjacent range? (BSD
 * vm_object_coalesce)
 * @prev: object of the entry before the range, or NULL; family lock held for
 *	writing
 * @prev_end: first page behind that entry, where the range begins, family
 *	coordinates
 * @pages: pages of the range
 *
 * If it can, the object's window covers the range on return, and pages an
 * earlier mapping left there are gone.  An object that others use may not only grow at
 * its end, as in 2006, but take a hole that nobody maps, as in FreeBSD since 2018.
 *
 * Return: true when it did (always for a NULL object).
 */
bool vm_object_coalesce(struct vm_object *prev, pgoff_t prev_end,
			unsigned long pages);

/**
 * vm_object_coalesce_front() - may an object take the range before it?
 * @next: object of the entry behind the range, or NULL; family lock held for writing
 * @next_start: first page of that entry, where the range ends, family coordinates
 * @pages: pages of the range
 *
 * vm_object_coalesce() in a mirror.  BSD does not look there, but it hands out addresses
 * upwards, and Linux downwards.
 *
 * Return: true when it did (always for a NULL object).
 */
bool vm_object_coalesce_front(struct vm_object *next, pgoff_t next_start,
			      unsigned long pages);

/* ---- collapse.c ---- */

/**
 * enum vm_scan_op - modes of vm_object_backing_scan()
 * @VM_SCAN_ALL_SHADOWED: only test whether the object has a page wherever its
 *	backing object has one
 * @VM_SCAN_COLLAPSE_NOWAIT: move what is idle
 * @VM_SCAN_COLLAPSE_WAIT: move everything, waiting for busy pages
 */
enum vm_scan_op {
	VM_SCAN_ALL_SHADOWED,
	VM_SCAN_COLLAPSE_NOWAIT,
	VM_SCAN_COLLAPSE_WAIT,
};

/**
 * vm_object_backing_scan() - scan the backing object's pages in the window of
 * its shadow (BSD vm_object_backing_scan)
 * @object: object with an internal backing object; family lock held for writing
 * @op: what to do
 *
 * Return: for VM_SCAN_ALL_SHADOWED whether it is so; otherwise true.
 */
bool vm_object_backing_scan(struct vm_object *object, enum vm_scan_op op);

/**
 * vm_object_collapse() - shorten the chain below an object (BSD
 * vm_object_collapse)
 * @object: object or NULL; family lock held for writing
 *
 * As long as it helps: merge a backing object that has no other user into the
 * object, or let the object shadow what is behind a backing object that is
 * fully shadowed (bypass).  Costs the smaller number of pages of the two; if that
 * is more than VM_MERGE_AT_ONCE, it is put off.  If paging is in progress in
 * either, moves what is idle and leaves the rest to the end of paging.  May sleep.
 */
void vm_object_collapse(struct vm_object *object);

/**
 * vm_object_collapse_survivor() - merge an object into its only user
 * @object: object whose only reference is that of its only shadow; family lock
 *	held for writing
 *
 * Nobody but that shadow sees the object any more.  BSD took a reference to the
 * shadow across the sleep for paging, and the drop of that reference set
 * ONEMAPPING; we do not sleep and set it here.
 */
void vm_object_collapse_survivor(struct vm_object *object);

/**
 * vm_object_put_off() - let a worker shorten the chain below an object
 * @object: object; family lock held for writing
 *
 * Marks the object COLLAPSE_PENDING.  The mark stays as long as anything is left
 * to be done: a merge that waits for paging or is big, or a chain that is too deep.
 */
void vm_object_put_off(struct vm_object *object);

/**
 * vm_object_large_gone() - a large page has been paged out
 * @object: object it was in; family lock held for writing
 *
 * If it was the last one, and the object has only one user left, a worker merges the two:
 * large pages may have kept them apart.
 */
void vm_object_large_gone(struct vm_object *object);

/**
 * vm_object_collapse_pending() - do a piece of what was put off
 * @family: family lock held for writing
 *
 * May sleep.  What is not done stays marked.
 *
 * Return: true if there is more to do; false when all is done or has to wait for
 * somebody who will see to it (paging), or for somebody's use of a page.
 */
bool vm_object_collapse_pending(struct vm_family *family);

/**
 * vm_object_shows() - does a page show through the object above?
 * @object: object that shadows the one @pg is in; family lock held for writing
 * @pg: page, of any size
 *
 * Return: true if @object lacks a valid page of its own somewhere where @pg is.
 */
bool vm_object_shows(struct vm_object *object, const struct vm_page *pg);

/**
 * vm_object_collapse_deferred() - do the collapses that other collapses made
 * possible
 * @family: family lock held for writing
 */
void vm_object_collapse_deferred(struct vm_family *family);

/* ---- copyup.c ---- */

/* Pages that are moved or copied before the family lock is let go. */
#define VM_PIECE	256

/* A merge that moves, frees or copies more pages than this is left to a worker. */
#define VM_MERGE_AT_ONCE	4096

/* Parameter: objects behind one before its chain is shortened. */
extern unsigned int vm_max_chain_depth;

/**
 * vm_object_deeper() - are there more than so many objects behind one?
 * @object: object; family lock held
 * @depth: how many
 */
bool vm_object_deeper(const struct vm_object *object, unsigned long depth);

/**
 * vm_object_limit_depth() - see to it that the chain below an object is not too
 * deep for long
 * @object: object; family lock held for writing
 */
void vm_object_limit_depth(struct vm_object *object);

/**
 * vm_object_copy_up() - a piece of making a chain one object shorter
 * @top: top of the chain; family lock held for writing
 * @budget: pages that may be copied; is lowered, and may be exceeded by less than
 *	one large page
 *
 * Chooses the object of which the one above it can see the fewest pages, copies
 * those, and lets that one skip it.  Nothing that anybody sees changes, and nothing
 * is remembered until the next call.  May sleep.  BSD has no such thing.
 *
 * Return: false if nothing could be done: all that is left pages, has pages that
 * somebody uses (get_user_pages), or there is no memory.
 */
bool vm_object_copy_up(struct vm_object *top, unsigned long *budget);

/**
 * vm_family_copy_up_swapped() - make a chain shorter that is kept long by what is in swap
 * @family: family lock not held
 *
 * Reads one page, and its neighbours if they come in a row, and copies it into the object
 * above.  It is of the object for which least has to be read and copied.  May sleep, and do
 * I/O.
 *
 * Return: true if that was a success, and more may be; false if there is nothing to do, or no
 * room under the limit.
 */
bool vm_family_copy_up_swapped(struct vm_family *family);

/**
 * vm_object_copy_up_page() - copy what shows of a page into the object above
 * @object: object that shadows the one @pg is in; family lock held for writing
 * @pg: page, of any size
 * @budget: lowered by the pages copied, but not below 0
 *
 * Unmaps @pg everywhere: whoever saw it through @object must not see what happens
 * to it later.  May sleep.
 *
 * Return: true if nothing of it shows any more; false if somebody uses the page, it
 * has no data, or memory ran out; then a part of it may have been copied.
 */
bool vm_object_copy_up_page(struct vm_object *object, struct vm_page *pg,
			    unsigned long *budget);

/* ---- promote.c ---- */

/* A range is promoted when it has one page of so many, as a power of two. */
#define VM_PROMOTE_SHIFT	4

/**
 * vm_object_promote() - make one large page of small ones, where they are
 * @object: object; family lock held for writing.  What maps it there does so for all
 *	of the large page.
 * @large: a fresh large page of zeros, in no tree, not busy
 *
 * Only if no two entries map the same of the object, it has no shadow, nothing behind it,
 * and in the range at least one page of 1 << VM_PROMOTE_SHIFT.  Unmaps the range.
 * May sleep.
 *
 * Return: false if that is not so, or somebody uses a page (get_user_pages, wiring);
 * then nothing has changed, but pages may have been unmapped.
 */
bool vm_object_promote(struct vm_object *object, struct vm_page *large);

#endif /* _VMOBJ_OBJECT_H */
