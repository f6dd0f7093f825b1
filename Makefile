# SPDX-License-Identifier: GPL-2.0-only

KVER	?= $(shell uname -r)
KDIR	?= /lib/modules/$(KVER)/build
KERNELS	?=
libdir	:= /usr/lib
Q	:= $(if $(filter 1,$(V)),,@)
module	:= $(MAKE) -C $(KDIR) M=$(CURDIR)

all: ## build vmobj.ko for the running kernel, or for KDIR=
	$(Q)test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR)."; \
		echo "Install them (Debian: apt install linux-headers-$(KVER)) or give KDIR=."; \
		exit 1; }
	$(Q)$(module) modules

run: ## show fork, shadow and collapse on a stock kernel in a guest
	$(Q)tools/run-demo

shell: ## a shell in a guest with the module loaded (KERNEL=6.1)
	$(Q)tools/setup build run
	$(Q)tools/build $(or $(KERNEL),6.1)
	$(Q)tools/guest $(or $(KERNEL),6.1) shell

check: ## run all tests on all kernels (KERNELS="6.1 7.3", TESTS="name ...", ARCH=arm64)
	$(Q)tools/setup build run check $(filter arm64,$(ARCH))
	$(Q)tools/check $(KERNELS)

bench: ## measure against Linux's own anonymous memory and memfd (KERNELS="6.1 7.3", MB=1024)
	$(Q)tools/setup build run
	$(Q)tools/bench $(KERNELS)

bench-scale: ## how costs grow, up to 16 GiB, 1000 children, 10000 mappings (KERNELS=)
	$(Q)tools/setup build run
	$(Q)tools/bench --scale $(KERNELS)

bench-threads: ## two threads against one, by the clock (KERNELS=)
	$(Q)tools/setup build run
	$(Q)tools/bench --threads $(KERNELS)

bench-check: ## as bench, with 64 MiB and 1 GiB; fails if a row is 3 % worse than recorded
	$(Q)tools/setup build run
	$(Q)tools/bench --check $(KERNELS)

RECORDED = $(or $(KERNELS),6.1 6.12 7.3)

bench-record: ## all of these; records the figures in Documentation/performance
	$(Q)tools/setup build run charts
	$(Q)tools/bench --record $(RECORDED)
	$(Q)tools/bench --threads --record $(RECORDED)
	$(Q)tools/bench --scale --record $(RECORDED)

profile: ## where a row of the bench spends its instructions (KERNEL=6.1 ROW=touch)
	$(Q)tools/setup build run
	$(Q)tools/profile $(or $(KERNEL),6.1) $(or $(ROW),touch) $(PROVIDER)

lint: ## checkpatch, sparse, and builds with more warnings, gcc and clang
	$(Q)tools/lint

docs: ## build the documentation as HTML in out/docs
	$(Q)tools/setup docs
	$(Q)sphinx-build -W -q -b html Documentation out/docs
	$(Q)echo "out/docs/index.html"

install: ## install vmobj.ko for the running kernel or KDIR=, and who may use it
	$(Q)$(module) modules_install
	$(Q)depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) \
		`sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h`
	$(Q)install -D -m 644 dist/60-vmobj.rules $(DESTDIR)$(libdir)/udev/rules.d/60-vmobj.rules
	$(Q)install -D -m 644 dist/sysusers.conf $(DESTDIR)$(libdir)/sysusers.d/vmobj.conf
	$(Q)$(if $(DESTDIR),,systemd-sysusers $(libdir)/sysusers.d/vmobj.conf)

package: ## the Debian packages vmobj-dkms and vmobj-tools, in out/package
	$(Q)tools/package

clean: ## remove what was built; the cached kernels stay (~/.cache/vmobj)
	$(Q)if test -e $(KDIR)/Makefile; then $(module) clean; fi
	$(Q)rm -rf build out

help: ## list these targets
	$(Q)echo "Targets ('all' is the default):"
	$(Q)sed -n 's/^\([a-z-]*\): ## /\1 /p' Makefile | while read -r t text; do \
		printf '  %-14s %s\n' "$$t" "$$text"; done

.PHONY: all run shell check bench bench-scale bench-threads bench-check bench-record profile lint docs install package clean help
