/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/vmobj.
 */
#ifndef _VMOBJ_DEVICE_H
#define _VMOBJ_DEVICE_H

/**
 * vmobj_device_register() - make /dev/vmobj appear
 *
 * Last step of loading: from then on there are users.
 *
 * Return: 0 or a negative errno.
 */
int vmobj_device_register(void);

/** vmobj_device_deregister() - make /dev/vmobj disappear */
void vmobj_device_deregister(void);

#endif /* _VMOBJ_DEVICE_H */
