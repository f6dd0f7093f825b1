/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Swap stores: where blocks of swap are, and who has which.
 *
 * A block holds one page.  A store is a shmem file (the default: the system's own swap
 * takes it from there), a file, or a block device.  This knows nothing of objects and
 * pages of objects; swap.c keeps which block belongs to what.
 *
 * Lock order: vm_drain_lock (mutex: one store is removed at a time) is taken with nothing
 * held, and family locks are taken inside; vm_swblk_lock (spinlock: the list of stores, all
 * blocks) is innermost, below the queue lock.  "Any context" below is any but interrupts.
 */
#ifndef _VMOBJ_SWAPSTORE_H
#define _VMOBJ_SWAPSTORE_H

#include <linux/types.h>

struct page;
struct seq_file;

/*
 * A block: its store, and where it is there.  Fits into an xarray's value.  0 is none.
 * Blocks that follow one another have numbers that follow one another.
 */
typedef u64 vm_swblk_t;

#define VM_SWBLK_NONE	((vm_swblk_t)0)

/**
 * vm_swblk_run() - how many blocks follow one another, from the first of some on
 * @blk: the blocks
 * @nr: how many there are, at least 1
 *
 * Any context.
 *
 * Return: 1 to @nr.
 */
static inline unsigned int vm_swblk_run(const vm_swblk_t *blk, unsigned int nr)
{
	unsigned int run = 1;

	while (run < nr && blk[run] == blk[0] + run)
		run++;
	return run;
}

/* Pages that a store is asked to read or write at once, unless it wants more. */
#define VM_STORE_PAGES	32

/**
 * struct vm_store_ops - what a store can do; @data is the store's own
 * @type: what kind of a store it is, one word
 * @in_memory: a block that is in use takes memory
 * @fast: a page is read in less time than it takes to fault again
 * @most: pages that it can read or write at once; 0: VM_STORE_PAGES
 * @read: read @nr pages, at most @most, from block @first of it on.  May sleep
 * @write: write them.  May sleep; is called by who makes memory free
 * @discard: what is in these blocks is not needed any more.  May sleep.  May be NULL
 * @close: no block is in use; free @data.  May sleep.  May be NULL
 *
 * @read and @write return 0 or a negative errno.
 */
struct vm_store_ops {
	const char *type;
	bool in_memory;
	bool fast;
	unsigned int most;
	int (*read)(void *data, unsigned long first, struct page **pages,
		    unsigned int nr);
	int (*write)(void *data, unsigned long first, struct page **pages,
		     unsigned int nr);
	void (*discard)(void *data, unsigned long first, unsigned long nr);
	void (*close)(void *data);
};

/**
 * vm_swapstore_init() - get ready, and open the stores named by parameters
 *
 * Return: 0 or a negative errno.
 */
int vm_swapstore_init(void);

/** vm_swapstore_exit() - close all stores; no block is in use */
void vm_swapstore_exit(void);

/**
 * vm_swapstore_add() - one more store, with operations of its own
 * @name: what it is called
 * @ops: what it can do
 * @data: passed to @ops
 * @blocks: how many blocks it has, at least 1
 * @checksums: keep a checksum of each block and compare it when it is read
 * @priority: the store with the highest, of those with room, is used first
 *
 * May sleep.
 *
 * Return: 0; -EINVAL for no blocks; -EEXIST if the name is known; -ENOSPC if there are too
 * many stores; -ENOMEM.  The caller still has @data then.
 */
int vm_swapstore_add(const char *name, const struct vm_store_ops *ops, void *data,
		     unsigned long blocks, bool checksums, int priority);

/**
 * vm_swapstore_remove() - close a store (like swapoff)
 * @name: its name
 *
 * Takes no more blocks of it, has vm_swap_drain() bring back what is in it, waits until
 * blocks on their way have been given back, and closes it.  May sleep, long.
 *
 * Return: 0; -ENOENT; -EBUSY if somebody does it already; -EINTR, -ENOMEM or -EIO if not
 * all could be brought back: then the store goes on as before.
 */
int vm_swapstore_remove(const char *name);

/**
 * vm_swblk_alloc() - blocks that follow one another
 * @nr: how many, at least 1
 * @first: out: the first of them
 *
 * Any context.  Of the store with the highest priority that has any.  Does not open the
 * default store: see vm_swapstore_prepare().
 *
 * Return: how many there are, 1 to @nr; 0 if there is no room.
 */
