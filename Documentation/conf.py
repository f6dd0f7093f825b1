# SPDX-License-Identifier: GPL-2.0-only
#
# Sphinx configuration.  Needs nothing but Sphinx itself; "make docs" builds
# HTML in out/docs, "sphinx-build -b man" the manual page.

import os
import re

project = 'vmobj'
author = 'The vmobj developers'
copyright = 'the vmobj developers'

# The version stands in one place: the module's source.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       '..', 'vmobj', 'main.c')) as source:
    release = re.search(r'MODULE_VERSION\("(.*?)"\)', source.read()).group(1)
version = release

root_doc = 'index'
# Parts of performance.rst.
exclude_patterns = ['performance/*.rst']
highlight_language = 'none'
nitpicky = True
# The sources have straight quotes and double dashes of their own.
smartquotes = False

html_theme = 'alabaster'
html_theme_options = {
    'description': "Anonymous memory from BSD VM objects",
    'page_width': '1100px',
    'sidebar_width': '240px',
}
html_copy_source = False
html_show_sourcelink = False

man_pages = [
    ('vmobj.4', 'vmobj', 'anonymous memory from BSD VM objects', author, 4),
    ('vmobj-demo.1', 'vmobj-demo', 'show what a fork does to VM objects', author, 1),
    ('vmobj-selftest.1', 'vmobj-selftest', 'test the vmobj module that is loaded',
     author, 1),
]
