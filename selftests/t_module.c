// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading the module: refused while anything of it is in use, clean otherwise.
 * The module is loaded again from VMOBJ_KO, default /lib/vmobj/vmobj.ko.
 */
#include "vmobj_test.h"

#include <sys/syscall.h>

#define NAME	"vmobj"
#define PAGES	4

static const char *module_file(void)
{
	return getenv("VMOBJ_KO") ?: "/lib/vmobj/vmobj.ko";
}

static int unload(void)
{
	return syscall(SYS_delete_module, NAME, O_NONBLOCK) ? errno : 0;
}

static int load_with(const char *parameters)
{
	int fd = open(module_file(), O_RDONLY | O_CLOEXEC), err = 0;
	int flags = 4;		/* MODULE_INIT_COMPRESSED_FILE */

	if (fd < 0)
		return errno;
	/* Distributions compress them; what does, is named after it. */
	if (!strcmp(module_file() + strlen(module_file()) - 3, ".ko"))
		flags = 0;
	if (syscall(SYS_finit_module, fd, parameters, flags))
		err = errno;
	close(fd);
	return err;
}

static int load(void)
{
	return load_with("");
}

/* The last file of an ended process is closed a moment after its end. */
static int unload_soon(void)
{
	int tries = 500, err;

	while ((err = unload()) == EAGAIN && tries--)
		usleep(10000);
	return err;
}

static const char *why_not(void)
{
	if (vt_is_anon())
		return "only for the device";
	if (access(module_file(), R_OK))
		return "no module file to load again";
	if (access("/sys/module/" NAME, F_OK))
		return "the device is not a module's";
	return NULL;
}

#define NEED_MODULE() \
	do { \
		if (why_not()) \
			SKIP(return, "%s", why_not()); \
	} while (0)

/* rmmod(8) says "busy" for this. */
#define REFUSED	EAGAIN

TEST(refused_while_the_device_is_open)
{
	int fd;

	NEED_MODULE();
	fd = vt_open(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(REFUSED, unload());
	close(fd);
}

TEST(refused_while_mapped)
{
	char *mem;

	NEED_MODULE();
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(REFUSED, unload());	/* not a page is touched yet */
	vt_put(mem, 0, 1);
	EXPECT_EQ(REFUSED, unload());
	/* One page in the middle is enough. */
	ASSERT_EQ(0, munmap(mem, vt_page_size));
	ASSERT_EQ(0, munmap(vt_page(mem, 2), 2 * vt_page_size));
	EXPECT_EQ(REFUSED, unload());
	EXPECT_EQ(0, vt_get(mem, 1));
}

TEST(refused_while_shared_memory_is_mapped)
{
	char *mem;

	NEED_MODULE();
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	EXPECT_EQ(REFUSED, unload());
	EXPECT_EQ(1, vt_get(mem, 0));
}

TEST(refused_after_a_move)
{
	char *mem;

	NEED_MODULE();
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	mem = mremap(mem, PAGES * vt_page_size, 64 * vt_page_size,
		     MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	EXPECT_EQ(REFUSED, unload());
	EXPECT_EQ(1, vt_get(mem, 0));
}

static char *memory;
static struct vt_gate gate;

static void keep_it_mapped(void *arg)
{
	(void)arg;
	vt_gate_pass(&gate);
	VT_CHECK(vt_get(memory, 0) == 1);
}

TEST(refused_while_only_a_child_has_it_mapped)
{
	pid_t pid;

	NEED_MODULE();
	vt_gate_init(&gate);
	memory = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, memory);
	vt_put(memory, 0, 1);
	pid = vt_fork(keep_it_mapped, NULL);
	vt_put(memory, 0, 2);
	ASSERT_EQ(0, munmap(memory, PAGES * vt_page_size));
	EXPECT_EQ(REFUSED, unload());
	vt_gate_open(&gate);
	EXPECT_EQ(0, vt_wait(pid));
}

TEST(unloads_and_loads_when_nothing_is_mapped)
{
	int i;

	NEED_MODULE();
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, unload_soon());
		EXPECT_EQ(-1, access("/dev/" NAME, F_OK));
		EXPECT_EQ(-1, access(VT_DEBUGFS, F_OK));
		ASSERT_EQ(0, load());
		memory = vt_map(PAGES, VT_RW, MAP_PRIVATE);
		ASSERT_NE(NULL, memory);
		vt_put(memory, 0, 1);
		ASSERT_EQ(0, munmap(memory, PAGES * vt_page_size));
	}
}

static void use_and_exit(void *arg)
{
	pid_t pid;

	(void)arg;
	memory = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	VT_CHECK(memory);
	vt_put(memory, 0, 1);
	pid = fork();
	vt_put(memory, 1, 2);
	if (!pid)
		raise(SIGKILL);
	VT_CHECK(vt_wait(pid) == 128 + SIGKILL);
}

TEST(unloads_after_its_users_have_gone)
{
	NEED_MODULE();
	ASSERT_EQ(0, vt_in_child(use_and_exit, NULL));
	ASSERT_EQ(0, unload_soon());
	ASSERT_EQ(0, load());
	EXPECT_EQ(0, vt_stat("objects"));
	EXPECT_EQ(0, vt_stat("objects_created"));
	EXPECT_TRUE(vt_check_ok());
}

/* A reader of a debugfs file must not read code that is no longer there. */
TEST(an_open_debugfs_file_does_no_harm)
{
	char buf[16];
	int fd, err;

	NEED_MODULE();
	VT_NEED_DEBUGFS();
	fd = open(VT_DEBUGFS "stats", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, buf, sizeof(buf)));
	err = unload();
	EXPECT_TRUE(err == 0 || err == REFUSED);
	if (read(fd, buf, sizeof(buf)) < 0)
		EXPECT_EQ(EIO, errno);
	close(fd);
	if (!err)
		ASSERT_EQ(0, load());
	EXPECT_TRUE(vt_check_ok());
}

static bool can_be_written(const char *name)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool make_swap_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char page[vt_page_size];
	bool ok = fd >= 0;
	int i;

	memset(page, 1, sizeof(page));
	for (i = 0; ok && i < 16; i++)
		ok = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Fails if a swap file is kept after unloading, or after loading has failed. */
TEST(swap_files_as_a_parameter)
{
	const char *one = "/tmp/module-swap-1", *two = "/tmp/module-swap-2";
	char *text;

	NEED_MODULE();
	VT_NEED_DEBUGFS();
	ASSERT_TRUE(make_swap_file(one));
	ASSERT_TRUE(make_swap_file(two));
	ASSERT_EQ(0, unload_soon());
	ASSERT_EQ(0, load_with("swap=/tmp/module-swap-1,/tmp/module-swap-2"));
	text = vt_read_file(VT_DEBUGFS "swap", 4096, NULL);
	ASSERT_NE(NULL, text);
	EXPECT_NE(NULL, strstr(text, "/tmp/module-swap-1 file 16 0 0 0 "));
	EXPECT_NE(NULL, strstr(text, "/tmp/module-swap-2 file 16 0 0 0 "));
	free(text);
	EXPECT_FALSE(can_be_written(one));
	ASSERT_EQ(0, unload_soon());
	EXPECT_TRUE(can_be_written(one));
	EXPECT_TRUE(can_be_written(two));

	EXPECT_EQ(EISDIR, load_with("swap=/tmp/module-swap-1,/tmp"));
	EXPECT_EQ(EINVAL, load_with("swap_size=-2"));
	EXPECT_TRUE(can_be_written(one));
	unlink(one);
	unlink(two);
	ASSERT_EQ(0, load());
}

TEST_HARNESS_MAIN
