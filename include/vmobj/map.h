/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps and map entries: who sees which object where.
 *
 * A map belongs to one process and one family; BSD's vm_map, cut into
 * families.  Its entries are keyed by family index and not tied to VMAs: Linux
 * may cut and join the VMAs of a map as it likes (newer kernels do it without
 * telling the driver), the entries stay what they are.
 *
 * Address and index of a VMA differ by its bias:
 *
 *	bias = (vm_start >> PAGE_SHIFT) - vm_pgoff
 *
 * A fresh mapping has bias 0.  mremap() moves a range to another address and
 * keeps its indexes, so what it moves gets another bias.  A process has one map
 * per (family, bias); so the VMAs of a map never overlap, not even by index,
 * and what is moved away leaves a hole that can be filled with fresh memory.
 *
 * Entries lie where VMAs of the map are.  A hole under a VMA is what it has grown by;
 * the next fault, fork or move makes the entry, with the inheritance of what is
 * before it: fresh memory, or the family's named object if it has one.
 *
 * Linux copies a VMA to a child whatever the range's inheritance says.  What the child
 * was not to get (VM_INHERIT_NONE) is an entry too, an absent one: nothing is there, and
 * faults fail, as if nothing were mapped.
 *
 * VMAs of different maps of a process have different vm_files, made by mmap or mremap:
 * newer kernels (6.12) would let mremap() put a range into a VMA beside it without telling
 * us, but not if the file is another.  VMAs of the same map may have the same: what was cut
 * from one, or mapped beside it.
 *
 * All of it is guarded by the family lock.
 */
#ifndef _VMOBJ_MAP_H
#define _VMOBJ_MAP_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rbtree.h>

#include <vmobj/object.h>

/**
 * enum vm_inherit - what a child gets (BSD minherit)
 * @VM_INHERIT_COPY: a copy, made lazily
 * @VM_INHERIT_SHARE: the same memory
 * @VM_INHERIT_NONE: nothing
 * @VM_INHERIT_ZERO: fresh memory, for which the same holds
 *
 * The numbers are those of VMOBJ_INHERIT_*.
 */
enum vm_inherit {
	VM_INHERIT_COPY,
	VM_INHERIT_SHARE,
	VM_INHERIT_NONE,
	VM_INHERIT_ZERO,
};

/**
 * struct vm_map_entry - a range of a map and its object
 * @rb: in &vm_map.entries
 * @map: the map
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @object: what is seen there; NULL until something is touched
 * @mapper_link: in &vm_object.mappers of @object
 * @inheritance: enum vm_inherit
 * @needs_copy: shadow the object before the first write (BSD MAP_ENTRY_NEEDS_COPY)
 * @absent: nothing is there: no object, ever; @inheritance is VM_INHERIT_NONE
 *
 * There is no offset: pages, objects and entries have the same coordinate.
 */
struct vm_map_entry {
	struct rb_node rb;
	struct vm_map *map;
	pgoff_t start;
	pgoff_t end;
	struct vm_object *object;
	struct list_head mapper_link;
	enum vm_inherit inheritance;
	bool needs_copy;
	bool absent;
};

/**
 * struct vm_map_move - an mremap under way in the source map
 * @start: first page moved, family coordinates
 * @end: first page behind, as far as it is known yet
 * @copied_end: up to where entries were copied
 * @bias: of the map they went to
 * @alias: nothing moves, the memory gets a second address (old length 0)
 * @pending: the unmapping of the old place will tell the true end
 */
struct vm_map_move {
	pgoff_t start;
	pgoff_t end;
	pgoff_t copied_end;
	long bias;
	bool alias;
	bool pending;
};

/* CPUs with memory of their own for faults in a map; more of them share. */
#define VM_MAP_STREAMS	8U

/**
 * struct vm_stream - what the faults of one CPU in a map leave for the next
 * @next_write: index the next write would have if they go upwards
 * @granted: see vm_map_grant()
 * @near: page faulted on last; see vm_stream_near()
 * @near_writes: &vm_family.writes when it was found
 * @reserve: pages for the next faults
 *
 * Threads that touch one mapping are several streams, each of which goes upwards, say,
 * where all together go nowhere; and they would fight for the cache line.  A stream is
 * made by the first fault, and goes with the map.
 */
