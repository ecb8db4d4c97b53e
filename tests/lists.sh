#!/usr/bin/env bash
# The lists of files in sources.mk are those of the tree.  (A distributed tree
# holds what was listed, so there it is true by construction.)
set -euo pipefail
exec bash "$top_srcdir/build-aux/list-sources" --check
