// SPDX-License-Identifier: GPL-2.0-only
/*
 * A core dump contains the memory: found by its address in the program headers.
 */
#include "vmobj_test.h"

#include <elf.h>

#include <sys/prctl.h>
#include <sys/resource.h>

#define PAGES	6

static char *mem;
static char core_path[256];

/* Where the kernel puts the core of @pid, if it is a file we can find. */
static const char *core_file(pid_t pid)
{
	char *pattern = vt_read_file("/proc/sys/kernel/core_pattern", 256, NULL);
	char *p, *to = core_path;
	int room = sizeof(core_path);

	if (!pattern || pattern[0] == '|')
		return NULL;
	pattern[strcspn(pattern, "\n")] = '\0';
	for (p = pattern; *p && room > 16; p++) {
		int n = 1;

		if (*p != '%')
			*to = *p;
		else if (*++p == 'p')
			n = sprintf(to, "%d", pid);
		else
			return NULL;
		to += n;
		room -= n;
	}
	*to = '\0';
	return core_path;
}

/* Of the core, what was at an address; NULL if it is not in there. */
static const char *in_core(const char *core, size_t length, const char *addr)
{
	const Elf64_Ehdr *ehdr = (const void *)core;
	const Elf64_Phdr *phdr;
	int i;

	if (length < sizeof(*ehdr) || memcmp(core, ELFMAG, SELFMAG))
		return NULL;
	phdr = (const void *)(core + ehdr->e_phoff);
	for (i = 0; i < ehdr->e_phnum; i++) {
		size_t offset = (uintptr_t)addr - phdr[i].p_vaddr;

		if (phdr[i].p_type == PT_LOAD && offset < phdr[i].p_filesz &&
		    phdr[i].p_offset + offset + vt_page_size <= length)
			return core + phdr[i].p_offset + offset;
	}
	return NULL;
}

static void allow_core(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	prctl(PR_SET_DUMPABLE, 1);
	setrlimit(RLIMIT_CORE, &limit);
}

/* Page 0 was the parent's, 1 and 2 are the child's; 3 nobody's. */
static void die(void *arg)
{
	(void)arg;
	allow_core();
	vt_put(mem, 1, 11);
	vt_put(mem, 2, 12);
	VT_CHECK(!mprotect(vt_page(mem, 2), vt_page_size, PROT_READ));
	VT_CHECK(!madvise(vt_page(mem, 5), vt_page_size, MADV_DONTDUMP));
	abort();
}

static char *core;
static size_t core_length;

/* The parent's result: why there is no core, or NULL. */
static const char *dump(int flags)
{
	const char *path;
	pid_t pid;

	mem = vt_map(PAGES, VT_RW, flags);
	if (!mem)
		return "no memory";
	vt_put(mem, 0, 10);
	vt_put(mem, 1, 100);
	vt_put(mem, 5, 15);
	pid = vt_fork(die, NULL);
	if (vt_wait(pid) != 128 + SIGABRT)
		return "it did not abort";
	path = core_file(pid);
	if (!path)
		return "core_pattern is not a file with %p only";
	core = vt_read_file(path, 1 << 20, &core_length);
	unlink(path);
	return core ? NULL : path;
}

static uint32_t tag_in_core(size_t page)
{
	const char *data = in_core(core, core_length, vt_page(mem, page));

	return data ? vt_get(data, 0) : VT_TORN - 1;
}

#define NEED_DUMP(flags) \
	do { \
		const char *why_not = dump(flags); \
		\
		if (why_not && vt_is_anon()) \
			SKIP(return, "no core dump here: %s", why_not); \
		ASSERT_EQ(NULL, why_not) \
			TH_LOG("no core dump: %s", why_not); \
	} while (0)

TEST(private_memory_is_in_the_core)
{
	NEED_DUMP(MAP_PRIVATE);
	EXPECT_EQ(10, tag_in_core(0));
	EXPECT_EQ(11, tag_in_core(1));
	EXPECT_EQ(12, tag_in_core(2));
	EXPECT_EQ(0, tag_in_core(3));
	EXPECT_EQ(VT_TORN - 1, tag_in_core(5));	/* MADV_DONTDUMP */
	EXPECT_EQ(100, vt_get(mem, 1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(shared_memory_is_in_the_core)
{
	NEED_DUMP(MAP_SHARED);
	EXPECT_EQ(10, tag_in_core(0));
	EXPECT_EQ(11, tag_in_core(1));
	EXPECT_EQ(12, tag_in_core(2));
	EXPECT_EQ(0, tag_in_core(3));
	EXPECT_EQ(11, vt_get(mem, 1));
	EXPECT_TRUE(vt_check_ok());
}

/* The child's page 2 is a new one, and pages 0, 1 and 5 of the parent's. */
TEST(what_was_not_touched_gets_no_page)
{
	long long before;

	VT_NEED_DEVICE();
	VT_NEED_DEBUGFS();
	before = vt_stat("zero_fills");
	NEED_DUMP(MAP_PRIVATE);
	EXPECT_EQ(0, tag_in_core(3));
	EXPECT_EQ(0, tag_in_core(4));
	EXPECT_EQ(4, vt_stat("zero_fills") - before);
}

TEST_HARNESS_MAIN
