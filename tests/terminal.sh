#!/usr/bin/env bash
# The session in a real terminal, which tmux gives: prompts, several lines, completion,
# Ctrl-C during an evaluation and at the prompt, the tour, history from one session to the
# next.  And :plot, where gnuplot is there.
source "$(dirname "$0")/lib.bash"
find_gradc

check() { # check TITLE COMMAND...: the command succeeds
  local title=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL $title"
    [[ ! -e $work/screen ]] || indent "$work/screen"
  fi
}

# ---- :plot ----

plot() {
  cd "$work"
  printf '%s\n' 'f(x) = x^2' ":plot f, f', x + 1 x=-3..3" ':plot 1/y y=-1..1 out.svg' |
    gradc repl >plot.txt
  (($(grep -cE '\*\*|##' plot.txt) > 10)) && grep -q '<path' out.svg
}
if command -v gnuplot >/dev/null; then
  check ':plot draws with characters, and into a file' plot
else
  echo 'skipped: :plot (gnuplot is not there)'
fi

# ---- a terminal ----

if ! command -v tmux >/dev/null; then
  echo 'skipped: the terminal (tmux is not there)'
  finish terminal
  exit
fi
unset TMUX
tmux() { command tmux -f /dev/null -S "$work/socket" "$@"; }
trap 'tmux kill-server 2>/dev/null || true; rm -rf "$work"' EXIT
if ! tmux new-session -d true 2>"$work/why"; then
  echo "skipped: the terminal (tmux does not start here: $(head -n 1 "$work/why"))"
  finish terminal
  exit
fi
mkdir "$work/state" "$work/here"
echo 'kept(x) = x + 40' >"$work/here/longname.gc"

start() {
  tmux new-session -d -x 100 -y 60 \
    "cd '$work/here' && TERM=screen NO_COLOR=1 XDG_STATE_HOME='$work/state' exec '$GRADC' 2>&1"
  sees --last '^>$'
}
type() { tmux send-keys "$@"; }
enter() { tmux send-keys -l "$1"; tmux send-keys Enter; }

# Waits until a line of the screen matches; `sees --last`: until the last one does.
sees() {
  local k only=cat
  [[ $1 != --last ]] || { only='tail -n 1'; shift; }
  for ((k = 0; k < 20 * limit; k++)); do
    tmux capture-pane -p -S - 2>/dev/null | sed -e 's/ *$//' -e '/^$/d' >"$work/screen" || true
    ! $only "$work/screen" | grep -qE -e "$1" || return 0
    sleep 0.05
  done
  return 1
}
gone() {
  local k
  for ((k = 0; k < 20 * limit; k++)); do
    tmux has-session 2>/dev/null || return 0
    sleep 0.05
  done
  return 1
}
limit=${GRADC_TEST_TIMEOUT:-30}

check 'it greets and prompts' start
enter 'f(x) = x^2'
enter "f'(3.5) + 100"
check 'an expression prints its value' sees '^107'

enter 'g(x) = {'
check 'an item asks for more' sees --last '^\.$'
enter '  y = f(x)'
enter '  y + 1000 }'
enter 'g(3.0)'
check 'an item of several lines' sees '^1009'

enter 'fold s = 0.0 for t < 100000000000000 { s + sin(s + t) }'
sleep 0.5
type C-c
check 'Ctrl-C ends an evaluation' sees 'interrupted'
enter 'g(4.0)'
check 'and loses nothing' sees '^1016'

tmux send-keys -l 'never typed to its end'
type C-c
sees '\^C'
enter '2000 + 1'
check 'Ctrl-C gives up a line' sees '^2001'
enter 'h(x) = ('
sees --last '^\.$'
type C-c
enter '2000 + 2'
check 'Ctrl-C gives up an item' sees '^2002'

enter 'unknown_name + 1'
check 'an error loses nothing' sees 'error: unknown name'
tmux send-keys -l 'stop_g'
type Tab
tmux send-keys -l '(3000.5)'
type Enter
check 'Tab completes a name' sees '^3000.5'
tmux send-keys -l ':lo'
type Tab
tmux send-keys -l ' long'
type Tab
type Enter
sees '> :load longname.gc'
enter 'kept(2)'
check 'Tab completes commands and files' sees '^42'
tmux send-keys -l 'soft'
type Tab
type Tab
check 'Tab shows what there is' sees 'softmax +softplus'
type C-u

# Calls that double: compiling takes long, says so, and can be stopped.
{
  echo 'g0(x: real) = sin(x)'
  for ((k = 1; k < 40; k++)); do echo "g$k(x: real) = g$((k - 1))(x + $k) + g$((k - 1))(x - $k)"; done
} >"$work/here/doubling.gc"
enter ':load doubling.gc'
enter 'g39(1.5)'
sleep 1
type C-c
enter '40 + 38'
twice() { sees '^78$' && (($(grep -c interrupted "$work/screen") == 2)); }
check 'Ctrl-C stops compiling' twice
enter '41 + 2'
check 'and the session goes on' sees '^43'

enter ':clear'
enter ':tour'
check 'the tour waits' sees 'Enter goes on'
enter '4000 + 1'
check 'one can try things in it' sees '^4001'
type Enter
check 'and goes on with it' sees "add_gradient'\(x\) = 2\*x \+ 3\*x\^2"

type C-d
check 'Ctrl-D leaves' gone
check 'it starts again' start
type Up Up Up
check 'history is kept between sessions' sees '> :clear'
type C-u
enter ':quit'
check ':quit leaves' gone

tmux new-session -d -x 100 -y 60 \
  "cd '$work/here' && TERM=screen NO_COLOR=1 '$GRADC' compile doubling.gc -f g39 -o doubling.c; sleep 20"
check 'long work shows what it is at' sees 'gradc: .*… [0-9]+ s'
check 'and the line goes' sees 'expands to more than 1000000 calls'
check 'a file is not half written' test ! -e "$work/here/doubling.c"
tmux kill-server

finish terminal
