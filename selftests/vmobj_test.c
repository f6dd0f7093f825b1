// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of /dev/vmobj share.  See vmobj_test.h.
 */
#define VT_NO_HARNESS
#include "vmobj_test.h"

#include <linux/futex.h>
#include <linux/vmobj.h>
#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

size_t vt_page_size;
static const char *vt_device;

static void __attribute__((constructor)) vt_init(void)
{
	vt_page_size = sysconf(_SC_PAGESIZE);
	vt_device = getenv("VMOBJ_DEV") ?: "/dev/vmobj";
}

bool vt_is_anon(void)
{
	return !strcmp(vt_device, "anon");
}

static void vt_die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	exit(KSFT_FAIL);
}

/* ---- randomness and scale ---- */

uint64_t vt_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("VMOBJ_SEED");

	if (seed)
		return seed;
	if (text)
		seed = strtoull(text, NULL, 0);
	if (!seed)
		seed = (uint64_t)time(NULL) << 16 | (getpid() & 0xffff);
	fprintf(stderr, "# VMOBJ_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64 */
uint64_t vt_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned long vt_scale(unsigned long n, unsigned long least)
{
	const char *text = getenv("VMOBJ_SCALE");
	unsigned long percent = text ? strtoul(text, NULL, 0) : 100;

	n = n * percent / 100;
	return n > least ? n : least;
}

/* ---- memory ---- */

int vt_open(int flags)
{
	int fd;

	if (vt_is_anon())
		return open("/dev/zero", flags | O_CLOEXEC);
	fd = open(vt_device, flags | O_CLOEXEC);
	if (fd < 0)
		fprintf(stderr, "# open %s: %s\n", vt_device, strerror(errno));
	return fd;
}

char *vt_map_at(void *addr, size_t pages, int prot, int flags)
{
	int fd = -1, err;
	char *mem;

	if (vt_is_anon())
		flags |= MAP_ANONYMOUS;
	else
		fd = vt_open(O_RDWR);
	mem = mmap(addr, pages * vt_page_size, prot, flags, fd, 0);
	err = errno;
	if (fd >= 0)
		close(fd);
	if (mem != MAP_FAILED)
		return mem;
	fprintf(stderr, "# mmap of %zu pages: %s\n", pages, strerror(err));
	errno = err;
	return NULL;
}

char *vt_map(size_t pages, int prot, int flags)
{
	return vt_map_at(NULL, pages, prot, flags);
}

void vt_put(char *mem, size_t page, uint32_t tag)
{
	uint64_t *word = (uint64_t *)vt_page(mem, page);
	size_t i;

	for (i = 0; i < vt_page_size / sizeof(*word); i++)
		word[i] = tag * (i + 1);
}

uint32_t vt_get(const char *mem, size_t page)
{
	const uint64_t *word = (const uint64_t *)(mem + page * vt_page_size);
	uint32_t tag = word[0];
	size_t i;

	for (i = 0; i < vt_page_size / sizeof(*word); i++)
		if (word[i] != tag * (i + 1))
			return VT_TORN;
	return tag;
}

static __thread sigjmp_buf vt_jump;

static void vt_caught(int sig)
{
	siglongjmp(vt_jump, sig);
}

/* Run one access with SIGSEGV and SIGBUS caught. */
static int vt_try(char *addr, bool write, char value)
{
	struct sigaction catch = { .sa_handler = vt_caught };
	struct sigaction segv, bus;
	int sig;

	sigaction(SIGSEGV, &catch, &segv);
	sigaction(SIGBUS, &catch, &bus);
	sig = sigsetjmp(vt_jump, 1);
	if (!sig) {
		if (write)
			*(volatile char *)addr = value;
		else
			(void)*(volatile char *)addr;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

int vt_try_read(const char *addr)
{
	return vt_try((char *)addr, false, 0);
}

int vt_try_write(char *addr, char value)
{
	return vt_try(addr, true, value);
}

/* ---- ioctls ---- */

static int vt_ioctl(unsigned long cmd, void *arg)
{
	int fd = vt_open(O_RDWR), err = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, cmd, arg) < 0)
		err = errno;
	close(fd);
	return err;
}

int vt_inherit(char *mem, size_t page, size_t pages, int how)
{
	struct vmobj_inherit arg = {
		.size = sizeof(arg),
		.addr = (uintptr_t)vt_page(mem, page),
		.length = pages * vt_page_size,
		.inheritance = how,
	};

	return vt_ioctl(VMOBJ_IOC_INHERIT, &arg);
}

int vt_advise(char *mem, size_t page, size_t pages, int what)
{
	struct vmobj_advise arg = {
		.size = sizeof(arg),
		.addr = (uintptr_t)vt_page(mem, page),
		.length = pages * vt_page_size,
		.advice = what,
	};

	return vt_ioctl(VMOBJ_IOC_ADVISE, &arg);
}

int vt_range(char *mem, size_t page, size_t pages, struct vmobj_range *range)
{
	*range = (struct vmobj_range) {
		.size = sizeof(*range),
		.addr = (uintptr_t)vt_page(mem, page),
		.length = pages * vt_page_size,
	};
	return vt_ioctl(VMOBJ_IOC_RANGE, range);
}

int vt_create(uint64_t length)
{
	struct vmobj_create arg = { .size = sizeof(arg), .length = length };
	int dev = vt_open(O_RDWR), fd = ioctl(dev, VMOBJ_IOC_CREATE, &arg);
	int err = errno;

	close(dev);
	errno = err;
	return fd;
}

/* ---- file systems ---- */

static int vt_mount_ext4(const char *dir)
{
	if (access("/dev/ram0", F_OK) ||
	    system("mke2fs -F /dev/ram0 >/dev/null 2>&1"))
		return -1;
	return mount("/dev/ram0", dir, "ext4", 0, NULL);
}

static int vt_mount_overlay(const char *dir)
{
	static const char * const parts[] = { "lower", "upper", "work" };
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(text, sizeof(text), "%s/%s", dir, parts[i]);
		if (mkdir(text, 0755))
			return -1;
	}
	snprintf(text, sizeof(text),
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir,
		 dir, dir);
	return mount("overlay", dir, "overlay", 0, text);
}

