/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/vmobj/: objects, pages, check, stats, graph.
 */
#ifndef _VMOBJ_DEBUGFS_H
#define _VMOBJ_DEBUGFS_H

/** vmobj_debugfs_init() - make the files; without debugfs there are none */
void vmobj_debugfs_init(void);

/** vmobj_debugfs_exit() - remove the files, waiting for who reads them */
void vmobj_debugfs_exit(void);

#endif /* _VMOBJ_DEBUGFS_H */
