/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invariant checker: BSD's vmochk, and more.
 *
 * Numbers (I1, I2, ...) are those of Documentation/invariants.rst.
 */
#ifndef _VMOBJ_CHECK_H
#define _VMOBJ_CHECK_H

struct seq_file;
struct vm_family;

/**
 * vm_check_family() - check all of one family
 * @family: family, lock not held
 * @m: where violations go, a line each; NULL: the kernel log
 *
 * Keeps the family's faults and forks out meanwhile.  May sleep.  Page tables
 * are looked at where the process's mmap_lock is free.
 *
 * Return: number of violations.
 */
unsigned int vm_check_family(struct vm_family *family, struct seq_file *m);

/**
 * vm_check_global() - check what belongs to no family: queues, counters
 * @m: where violations go; NULL: the kernel log
 *
 * Return: number of violations.
 */
unsigned int vm_check_global(struct seq_file *m);

/**
 * vm_check_all() - check everything, to the kernel log
 *
 * Return: number of violations.
 */
unsigned int vm_check_all(void);

#endif /* _VMOBJ_CHECK_H */
