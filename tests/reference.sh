#!/usr/bin/env bash
# reference.sh - what is written about the program is complete: the manual pages name every
# command, option, function of the library and word of the language, and their examples
# run; completion offers every command and option; both editors colour every word.
source "$(dirname "$0")/lib.bash"
find_gradc
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}

# A manual page as text, without its markup.
plain() { sed -e 's/\\-/-/g; s/\\e/\\/g; s/\\f[BIRP]//g; s/\\&//g; s/\\(dq/"/g; s/" *, *"/ /g; s/"//g' "$1"; }

# has_words FILE WORD...: says which are missing.
has_words() {
  local file=$1 word missing=0
  shift
  for word; do
    grep -qE -e "(^|[^A-Za-z0-9_-])$word($|[^A-Za-z0-9_-])" "$file" || { echo "missing: $word"; missing=1; }
  done
  (($# > 0 && missing == 0))
}

# example PAGE NUMBER FILE: the text of an .EX block.
example() {
  plain_example=$("${AWK:-awk}" -v want="$2" '
    /^\.EE/ { on = 0 } on && n == want { print } /^\.EX/ { on = 1; n++ }' "$1" |
    sed -e 's/\\-/-/g; s/\\e/\\/g; s/\\(dq/"/g')
  printf '%s\n' "$plain_example" >"$3"
  [[ -n $plain_example ]]
}

for page in gradc.1 gradc.3 gradc-language.7; do plain "$top/docs/$page" >"$work/$page"; done

# ---- commands and options ------------------------------------------------------------

mapfile -t commands < <(gradc --help | sed -n 's/^  *gradc \([a-z][a-z]*\).*/\1/p')
check "there are commands" test "${#commands[@]}" -ge 7
# The options that a command takes, from its table of options rather than from its help.
options_of() {
  sed -n '/^static const struct option options\[\]/,/^};/p' "$top/src/commands/$1.c" |
    grep -oE '\{"[a-z-]+"' | tr -d '{"' | grep -v '^help$' | sed 's/^/--/'
}
section() { sed -n "/^\.SS .*$1/,/^\.S[SH]/p" "$work/gradc.1" | sed '2,$s/^\.S[SH].*//'; }

source "$top/completion/gradc"
compopt() { :; }
completed() {
  COMP_WORDS=(gradc "$@") COMP_CWORD=$#
  _gradc
  printf '%s\n' "${COMPREPLY[@]}"
}

for command in "${commands[@]}"; do
  mapfile -t options < <(options_of "$command")
  ((${#options[@]})) || continue
  gradc "$command" --help >"$work/help"
  section "$command" >"$work/section"
  completed "$command" -- | sed 's/=$//' >"$work/completed"
  check "$command --help names its options" has_words "$work/help" "${options[@]}"
  check "gradc(1) has the options of $command" has_words "$work/section" "${options[@]}"
  check "bash completes the options of $command" has_words "$work/completed" "${options[@]}"
done
check "gradc(1) has the commands" has_words "$work/gradc.1" "${commands[@]}"
completed '' >"$work/completed"
check "bash completes commands" has_words "$work/completed" "${commands[@]}"
check "one command" test "$(completed expl)" = explain
check "no option that there is not" test -z "$(completed compile -l)"
if command -v zsh >/dev/null; then
  # What zsh offers after these words, by stand-ins for the two functions of its own.
  zsh_completed() {
    zsh -f -c '_call_program() { shift; "$@" }
      compadd() { print -l -- ${(P)2} }
      words=("${@[2,-1]}") CURRENT=$#words PREFIX=$words[-1]
      source $1' zsh "$top/completion/_gradc" gradc "$@"
  }
  zsh_completed '' >"$work/completed" || true
  check "zsh completes commands" has_words "$work/completed" "${commands[@]}"
  zsh_completed compile -- >"$work/completed" || true
  sed -i "s/=\$//" "$work/completed"
  mapfile -t options < <(options_of compile)
  check "zsh completes options" has_words "$work/completed" "${options[@]}"
else
  echo "skipped: completion for zsh: zsh is not installed"
fi

# ---- the library -------------------------------------------------------------------------

mapfile -t functions < <(grep -oE '\bgradc_[a-z_]+\(' "$top/src/gradc.h" | tr -d '(' | sort -u)
mapfile -t constants < <(grep -oE '^ *(enum \{ *)?GRADC_[A-Z]+(_[A-Z]+)* = ' "$top/src/gradc.h" |
  grep -oE 'GRADC_[A-Z_]+')
check "gradc(3) has every function" has_words "$work/gradc.3" "${functions[@]}"
check "gradc(3) has every constant" has_words "$work/gradc.3" "${constants[@]}"
# Every prototype in the page is that of the header.
prototypes() {
  local line
  tr -s ' \n' ' ' <"$top/src/gradc.h" >"$work/header"
  while IFS= read -r line; do
    grep -qF -- "$line" "$work/header" || { echo "not in gradc.h: $line"; return 1; }
  done < <(sed -n 's/^\.B \(.*gradc_[a-z_]*(.*);\)$/\1/p' "$work/gradc.3")
}
check "gradc(3) has the prototypes of gradc.h" prototypes
compiles() {
  example "$top/docs/gradc.3" 1 "$work/host.c" &&
    ${CC:-cc} -std=c99 -Wall -Wextra -Werror -I"$top/src" -c "$work/host.c" -o "$work/host.o"
}
check "the example of gradc(3) compiles" compiles

# ---- the language ------------------------------------------------------------------------

mapfile -t words < <(
  sed -n -E 's/^PRIM\([A-Z0-9]+, "([a-z][a-z0-9_]*)".*/\1/p' "$top/src/ir/primitives.def" | grep -v '^neg$'
  sed -n -E 's/^BUILTIN\("([a-z_0-9]+)".*/\1/p' "$top/src/elaborate/builtins.def"
  printf '%s\n' if then else for in while print assert fold scan loop at most with trace input import \
    type custom_gradient custom_tangent real int bool true false none pi inf nan)
check "gradc-language(7) has every word" has_words "$work/gradc-language.7" "${words[@]}"
check "the colours for Vim have every word" has_words "$top/editors/gradc.vim" "${words[@]}"
sed 's/\\\\[a-z]/ /g' "$top/editors/gradc.tmLanguage.json" >"$work/textmate"
check "the TextMate grammar has every word" has_words "$work/textmate" "${words[@]}"

prints() {
  example "$top/docs/gradc-language.7" "$1" "$work/example.gc" && gradc run "$work/example.gc" >"$work/out" &&
    diff "$work/out" <(printf '%s\n' "$2")
}
check "the first example of gradc-language(7) runs" prints 1 '[1 2]'
check "the second example runs" prints 2 '1 0.24445831169074586'

if command -v python3 >/dev/null; then
  check "the TextMate grammar is JSON, and its patterns are regular expressions" python3 - <<END
import json, re
def visit(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("match", "begin", "end"): re.compile(value)
            if key == "include": assert value[1:] in grammar["repository"], value
            visit(value)
    elif isinstance(node, list):
        for value in node: visit(value)
grammar = json.load(open("$top/editors/gradc.tmLanguage.json"))
assert grammar["scopeName"] == "source.gradc" and grammar["fileTypes"] == ["gc"]
visit(grammar)
END
else
  echo "skipped: the TextMate grammar as JSON: python3 is not installed"
fi

# What Vim says of places in a text: line, column, group.
places=$(printf '%s\n' '1 1 gradcComment' '2 1 gradcDefinition' '2 6 gradcType' '2 20 gradcFunction' \
  '2 24 gradcNumber' '3 3 gradcRule' '3 31 gradcGradient' '4 2 gradcStatement' '4 8 gradcString' '4 11 gradcValue')
vim_colours() {
  printf '%s\n' '# a comment' 'f(x: real): real = sin(2.5*x)' 'custom_gradient f(x; up) = up*stop_gradient(x)' \
    'print "v={f(1)}"' >"$work/colours.gc"
  {
    echo 'syntax clear'
    echo 'unlet! b:current_syntax'
    echo "source $top/editors/gradc.vim"
    while read -r line column group; do
      echo "if synIDattr(synID($line, $column, 1), 'name') != '$group'"
      echo "  call writefile(['$line $column is ' . synIDattr(synID($line, $column, 1), 'name')], '$work/wrong', 'a')"
      echo 'endif'
    done <<<"$places"
    echo 'qall!'
  } >"$work/colours.vim"
  timeout 20 vim -e -s -N -u NONE -i NONE --cmd 'syntax on' -S "$work/colours.vim" "$work/colours.gc" </dev/null
  [[ ! -e $work/wrong ]] || { cat "$work/wrong"; return 1; }
}
if vim --version 2>/dev/null | grep '+syntax' >/dev/null; then
  check "Vim colours a text" vim_colours
else
  echo "skipped: colours in Vim: it is not installed, or has none"
fi
finish reference
