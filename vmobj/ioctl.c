// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/vmobj.  See include/uapi/linux/vmobj.h.
 */
#include <linux/fs.h>
#include <linux/uaccess.h>

#include <linux/vmobj.h>

#include <vmobj/attach.h>
#include <vmobj/compat.h>
#include <vmobj/handle.h>
#include <vmobj/ioctl.h>
#include <vmobj/range.h>

int vmobj_ioctl_copy_in(void *to, size_t ksize, size_t least, void __user *arg)
{
	u32 size;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < least)
		return -EINVAL;
	return copy_struct_from_user(to, ksize, arg, size);
}

/* As much as the caller knows of.  The size it gave is still in its memory. */
int vmobj_ioctl_copy_out(void __user *arg, const void *from, size_t ksize)
{
	u32 size;

	if (get_user(size, (u32 __user *)arg) ||
	    copy_to_user(arg, from, min_t(size_t, size, ksize)))
		return -EFAULT;
	return 0;
}

static long vmobj_ioctl_info(void __user *arg)
{
	struct vmobj_info info;
	int err;

	err = vmobj_ioctl_copy_in(&info, sizeof(info), VMOBJ_INFO_SIZE_VER0, arg);
	if (err)
		return err;
	if (info.flags || info.reserved[0] || info.reserved[1])
		return -EINVAL;

	info.size = sizeof(info);
	info.abi_version = VMOBJ_ABI_VERSION;
	info.page_size = PAGE_SIZE;
	info.features = VMOBJ_FEATURE_STRICT_COPY;
	return vmobj_ioctl_copy_out(arg, &info, sizeof(info));
}

long vmobj_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VMOBJ_IOC_INFO:
		return vmobj_ioctl_info((void __user *)arg);
	case VMOBJ_IOC_RANGE:
		return vmobj_ioctl_range((void __user *)arg);
	case VMOBJ_IOC_INHERIT:
		return vmobj_ioctl_inherit((void __user *)arg);
	case VMOBJ_IOC_ADVISE:
		return vmobj_ioctl_advise((void __user *)arg);
	case VMOBJ_IOC_CREATE:
		return vm_handle_create_ioctl((void __user *)arg);
	case VMOBJ_IOC_ATTACH:
		return vmobj_attach((void __user *)arg);
	default:
		return -ENOTTY;
	}
}