struct vm_stream {
	pgoff_t next_write;
	u64 granted;
	struct vm_page *near;
	u32 near_writes;
	struct vm_reserve reserve;
};

/**
 * struct vm_map - the entries of one process, family and bias
 * @rb: in &vm_family.maps
 * @memcg_link: see memcg.h
 * @id: never used twice
 * @family: family; kept by the vm_file of the VMAs
 * @mm: the process; compared, and used while it is known to live.  NULL in unit
 *	tests: then there are no page tables.
 * @bias: pages to add to an index to get the address
 * @entries: &vm_map_entry.rb by index
 * @hint: entry found last, or NULL; written without a lock by faults
 * @nr_entries: entries in @entries
 * @nr_vmas: VMAs whose vm_private_data is the map; the map goes with the last
 * @streams: by CPU, see vm_map_stream()
 * @split_at: address of the last may_split call, 0 for none
 * @split_again: it was called twice with that address
 * @locked_to: where the VMAs end that the fork under way has locked; mmap_lock
 * @move: the last mremap out of this map
 * @move_source: the map an mremap into this one comes from, while it runs
 */
struct vm_map {
	struct rb_node rb;
	struct list_head memcg_link;
	u64 id;
	struct vm_family *family;
	struct mm_struct *mm;
	long bias;
	struct rb_root entries;
	struct vm_map_entry *hint;
	unsigned long nr_entries;
	unsigned int nr_vmas;
	struct vm_stream *streams[VM_MAP_STREAMS];
	unsigned long split_at;
	bool split_again;
	unsigned long locked_to;
	struct vm_map_move move;
	struct vm_map *move_source;
};

/**
 * vm_map_grant() - that a page may be written, as a number
 * @map: map
 * @page: page of the top object of an entry of the map; family lock held, or the
 *	folio lock
 *
 * A write fault looks for a page and then comes to page_mkwrite, which would have
 * to look again.  It need not if the structure is the same: the number has the
 * page, and how often the structure's lock has been taken for writing.  Whoever
 * takes away the right to write takes that lock, and then the folio's.
 *
 * Return: the number, 0 where it cannot be had.
 */
static inline u64 vm_map_grant(const struct vm_map *map, struct page *page)
{
	/* Read in one piece? */
	if (!IS_ENABLED(CONFIG_64BIT))
		return 0;
	return (u64)page_to_pfn(page) << 32 | READ_ONCE(map->family->writes);
}

/**
 * vm_map_init() - make the slab cache
 *
 * Return: 0 or -ENOMEM.
 */
int vm_map_init(void);

/** vm_map_exit() - free the slab cache; no map may be left */
void vm_map_exit(void);

/**
 * vm_map_make_stream() - vm_map_stream() where there is none yet
 * @place: in &vm_map.streams
 */
struct vm_stream *vm_map_make_stream(struct vm_stream **place);

/**
 * vm_map_stream() - the stream that a fault belongs to
 * @map: map that stays, as it does for who has a VMA of it locked
 *
 * Others may use it at the same time.  Does not fail.  May sleep.
 */
static inline struct vm_stream *vm_map_stream(struct vm_map *map)
{
	struct vm_stream **place = &map->streams[raw_smp_processor_id() %
						 VM_MAP_STREAMS];
	struct vm_stream *stream = READ_ONCE(*place);

	return likely(stream) ? stream : vm_map_make_stream(place);
}

/**
 * vm_stream_near() - a page that the next one wanted may be near to
 * @stream: stream of the map of an entry
 * @family: its family; lock held for reading
 *
 * No page has been freed since the lock was last held for writing, so if that is as often
 * as it was then, this one has not.
 *
 * Return: the page, which may have left its tree, or NULL.
 */
static inline struct vm_page *vm_stream_near(const struct vm_stream *stream,
					     const struct vm_family *family)
{
	/* pairs with the release in vm_stream_set_near() */
	if (smp_load_acquire(&stream->near_writes) != family->writes)
		return NULL;
	return READ_ONCE(stream->near);
}

/**
 * vm_stream_set_near() - what vm_stream_near() is to return
 * @stream: as for vm_stream_near()
 * @family: as for vm_stream_near()
 * @pg: page in a tree of the family
 *
 * Who does that at the same time holds the lock as well, so has the same number.
 */
static inline void vm_stream_set_near(struct vm_stream *stream,
				      const struct vm_family *family,
				      struct vm_page *pg)
{
	WRITE_ONCE(stream->near, pg);
	/* a page is not found with a number from before it */
	smp_store_release(&stream->near_writes, family->writes);
}