unsigned int vm_swblk_alloc(unsigned int nr, vm_swblk_t *first);

/**
 * vm_swapstore_prepare() - have a store: open the default one if there is none
 *
 * May sleep.  Cheap when there is one.
 *
 * Return: 0 or a negative errno.
 */
int vm_swapstore_prepare(void);

/**
 * vm_swblk_free() - give blocks back
 * @first: the first
 * @nr: how many
 *
 * Any context: what they hold is discarded later, by a worker, and only then they can be
 * allocated again.
 */
void vm_swblk_free(vm_swblk_t first, unsigned int nr);

/**
 * vm_swblk_spoil() - a block cannot be written: never use it again
 * @blk: block, allocated
 *
 * Any context.  It is counted as bad and no longer as used.
 */
void vm_swblk_spoil(vm_swblk_t blk);

/**
 * vm_swblk_draining() - is a block on a store that is being removed?
 * @blk: block
 *
 * Any context.
 */
bool vm_swblk_draining(vm_swblk_t blk);

/**
 * vm_swblk_keeps() - does it pay to keep a block whose page has been read?
 * @blk: block
 *
 * Not where it takes memory (shmem), or where room is short.  Any context.
 */
bool vm_swblk_keeps(vm_swblk_t blk);

/**
 * vm_swblk_fast() - does it take so little time to read a block that nobody has to wait?
 * @blk: block
 *
 * Any context.
 */
bool vm_swblk_fast(vm_swblk_t blk);

/**
 * vm_swblk_write() - write pages to blocks that follow one another
 * @first: the first block
 * @pages: small pages, or parts of large ones, one for each block
 * @nr: how many
 *
 * May sleep.  No lock of ours and no mmap_lock held.  Does not dip into reserves of memory
 * for the default store, so the caller need not be, and better is not, PF_MEMALLOC.
 *
 * Return: 0 or a negative errno: some or none have been written.  -ENOMEM says nothing
 * about the blocks; after any other error one of them is better spoiled.
 */
int vm_swblk_write(vm_swblk_t first, struct page **pages, unsigned int nr);

/**
 * vm_swblk_read() - read pages from blocks that follow one another
 * @first: the first block
 * @pages: one for each block
 * @nr: how many
 *
 * May sleep.
 *
 * Return: 0; -EBADMSG if the checksum of one is wrong; -ENXIO if the store has gone;
 * -EINTR if the caller is being killed; another negative errno of the store.  The caller
 * tells the world, if the block is still what it wants.
 */
int vm_swblk_read(vm_swblk_t first, struct page **pages, unsigned int nr);

/**
 * vm_swblk_used() - blocks in use on all stores
 *
 * Any context.
 */
unsigned long vm_swblk_used(void);

/**
 * vm_swblk_room() - blocks that could still be allocated; what the default store would
 * have if it is not open yet
 *
 * Any context.  Includes blocks that will be discarded in a moment.
 */
unsigned long vm_swblk_room(void);

/**
 * vm_swapstore_frees() - does it make memory free to write a page?
 *
 * Any context.  Not so if all stores are full; and the default one is memory, too, unless
 * the system has swap for it.
 */
bool vm_swapstore_frees(void);

/**
 * vm_swapstore_in_memory() - would a page that is written now stay in memory?
 *
 * So it is with the default store, until Linux swaps it out.  Any context but interrupts.
 */
bool vm_swapstore_in_memory(void);

/**
 * vm_swapstore_show() - the stores, a line for each
 * @m: where to
 *
 * name type blocks used bad priority pages_read reads pages_written writes, where reads
 * and writes are calls of the store's operations.  Any context.
 */
void vm_swapstore_show(struct seq_file *m);

/**
 * vm_swapstore_control() - what an administrator writes to debugfs "swap"
 * @command: "add PATH [PRIORITY]", "remove NAME"; ends with 0; is overwritten.  Blanks in
 *	names are written as vm_swapstore_show() shows them (\040)
 *
 * The caller has seen to it that who asks may.  May sleep, long.
 *
 * Return: 0; -EINVAL for what is not understood; what the store said.
 */
int vm_swapstore_control(char *command);

#endif /* _VMOBJ_SWAPSTORE_H */
