// SPDX-License-Identifier: GPL-2.0-only
/* In place of the swap pager, which will have vm_swap_drain(): no object has a block. */
#include <vmobj/swap.h>

int vm_swap_drain(void)
{
	return 0;
}
