// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swap stores: files and block devices that are added and removed through debugfs, and
 * what is refused.
 */
#include "vmobj_test.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>

#define SWAP	VT_DEBUGFS "swap"
#define DEVICE	"/dev/ram0"
#define BLOCKS	64

/* ---- the control file ---- */

/* Write a command; 0 or an errno. */
static int control(const char *what, const char *name, const char *rest)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s\n", what, name, rest);
	return vt_write_file(SWAP, text);
}

static int add(const char *name)
{
	return control("add", name, "");
}

static int take(const char *name)
{
	return control("remove", name, "");
}

/* What the file says of a store. */
struct line {
	char name[128];
	char type[16];
	unsigned long blocks, used, bad;
	int priority;
};

/* Returns its place in the list, from 0 on, or -1. */
static int find(const char *name, struct line *line)
{
	char *text = vt_read_file(SWAP, 4096, NULL), *rest = text, *row;
	int place = -1, n = -1;

	memset(line, 0, sizeof(*line));
	while (text && (row = strsep(&rest, "\n"))) {
		if (sscanf(row, "%127s %15s %lu %lu %lu %d", line->name,
			   line->type, &line->blocks, &line->used, &line->bad,
			   &line->priority) == 6) {
			n++;
			if (!strcmp(line->name, name)) {
				place = n;
				break;
			}
		}
	}
	free(text);
	return place;
}

static bool is_there(const char *name)
{
	struct line line;

	return find(name, &line) >= 0;
}

/* ---- files ---- */

static bool fill(const char *name, size_t blocks, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char page[vt_page_size];
	bool ok = fd >= 0;

	memset(page, 0x5a, sizeof(page));
	while (ok && blocks--)
		ok = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page);
	ok = ok && !fchmod(fd, mode) && !fsync(fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

static int open_errno(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int mount_tmpfs(const char *dir)
{
	return mount("tmpfs", dir, "tmpfs", 0, "size=64m");
}

static int mount_ext4(const char *dir)
{
	if (access(DEVICE, F_OK))
		return -1;
	if (system("mke2fs -F " DEVICE " >/dev/null 2>&1"))
		return -1;
	return mount(DEVICE, dir, "ext4", 0, NULL);
}

FIXTURE(file)
{
	char dir[64];
	char name[96];
};

FIXTURE_VARIANT(file)
{
	const char *fs;
	int (*mount)(const char *dir);
};

FIXTURE_VARIANT_ADD(file, tmpfs)
{
	.fs = "tmpfs",
	.mount = mount_tmpfs,
};

FIXTURE_VARIANT_ADD(file, ext4)
{
	.fs = "ext4",
	.mount = mount_ext4,
};

FIXTURE_SETUP(file)
{
	VT_NEED_DEBUGFS();
	snprintf(self->dir, sizeof(self->dir), "/tmp/swapstore-%s",
		 variant->fs);
	snprintf(self->name, sizeof(self->name), "%s/file", self->dir);
	mkdir(self->dir, 0755);
	if (variant->mount(self->dir))
		SKIP(return, "no %s here", variant->fs);
	ASSERT_TRUE(fill(self->name, BLOCKS, 0600));
}

FIXTURE_TEARDOWN(file)
{
	take(self->name);
	EXPECT_TRUE(vt_unmount(self->dir));
}

TEST_F(file, added_shown_removed)
{
	struct line line;

	EXPECT_FALSE(is_there(self->name));
	ASSERT_EQ(0, add(self->name));
	ASSERT_LE(0, find(self->name, &line));
	EXPECT_STREQ("file", line.type);
	EXPECT_EQ(BLOCKS, line.blocks);
	EXPECT_EQ(0, line.used);
	EXPECT_EQ(0, line.bad);
	EXPECT_EQ(0, line.priority);
	EXPECT_EQ(0, take(self->name));
	EXPECT_FALSE(is_there(self->name));
	EXPECT_EQ(ENOENT, take(self->name));
	EXPECT_EQ(0, add(self->name));
}

TEST_F(file, nobody_else_writes_to_it)
{
	ASSERT_EQ(0, add(self->name));
	EXPECT_EQ(ETXTBSY, open_errno(self->name, O_WRONLY));
	EXPECT_EQ(ETXTBSY, open_errno(self->name, O_RDWR));
	EXPECT_EQ(-1, truncate(self->name, 0));
	EXPECT_EQ(ETXTBSY, errno);
	EXPECT_EQ(0, open_errno(self->name, O_RDONLY));
	EXPECT_EQ(-1, umount2(self->dir, 0));
	EXPECT_EQ(EBUSY, errno);

	ASSERT_EQ(0, take(self->name));
	EXPECT_EQ(0, open_errno(self->name, O_RDWR));
	EXPECT_EQ(0, truncate(self->name, 0));
}

TEST_F(file, not_while_somebody_writes_to_it)
{
	int fd = open(self->name, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ETXTBSY, add(self->name));
	EXPECT_EQ(0, open_errno(self->name, O_RDWR));
	close(fd);
	EXPECT_EQ(0, add(self->name));
}

TEST_F(file, not_twice)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/other", self->dir);
	ASSERT_EQ(0, link(self->name, other));
	ASSERT_EQ(0, add(self->name));
	EXPECT_EQ(ETXTBSY, add(self->name));
	EXPECT_EQ(ETXTBSY, add(other));
	EXPECT_TRUE(is_there(self->name));
	EXPECT_FALSE(is_there(other));
	ASSERT_EQ(0, take(self->name));
	EXPECT_EQ(0, add(other));
	EXPECT_EQ(0, take(other));
}

TEST_F(file, holes_and_sizes)
{
	struct line line;
	int fd;

	/* A page in the middle is missing. */
	fd = open(self->name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 200 * vt_page_size));
	close(fd);
	EXPECT_EQ(EINVAL, add(self->name));
	EXPECT_EQ(0, open_errno(self->name, O_RDWR));

	/* Nothing but a hole; nothing; less than a page. */
	ASSERT_EQ(0, truncate(self->name, 0));
	EXPECT_EQ(EINVAL, add(self->name));
	ASSERT_EQ(0, truncate(self->name, 64 * vt_page_size));
	EXPECT_EQ(EINVAL, add(self->name));
	ASSERT_TRUE(fill(self->name, 1, 0600));
	ASSERT_EQ(0, truncate(self->name, vt_page_size - 1));
	EXPECT_EQ(EINVAL, add(self->name));

	/* What is not a whole page does not count. */
	ASSERT_TRUE(fill(self->name, 5, 0600));
	ASSERT_EQ(0, truncate(self->name, 4 * vt_page_size + 100));
	ASSERT_EQ(0, add(self->name));
	ASSERT_LE(0, find(self->name, &line));
	EXPECT_EQ(4, line.blocks);
}

