// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmobj: anonymous memory from BSD VM objects.
 *
 * Loading and unloading.  The rooms of the house, from the top down:
 *
 *	device.c	/dev/vmobj and the VMA callbacks
 *	fault.c		finding, filling and copying pages
 *	map.c		who sees which object where
 *	object.c	objects; shadow.c and collapse.c chain them and shorten
 *			the chains, copyup.c those that are too deep; writeset.c
 *			remembers what may be written
 *	attach.c	files as objects: their descriptors; vnode.c reads, writes and
 *			watches the files, pager.c and pageclean.c are between
 *			them and the pages
 *	pageout.c	the page daemon, and pageout_scan.c which pages it takes;
 *			swap_pager.c writes pages to swap, pager.c reads them;
 *			swap.c knows where they are, swapstore.c and swapfile.c
 *			where that is
 *	advise.c	advice on ranges
 *	superpage.c	who gets huge pages
 *	swapstore.c	blocks of swap; swapfile.c is where they are
 *	page.c		pages; pageq.c their queues; pmap.c their PTEs
 *	family.c	the structure lock, and the inode all relatives share
 *
 *	check.c, debugfs.c, stats.c look at all of it
 */
#include <linux/init.h>
#include <linux/module.h>

#include <vmobj/compat.h>
#include <vmobj/debugfs.h>
#include <vmobj/device.h>
#include <vmobj/family.h>
#include <vmobj/map.h>
#include <vmobj/memcg.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pageout.h>
#include <vmobj/pageq.h>
#include <vmobj/superpage.h>
#include <vmobj/swapstore.h>
#include <vmobj/vnode.h>

static int __init vmobj_init(void)
{
	int err;

	vm_pageq_init();
	vm_superpage_init();
	err = vm_page_init();
	if (err)
		goto err_superpage;
	err = vm_object_init();
	if (err)
		goto err_page;
	err = vm_map_init();
	if (err)
		goto err_object;
	err = vm_family_init();
	if (err)
		goto err_map;
	err = vm_vnode_init();
	if (err)
		goto err_family;
	err = vm_swapstore_init();
	if (err)
		goto err_vnode;
	err = vm_pageout_init();
	if (err)
		goto err_swapstore;
	vmobj_debugfs_init();
	err = vmobj_device_register();
	if (err)
		goto err_debugfs;
	return 0;

err_debugfs:
	vmobj_debugfs_exit();
	vm_pageout_exit();
	vm_memcg_exit();
err_swapstore:
	vm_swapstore_exit();
err_vnode:
	vm_vnode_exit();
err_family:
	vm_family_exit();
err_map:
	vm_map_exit();
err_object:
	vm_object_exit();
err_page:
	vm_page_exit();
err_superpage:
	vm_superpage_exit();
	return err;
}
module_init(vmobj_init);

static void __exit vmobj_exit(void)
{
	vmobj_device_deregister();
	vmobj_debugfs_exit();
	vm_pageout_exit();
	vm_vnode_exit();
	vm_family_exit();
	vm_memcg_exit();
	vm_swapstore_exit();
	vm_map_exit();
	vm_object_exit();
	vm_page_exit();
	vm_superpage_exit();
}
module_exit(vmobj_exit);

MODULE_DESCRIPTION("Anonymous memory from BSD VM objects");
MODULE_AUTHOR("The vmobj developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
