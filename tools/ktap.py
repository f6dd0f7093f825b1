# SPDX-License-Identifier: GPL-2.0-only
"""Reading test results (TAP and KTAP) and kernel messages."""

import re

# What a healthy kernel does not say.
SPLAT = re.compile(r'''
    BUG: | WARNING: | KASAN | UBSAN | \bOops\b | kernel\ BUG |
    possible\ .*(lock|dependency|deadlock) | inconsistent\ lock\ state |
    INFO:\ (task|trying|possible|rcu|lockdep) | [Bb]ad\ page |
    [Bb]ad\ rss-counter | [Uu]nable\ to\ handle | general\ protection |
    suspicious\ RCU | sleeping\ function | held\ lock\ freed |
    lock\ held\ when\ returning | ODEBUG | page_table_check |
    refcount_t: | list_(add|del)\ corruption | slab\ .*objects\ remaining |
    Objects\ remaining\ in | kmemleak:\ \d+\ new | Kernel\ panic |
    rcu_.*detected\ (stall|expedited) | soft\ lockup | hung_task
''', re.VERBOSE)

STAMP = re.compile(r'^(<\d+>)?\[ *\d+\.\d+\] ?')
RESULT = re.compile(
    r'^( *)(ok|not ok)\b *(\d+)?(?: *-)? *(.*?)(?: *# *(SKIP|TODO)\b[: ]*(.*))?$', re.I)
PLAN = re.compile(r'^( *)1\.\.(\d+)(?: *# *SKIP *(.*))?')
SUBTEST = re.compile(r'^( *)# Subtest: (\S+)')
# What kselftest_harness.h says when it starts a test; a skipped one gets no
# name in its result.
RUN = re.compile(r'^# +RUN +(\S+) \.\.\.')


def untimed(line):
    """A kernel message without its time stamp."""
    return STAMP.sub('', line)


class Tap:
    """Reads TAP line by line; nested subtests count, their summaries do not."""

    def __init__(self):
        self.depth = {}         # indent -> [planned, seen, failed below]
        self.suites = {}        # indent -> name
        self.running = ''

    def feed(self, line):
        """Returns (verdict, name, text) for a result of its own, else None."""
        if m := RUN.match(line):
            self.running = m[1]
        if m := SUBTEST.match(line):
            self.suites[len(m[1])] = m[2]
        if m := PLAN.match(line):
            # It comes before the results or after them.
            here = self.depth.get(len(m[1]))
            if here and here[0] is None:
                here[0] = int(m[2])
            else:
                self.depth[len(m[1])] = [int(m[2]), 0, 0]
            if m[2] == '0' and m[3]:
                return 'skip', '', m[3]
            return None
        m = RESULT.match(line)
        if not m:
            return None
        indent, good = len(m[1]), m[2] == 'ok'
        deeper = [d for d in self.depth if d > indent]
        below = [self.depth.pop(d) for d in deeper]
        here = self.depth.setdefault(indent, [None, 0, 0])
        here[1] += 1
        self.suites = {d: s for d, s in self.suites.items() if d <= indent}
        name = '.'.join([self.suites[d] for d in sorted(self.suites)] +
                        [m[4] or self.running])
        if (m[5] or '').upper() == 'SKIP':
            return 'skip', name, m[6] or 'no reason given'
        if any(seen for _, seen, _ in below):
            failed = sum(f for _, _, f in below)
            here[2] += failed
            short = [f'planned {p}, ran {s}' for p, s, _ in below
                     if p is not None and p != s]
            if short:
                here[2] += 1
                return 'fail', name, ', '.join(short)
            if good or failed:
                return None
        if not good:
            here[2] += 1
        return ('ok' if good else 'fail'), name, ''

    def unfinished(self):
        """What the plans promised and did not come, or None."""
        for planned, seen, _ in self.depth.values():
            if planned is not None and seen != planned:
                return f'planned {planned}, ran {seen}'
        return None