TEST_F(file, names_with_blanks)
{
	char name[128], shown[128];

	snprintf(name, sizeof(name), "%s/a b", self->dir);
	snprintf(shown, sizeof(shown), "%s/a\\040b", self->dir);
	ASSERT_TRUE(fill(name, BLOCKS, 0600));
	EXPECT_EQ(EINVAL, add(name));
	ASSERT_EQ(0, add(shown));
	EXPECT_TRUE(is_there(shown));
	EXPECT_EQ(ETXTBSY, open_errno(name, O_RDWR));
	EXPECT_EQ(0, take(shown));
}

TEST_F(file, by_priority)
{
	char other[128], third[128];
	struct line line;

	snprintf(other, sizeof(other), "%s/other", self->dir);
	snprintf(third, sizeof(third), "%s/third", self->dir);
	ASSERT_TRUE(fill(other, BLOCKS, 0600));
	ASSERT_TRUE(fill(third, BLOCKS, 0600));
	ASSERT_EQ(0, control("add", self->name, "-5"));
	ASSERT_EQ(0, control("add", other, "7"));
	ASSERT_EQ(0, control("add", third, "7"));
	EXPECT_EQ(0, find(other, &line));
	EXPECT_EQ(7, line.priority);
	EXPECT_EQ(1, find(third, &line));
	EXPECT_LT(1, find(self->name, &line));
	EXPECT_EQ(-5, line.priority);
	EXPECT_EQ(0, take(other));
	EXPECT_EQ(0, take(third));
}

/* ---- devices ---- */