int vt_mount(const char *fs, const char *dir)
{
	if (!strcmp(fs, "ext4"))
		return vt_mount_ext4(dir);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=64m"))
		return -1;
	return strcmp(fs, "overlay") ? 0 : vt_mount_overlay(dir);
}

bool vt_unmount(const char *dir)
{
	int tries = 1000;

	do {
		while (!umount2(dir, 0))
			;
		if (errno != EBUSY)
			return true;
		usleep(10000);
	} while (--tries);
	return false;
}

/* ---- the module's debugfs files ---- */

const char *vt_no_debugfs(void)
{
	if (vt_is_anon())
		return "only for the device: no debugfs files";
	if (access(VT_DEBUGFS "stats", R_OK))
		return "cannot read " VT_DEBUGFS "stats";
	return NULL;
}

bool vt_have_debugfs(void)
{
	return !vt_no_debugfs();
}

int vt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text));
	if (n != (ssize_t)strlen(text))
		err = n < 0 ? errno : EIO;
	close(fd);
	return err;
}

bool vt_set_parameter(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/vmobj/parameters/%s", name);
	return !vt_write_file(path, value);
}

char *vt_read_file(const char *path, size_t read_size, size_t *length)
{
	size_t room = 0, used = 0;
	char *text = NULL;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (used + read_size + 1 > room) {
			room = 2 * room + read_size + 4096;
			text = realloc(text, room);
			if (!text)
				vt_die("realloc");
		}
		n = read(fd, text + used, read_size);
		if (n < 0) {
			free(text);
			close(fd);
			return NULL;
		}
		used += n;
	} while (n);
	close(fd);
	text[used] = '\0';
	if (length)
		*length = used;
	return text;
}

long long vt_stat(const char *name)
{
	char *text = vt_read_file(VT_DEBUGFS "stats", 4096, NULL), *line;
	size_t length = strlen(name);
	long long value;

	if (!text)
		vt_die(VT_DEBUGFS "stats");
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, length) && line[length] == ' ') {
			value = strtoll(line + length, NULL, 10);
			free(text);
			return value;
		}
	}
	errno = ENOENT;
	vt_die(name);
	return 0;
}

long long vt_stat_settles(const char *name, long long wanted)
{
	int tries = 500;

	while (vt_stat(name) != wanted && tries--)
		usleep(10000);
	return vt_stat(name);
}

bool vt_check_ok(void)
{
	char *text;
	bool ok;

	if (!vt_have_debugfs())
		return true;
	text = vt_read_file(VT_DEBUGFS "check", 4096, NULL);
	if (!text)
		vt_die(VT_DEBUGFS "check");
	ok = !strcmp(text, "ok\n");
	if (!ok)
		fprintf(stderr, "# " VT_DEBUGFS "check says:\n# %s\n", text);
	free(text);
	return ok;
}

/* ---- processes ---- */

void vt_child_fails(const char *file, int line, const char *what)
{
	fprintf(stderr, "# %s:%d: process %d: not so: %s (errno %d)\n", file,
		line, getpid(), what, errno);
	_exit(1);
}

pid_t vt_fork(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		fn(arg);
		_exit(0);
	}
	if (pid < 0)
		vt_die("fork");
	return pid;
}

int vt_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			vt_die("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		WEXITSTATUS(status);
}

void vt_gate_init(struct vt_gate *gate)
{
	static int *counts;
	static int used;

	if (!counts)
		counts = mmap(NULL, VT_MAX_GATES * sizeof(*counts), VT_RW,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED || used == VT_MAX_GATES) {
		fputs("# no memory for gates\n", stderr);
		exit(KSFT_FAIL);
	}
	gate->count = &counts[used++];
	*gate->count = 0;
}

void vt_gate_open(struct vt_gate *gate)
{
	__atomic_add_fetch(gate->count, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, gate->count, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void vt_gate_pass(struct vt_gate *gate)
{
	int count;

	for (;;) {
		count = __atomic_load_n(gate->count, __ATOMIC_SEQ_CST);
		if (!count)
			syscall(SYS_futex, gate->count, FUTEX_WAIT, 0, NULL,
				NULL, 0);
		else if (__atomic_compare_exchange_n(gate->count, &count,
						     count - 1, false,
						     __ATOMIC_SEQ_CST,
						     __ATOMIC_SEQ_CST))
			return;
	}
}
