/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is behind swap stores: a shmem file, files, block devices.  Between swapstore.c
 * and swapfile.c; others use <vmobj/swapstore.h>.
 */
#ifndef _VMOBJ_SWAPFILE_H
#define _VMOBJ_SWAPFILE_H

struct workqueue_struct;

/* For discards, and for writes of processes; makes memory free. */
extern struct workqueue_struct *vm_swap_wq;

/**
 * vm_swapfile_init() - get ready, and add the stores named by the parameter "swap"
 *
 * May sleep.
 *
 * Return: 0 or a negative errno; then vm_swapfile_exit() is still to be called.
 */
int vm_swapfile_init(void);

/** vm_swapfile_exit() - undo vm_swapfile_init(); all stores are closed.  May sleep. */
void vm_swapfile_exit(void);

/**
 * vm_swapfile_add() - add a file or a block device as a store
 * @path: where it is, beginning with "/"; the name of the store
 * @priority: see vm_swapstore_add()
 *
 * With the rights of who calls.  May sleep.
 *
 * Return: 0; -EINVAL if it cannot be one, or has holes; -EBUSY, -ETXTBSY if it is in
 * use; -EEXIST; -ENOSPC if there are too many stores; -ENOMEM; what opening and reading
 * it said.
 */
int vm_swapfile_add(const char *path, int priority);

/**
 * vm_swapfile_remove() - remove a store; if it is the default store, do not open it again
 * @name: its name
 *
 * May sleep, long.
 *
 * Return: see vm_swapstore_remove().
 */
int vm_swapfile_remove(const char *name);

/**
 * vm_swapshmem_add() - open the default store
 *
 * May sleep.
 *
 * Return: 0; -EEXIST if it is there; -ENOSPC if there is to be none; another negative
 * errno.
 */
int vm_swapshmem_add(void);

/**
 * vm_swapshmem_blocks() - blocks that the default store has, or will have
 *
 * Any context.
 */
unsigned long vm_swapshmem_blocks(void);

#endif /* _VMOBJ_SWAPFILE_H */