TEST(block_device)
{
	const char *dir = "/tmp/swapstore-dev";
	struct line line;

	VT_NEED_DEBUGFS();
	if (access(DEVICE, F_OK))
		SKIP(return, "no " DEVICE);
	ASSERT_EQ(0, control("add", DEVICE, "3"));
	ASSERT_LE(0, find(DEVICE, &line));
	EXPECT_STREQ("device", line.type);
	EXPECT_LT(0, line.blocks);
	EXPECT_EQ(EBUSY, add(DEVICE));
	EXPECT_EQ(EBUSY, open_errno(DEVICE, O_RDWR | O_EXCL));
	ASSERT_EQ(0, take(DEVICE));
	EXPECT_EQ(0, open_errno(DEVICE, O_RDWR | O_EXCL));

	/* Not while it is mounted. */
	mkdir(dir, 0755);
	if (mount_ext4(dir))
		SKIP(return, "no ext4 to mount it");
	EXPECT_EQ(EBUSY, add(DEVICE));
	EXPECT_TRUE(vt_unmount(dir));
}

TEST(swap_device_of_linux)
{
	VT_NEED_DEBUGFS();
	if (access(DEVICE, F_OK))
		SKIP(return, "no " DEVICE);
	if (system("mkswap " DEVICE " >/dev/null 2>&1"))
		SKIP(return, "no mkswap");
	if (swapon(DEVICE, 0))
		SKIP(return, "no swapon: %s", strerror(errno));
	EXPECT_EQ(EBUSY, add(DEVICE));
	ASSERT_EQ(0, swapoff(DEVICE));
	EXPECT_EQ(0, add(DEVICE));
	EXPECT_EQ(-1, swapon(DEVICE, 0));
	EXPECT_EQ(0, take(DEVICE));
}

/* ---- what is refused ---- */

TEST(what_cannot_be_a_store)
{
	VT_NEED_DEBUGFS();
	EXPECT_EQ(EINVAL, add("tmp/relative"));
	EXPECT_EQ(EISDIR, add("/tmp"));
	EXPECT_EQ(EINVAL, add("/dev/null"));
	EXPECT_EQ(ENOENT, add("/tmp/missing"));
	mkfifo("/tmp/swapstore-fifo", 0600);
	EXPECT_EQ(EINVAL, add("/tmp/swapstore-fifo"));
	unlink("/tmp/swapstore-fifo");
}

TEST(commands_that_make_no_sense)
{
	char *longest;
	int fd;

	VT_NEED_DEBUGFS();
	EXPECT_EQ(EINVAL, control("", "", ""));
	EXPECT_EQ(EINVAL, control("add", "", ""));
	EXPECT_EQ(EINVAL, control("added", "/tmp/x", ""));
	EXPECT_EQ(EINVAL, control("add", "/tmp/x", "high"));
	EXPECT_EQ(EINVAL, control("add", "/tmp/x", "1 2"));
	EXPECT_EQ(EINVAL, control("remove", "/tmp/x", "1"));
	EXPECT_EQ(ENOENT, take("/tmp/x"));
	longest = malloc(1 << 20);
	ASSERT_NE(NULL, longest);
	memset(longest, 'a', 1 << 20);
	fd = open(SWAP, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, longest, 1 << 20));
	EXPECT_EQ(E2BIG, errno);
	close(fd);
	free(longest);
}

/* A descriptor is not enough. */
static void child_without_rights(void *arg)
{
	int fd = open(SWAP, O_RDWR | O_CLOEXEC);

	(void)arg;
	VT_CHECK(fd >= 0);
	VT_CHECK(!setresuid(1, 1, 1));
	VT_CHECK(write(fd, "remove /tmp/x", 13) == -1);
	VT_CHECK(errno == EPERM);
	VT_CHECK(open(SWAP, O_RDONLY | O_CLOEXEC) == -1);
}

TEST(only_root)
{
	VT_NEED_DEBUGFS();
	EXPECT_EQ(0, vt_in_child(child_without_rights, NULL));
}

TEST(size_of_the_default_store)
{
	VT_NEED_DEBUGFS();
	EXPECT_FALSE(vt_set_parameter("swap_size", "-2"));
	EXPECT_FALSE(vt_set_parameter("swap_size", "much"));
	EXPECT_TRUE(vt_set_parameter("swap_size", "16"));
	EXPECT_TRUE(vt_set_parameter("swap_size", "-1"));
}

TEST_HARNESS_MAIN