/**
 * vm_map_address() - the address of an index
 * @map: map
 * @index: family index
 *
 * Return: user address, in bytes.
 */
static inline unsigned long vm_map_address(const struct vm_map *map,
					   pgoff_t index)
{
	return (index + map->bias) << PAGE_SHIFT;
}

/**
 * vm_map_create() - an empty map
 * @family: family lock held for writing
 * @mm: the process, or NULL in unit tests
 * @bias: see &struct vm_map
 *
 * Does not fail.  May sleep.
 *
 * Return: the map; it goes with vm_map_destroy().
 */
struct vm_map *vm_map_create(struct vm_family *family, struct mm_struct *mm,
			     long bias);

/**
 * vm_map_find() - the map of a process with a given bias
 * @family: family lock held
 * @mm: the process
 * @bias: see &struct vm_map
 *
 * Return: the map or NULL.
 */
struct vm_map *vm_map_find(struct vm_family *family, struct mm_struct *mm,
			   long bias);

/**
 * vm_map_destroy() - delete all entries and the map
 * @map: family lock held for writing
 */
void vm_map_destroy(struct vm_map *map);

/**
 * vm_map_lookup() - the entry at an index (BSD vm_map_lookup_entry)
 * @map: family lock held at least for reading
 * @index: family index
 *
 * Return: the entry or NULL.
 */
struct vm_map_entry *vm_map_lookup(struct vm_map *map, pgoff_t index);

/**
 * vm_map_first() - first entry that ends behind an index
 * @map: family lock held
 * @index: family index
 *
 * Return: the entry or NULL.
 */
struct vm_map_entry *vm_map_first(const struct vm_map *map, pgoff_t index);

/**
 * vm_map_next() - the entry with the next higher index
 * @entry: family lock held
 *
 * Return: the entry or NULL.
 */
static inline struct vm_map_entry *vm_map_next(const struct vm_map_entry *entry)
{
	return rb_entry_safe(rb_next(&entry->rb), struct vm_map_entry, rb);
}

/**
 * vm_map_any_absent() - is there an absent entry in a range?
 * @map: family lock held
 * @start: first page, family coordinates
 * @end: first page behind the range
 */
bool vm_map_any_absent(const struct vm_map *map, pgoff_t start, pgoff_t end);

/**
 * vm_map_insert() - a new entry (BSD vm_map_insert)
 * @map: family lock held for writing; has nothing in the range
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @object: object or NULL; the caller's reference becomes the entry's
 * @inheritance: what a child gets
 * @needs_copy: see &struct vm_map_entry
 *
 * If the entry before it is just like it, that is extended instead.  Does not
 * fail.
 *
 * Return: the entry that covers the range.
 */
struct vm_map_entry *vm_map_insert(struct vm_map *map, pgoff_t start,
				   pgoff_t end, struct vm_object *object,
				   enum vm_inherit inheritance,
				   bool needs_copy);

/**
 * vm_map_entry_shared() - does somebody else write to the same pages directly?
 * @entry: entry with an object; family lock held at least for reading
 */
bool vm_map_entry_shared(const struct vm_map_entry *entry);

/**
 * vm_map_insert_fresh() - fresh memory (BSD vm_map_insert without an object)
 * @map: family lock held for writing; has nothing in the range
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @inheritance: what a child gets
 *
 * Extends the entry before the range and its object, or else the one behind it, if that
 * is possible.  Does not fail.  May sleep.
 */
void vm_map_insert_fresh(struct vm_map *map, pgoff_t start, pgoff_t end,
			 enum vm_inherit inheritance);

/**
 * vm_map_entry_set_object() - let an entry map another object
 * @entry: family lock held for writing
 * @object: the caller's reference becomes the entry's; the entry's reference
 *	to its old object becomes the caller's
 */
void vm_map_entry_set_object(struct vm_map_entry *entry,
			     struct vm_object *object);

/**
 * vm_map_clip() - make an entry boundary (BSD vm_map_clip_start, clip_end)
 * @map: family lock held for writing
 * @index: where, family coordinates
 *
 * Does not fail.
 */
void vm_map_clip(struct vm_map *map, pgoff_t index);

