/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of /dev/vmobj share.
 *
 * Environment:
 *	VMOBJ_DEV	device to test, default /dev/vmobj.  "anon": none, but
 *			Linux's own anonymous memory, to try the tests themselves
 *	VMOBJ_SEED	seed of everything random; printed when it is used
 *	VMOBJ_SCALE	percent of the work to do in tests that only repeat
 *
 * A test includes <kselftest_harness.h> through this header.  Its children end
 * with _exit(); what they find wrong they say with VT_CHECK().
 */
#ifndef _VMOBJ_TEST_H
#define _VMOBJ_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The runner has a limit for each program. */
#define TEST_TIMEOUT_DEFAULT	900
#ifndef VT_NO_HARNESS
#include <kselftest_harness.h>
#else
#include <kselftest.h>
#endif

#define VT_DEBUGFS	"/sys/kernel/debug/vmobj/"
#define VT_RW		(PROT_READ | PROT_WRITE)

/* Bytes of a page. */
extern size_t vt_page_size;

/* Is this Linux's own memory? */
bool vt_is_anon(void);

/* ---- randomness and scale ---- */

/* The seed; printed at the first call. */
uint64_t vt_seed(void);

/* The next number of a sequence; any *state will do. */
uint64_t vt_random(uint64_t *state);

/* A number below @n. */
static inline unsigned int vt_below(uint64_t *state, unsigned int n)
{
	return vt_random(state) % n;
}

/* @n times VMOBJ_SCALE, but at least @least. */
unsigned long vt_scale(unsigned long n, unsigned long least);

/* ---- memory ---- */

/* open() of the device; -1 and a message if that fails. */
int vt_open(int flags);

/*
 * Fresh memory of @pages pages; NULL and a message if that fails.  @flags are
 * MAP_PRIVATE or MAP_SHARED, and MAP_FIXED if @addr is to be used.
 */
char *vt_map_at(void *addr, size_t pages, int prot, int flags);
char *vt_map(size_t pages, int prot, int flags);

static inline char *vt_page(char *mem, size_t page)
{
	return mem + page * vt_page_size;
}

/*
 * A whole page is filled with a pattern made of @tag, and read back: the tag, or
 * VT_TORN if the page is not what any vt_put() left.  A fresh page has tag 0.
 */
#define VT_TORN		UINT32_MAX
void vt_put(char *mem, size_t page, uint32_t tag);
uint32_t vt_get(const char *mem, size_t page);

/* The signal that an access to a byte raises, or 0. */
int vt_try_read(const char *addr);
int vt_try_write(char *addr, char value);

/* ---- ioctls on ranges of pages; 0 or an errno ---- */

struct vmobj_range;

/* @how: VMOBJ_INHERIT_* */
int vt_inherit(char *mem, size_t page, size_t pages, int how);
/* @what: VMOBJ_ADV_* */
int vt_advise(char *mem, size_t page, size_t pages, int what);
int vt_range(char *mem, size_t page, size_t pages, struct vmobj_range *range);

/* A new object with a descriptor; -1 and errno if it is refused. */
int vt_create(uint64_t length);

/* ---- file systems ---- */

/*
 * Mount an empty file system: "tmpfs", "ext4" or "overlay" (over a tmpfs); -1 if it is
 * not to be had here.
 */
int vt_mount(const char *fs, const char *dir);

/*
 * Unmount all that is mounted at @dir; false if it cannot be.  An object may keep its
 * file for moments after the last user's end, while a worker merges it.
 */
bool vt_unmount(const char *dir);

/* ---- the module's debugfs files ---- */

/* Is there a module, and are its debugfs files there?  If not, why. */
bool vt_have_debugfs(void);
const char *vt_no_debugfs(void);

/* One value of "stats"; the program ends if there is none of that name. */
long long vt_stat(const char *name);

/* Wait, for at most 5 s, until a value is as wanted; tells what it is. */
long long vt_stat_settles(const char *name, long long wanted);

/* Is "check" happy?  Prints what it says otherwise.  True without a module. */
bool vt_check_ok(void);

/* Write to a file that is there, such as a control file, in one call; 0 or an errno. */
int vt_write_file(const char *path, const char *text);

/* Write a parameter of the module; false if it is refused, or not there. */
bool vt_set_parameter(const char *name, const char *value);

/* The whole of a file, malloc()ed; NULL if it cannot be read. */
char *vt_read_file(const char *path, size_t read_size, size_t *length);

/* For TEST()s that make sense with the module's files only. */
#define VT_NEED_DEBUGFS() \
	do { \
		if (!vt_have_debugfs()) \
			SKIP(return, "%s", vt_no_debugfs()); \
	} while (0)

/* For TEST()s of what Linux's own memory does differently. */
#define VT_NEED_DEVICE() \
	do { \
		if (vt_is_anon()) \
			SKIP(return, "only for the device"); \
	} while (0)

/* ---- processes ---- */

/* In a child: end it if something is wrong. */
#define VT_CHECK(cond) \
	do { \
		if (!(cond)) \
			vt_child_fails(__FILE__, __LINE__, #cond); \
	} while (0)

void vt_child_fails(const char *file, int line, const char *what)
	__attribute__((noreturn));

/* fork() whose child runs fn(arg) and ends well if that returns. */
pid_t vt_fork(void (*fn)(void *arg), void *arg);

/* Exit status of a child, or 128 + the signal that killed it. */
int vt_wait(pid_t pid);

/* Kill a child that would run on, and wait: 128 + SIGKILL, or how it had ended before. */
static inline int vt_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	return vt_wait(pid);
}

/* Fork, run, wait. */
static inline int vt_in_child(void (*fn)(void *arg), void *arg)
{
	return vt_wait(vt_fork(fn, arg));
}

/*
 * A gate between processes: each vt_gate_open() lets one vt_gate_pass() through.
 * To be made before the fork; it costs no file descriptor.
 */
struct vt_gate {
	int *count;		/* in shared memory; a futex */
};

#define VT_MAX_GATES	4096

void vt_gate_init(struct vt_gate *gate);
void vt_gate_open(struct vt_gate *gate);
void vt_gate_pass(struct vt_gate *gate);

#endif /* _VMOBJ_TEST_H */
