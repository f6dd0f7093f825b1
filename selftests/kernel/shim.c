// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into the kernel's own selftests with -Wl,--wrap=mmap: what they take for
 * anonymous memory comes from /dev/vmobj.  With VMOBJ_DEV=anon it is anonymous memory.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__real_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);

/* Stacks and pages of hugetlbfs are not what the device is for. */
#define NOT_OURS	(MAP_HUGETLB | MAP_GROWSDOWN | MAP_STACK)

static int wanted(int flags)
{
	const char *device = getenv("VMOBJ_DEV");
	int type = flags & MAP_TYPE;

	return (flags & MAP_ANONYMOUS) && !(flags & NOT_OURS) &&
	       (type == MAP_PRIVATE || type == MAP_SHARED) &&
	       !(device && !strcmp(device, "anon"));
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset)
{
	void *mem;

	if (!wanted(flags))
		return __real_mmap(addr, length, prot, flags, fd, offset);
	fd = open("/dev/vmobj", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return MAP_FAILED;
	mem = __real_mmap(addr, length, prot, flags & ~MAP_ANONYMOUS, fd, 0);
	close(fd);
	return mem;
}
