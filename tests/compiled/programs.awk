# programs.awk - the programs of tests/programs that run without an error and define a
# function with types, each as a file of its own in `dir`: NAME-LINE.gc.
function finish() {
  if (text != "" && good && text ~ /(^|\n)[a-zA-Z_0-9]+\([^)]*: *(real|int|bool|[A-Z])/) {
    printf "%s", text > path
    close(path)
  }
  text = ""
}
FILENAME ~ /session/ { next }
/^## / {
  finish()
  name = FILENAME
  sub(/.*\//, "", name); sub(/\.test$/, "", name)
  path = dir "/" name "-" FNR ".gc"
  good = in_program = 1
  next
}
/^---$/ { in_program = 0 }
/^--- exit [1-9]/ || /^--- file/ { good = 0 }
in_program && !/^\$ / { text = text $0 "\n" }
END { finish() }
