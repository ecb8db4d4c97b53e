# table.awk - a line for each function of a header: its stack and its workspace.
# -v compilers="gcc clang": those that accepted it.
/^\/\* / { doc = 1; work = "-"; stack = "?" }
/^ \* Workspace: / {
  work = $0
  sub(/^ \* Workspace: /, "", work)
  sub(/\.$/, "", work)
  sub(/, so work may be null/, "", work)
}
/^ \* Stack: at most / { stack = $5 }
/^int [a-z_A-Z0-9]+\(/ && doc {
  name = $2
  sub(/\(.*/, "", name)
  if (stack != "?") printf "  %-34s stack %6s   work %-28s %s\n", name, stack, work, compilers
  doc = 0; stack = "?"
}