/**
 * vm_map_insert_mapping() - a mapping that is new
 * @map: family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range, in which there are no entries
 * @inheritance: VM_INHERIT_SHARE if it shares the family's named object
 *
 * Of that object or, if there is none, fresh memory.  What is beside it, maybe of the same
 * object, does not matter.
 */
void vm_map_insert_mapping(struct vm_map *map, pgoff_t start, pgoff_t end,
			   enum vm_inherit inheritance);

/**
 * vm_map_fill() - give holes fresh memory (growth)
 * @map: family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @inheritance: of what is new and has nothing before it
 *
 * Otherwise that is as what is before it.  See vm_map_insert_fresh().
 */
void vm_map_fill(struct vm_map *map, pgoff_t start, pgoff_t end,
		 enum vm_inherit inheritance);

/**
 * vm_map_delete() - unmap a range (BSD vm_map_delete)
 * @map: family lock held for writing; the range has no PTEs any more
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * Pages nobody else can see are freed.
 */
void vm_map_delete(struct vm_map *map, pgoff_t start, pgoff_t end);

/**
 * vm_map_fork() - copy entries to a child (BSD vmspace_fork)
 * @child: map of the child with nothing in the range
 * @parent: map of the parent; family lock held for writing, and if it has an
 *	mm, that mm's mmap_lock too
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * What each entry's inheritance says.  Copies are lazy: parent and child get
 * NEEDS_COPY and the parent loses its write rights; the TLB flush is the
 * caller's.  What is not inherited is absent in the child.  Does not fail.
 */
void vm_map_fork(struct vm_map *child, struct vm_map *parent, pgoff_t start,
		 pgoff_t end);

/**
 * vm_map_share() - let two maps of one process show the same objects
 * @to: map with nothing in the range
 * @from: map to take the entries from; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @stays: both may be used from now on, and must stay the same memory
 *
 * First half of a move (mremap); the second is vm_map_reset() or vm_map_delete() in
 * @from.  Does not fail.
 */
void vm_map_share(struct vm_map *to, struct vm_map *from, pgoff_t start,
		  pgoff_t end, bool stays);

/**
 * vm_map_reset() - make a range fresh memory for this map
 * @map: family lock held for writing; the range has no PTEs, and no fault is on its way
 *	to one
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * The entries stay, with their inheritance, and lose their objects.  Pages nobody else
 * can see are freed.  Does not fail.
 */
void vm_map_reset(struct vm_map *map, pgoff_t start, pgoff_t end);

/**
 * vm_map_zero() - let a range read as zeros (VMOBJ_ADV_DISCARD)
 * @map: as for vm_map_reset()
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * What others share with the map is zeros for them as well, as if it had been
 * written; lazy copies of it stay what they are.  All else is as vm_map_reset(), but
 * keeps the object where that is the map's own.  May sleep: waits for busy pages.
 *
 * Return: 0, or -EOPNOTSUPP for shared memory that is not anonymous; what comes before
 * it has been done then.
 */
int vm_map_zero(struct vm_map *map, pgoff_t start, pgoff_t end);

/**
 * vm_map_inherit() - set the inheritance of a range (BSD vm_map_inherit)
 * @map: family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind the range
 * @inheritance: what children will get
 *
 * Entries are cut at the ends, and joined again where they are alike.  Absent ones are
 * left alone.  Does not fail.
 */
void vm_map_inherit(struct vm_map *map, pgoff_t start, pgoff_t end,
		    enum vm_inherit inheritance);

/**
 * vm_map_prepare() - give an entry the object a fault needs (BSD
 * vm_map_lookup, its second half)
 * @map: family lock not held
 * @index: page touched, family coordinates
 * @write: it will be written to
 *
 * Allocates the object of an untouched entry; for a write shadows the object of
 * a NEEDS_COPY entry.  May sleep.
 *
 * Return: 0, -ENOMEM, -EFAULT when there is no entry, or -EACCES when it is absent.
 */
int vm_map_prepare(struct vm_map *map, pgoff_t index, bool write);

/**
 * vm_map_promote() - make a superpage of the small pages around an index, if that
 * can be done
 * @map: family lock not held; a VMA of the map, locked, could map the superpage
 * @index: page touched, family coordinates
 *
 * See vm_object_promote().  May sleep.
 */
void vm_map_promote(struct vm_map *map, pgoff_t index);

#endif /* _VMOBJ_MAP_H */
