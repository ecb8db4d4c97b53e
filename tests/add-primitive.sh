#!/usr/bin/env bash
# add-primitive.sh - follows docs/add-a-primitive.md literally, in a copy of the tree: puts
# its blocks where they say, runs its commands, and compares what they print.
source "$(dirname "$0")/lib.bash"
: "${top_srcdir:?}"
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS LIBS GRADC
export MAKEFLAGS=-j2
limit=400
page=$top_srcdir/docs/add-a-primitive.md
tree=$work/tree

# Sources alone: not what a build inside the tree has left there.
copy_tree() {
  local folder
  mkdir "$tree"
  for folder in src grammar runtime build-aux docs completion editors; do
    tar -C "$top_srcdir" -cf - --exclude='*.o' --exclude='*.lo' --exclude='*.la' \
      --exclude='.libs' --exclude='.deps' --exclude='.dirstamp' --exclude='*.inc' "$folder"
  done | tar -C "$tree" -xf - --ignore-zeros
  for folder in configure configure.ac config.h.in aclocal.m4 Makefile.am Makefile.in sources.mk gradc.pc.in; do
    cp -p "$top_srcdir/$folder" "$tree"
  done
  chmod -R u+w "$tree"
}

# The blocks of the page as numbered files, with a first line that tells their kind.
split='
/^```/ && fence == "" { fence = substr($0, 4); out = work "/block." sprintf("%02d", ++n); print fence > out; next }
/^```/ { fence = ""; close(out); next }
fence != "" { print > out }
'

# insert BLOCK: "/* in FILE, before: TEXT */", then lines.
insert() {
  local head file text count
  head=$(sed -n 2p "$1")
  [[ $head =~ ^'/* in '([^,]+)', before: '(.*)' */'$ ]] || { echo "no place in: $head"; return 1; }
  file=$tree/${BASH_REMATCH[1]} text=${BASH_REMATCH[2]}
  [[ -f $file ]] || { echo "there is no file ${BASH_REMATCH[1]}"; return 1; }
  count=$(TEXT=$text "${AWK:-awk}" 'index($0, ENVIRON["TEXT"]) == 1 { n++ } END { print n + 0 }' "$file")
  [[ $count == 1 ]] || { echo "$file: $count lines begin with '$text'"; return 1; }
  sed 1,2d "$1" >"$work/lines"
  TEXT=$text LINES_OF=$work/lines "${AWK:-awk}" '
    index($0, ENVIRON["TEXT"]) == 1 { while ((getline line < ENVIRON["LINES_OF"]) > 0) print line }
    { print }' "$file" >"$work/new" && cat "$work/new" >"$file"
}

write_file() {
  local name
  name=$(sed -n '2s/^# \([A-Za-z0-9_]*\.gc\)$/\1/p' "$1")
  [[ -n $name ]] && sed 1d "$1" >"$tree/$name"
}

# Each command, with what it must print: the lines up to the next, if there are any.
run_commands() {
  local line command='' want=''
  while IFS= read -r line; do
    if [[ $line == '$ '* ]]; then
      run_one "$command" "$want" || return 1
      command=${line#??} want=''
    else
      want+=$line$'\n'
    fi
  done < <(sed 1d "$1")
  run_one "$command" "$want"
}
run_one() {
  [[ -n $1 ]] || return 0
  printf '%s\n' "$1" >"$work/command"
  run_command "$tree" "$work/command" "$work/out" "$work/err" || {
    echo "failed: $1"
    tail -n 30 "$work/out" "$work/err"
    return 1
  }
  [[ -n $2 ]] || return 0
  printf '%s' "$2" | cmp -s - "$work/out" && return
  echo "$1: wanted:"
  printf '%s' "$2"
  echo "got:"
  cat "$work/out"
  return 1
}

copy_tree
"${AWK:-awk}" -v work="$work" "$split" "$page"
for block in "$work"/block.*; do
  case $(head -n 1 "$block") in
    c) step=insert ;;
    gc) step=write_file ;;
    console) step=run_commands ;;
    *) echo "$page: what is a block of $(head -n 1 "$block")?"; step=false ;;
  esac
  if $step "$block" >"$work/said" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL add-primitive.sh:"
    sed -n 2,4p "$block" | indent
    indent "$work/said"
    break
  fi
done
((passed > 0)) || failed=1
finish add-primitive
