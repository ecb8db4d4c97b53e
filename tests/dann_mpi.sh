#!/usr/bin/env bash
# dann_mpi.sh - examples/dann_mpi on 1, 2 and 4 processes: the same losses, weights that are
# alike to the last bit, a rank that is killed, and the training gone on with.
source "$(dirname "$0")/lib.bash"
find_gradc
: "${top_srcdir:?}"
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS LDFLAGS

for tool in mpicc mpirun; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not there"
    finish dann_mpi
    exit
  fi
done

cp -R "$top_srcdir/examples/dann" "$top_srcdir/examples/dann_mpi" "$work"
chmod -R u+w "$work"
cd "$work/dann_mpi" || exit
warnings='-Wall -Wextra -Wshadow -Wdouble-promotion -Werror'
check "dann_mpi builds without a warning" make -s GRADC="$GRADC" CFLAGS="-std=c99 -O2 $warnings"
((failed == 0)) || finish dann_mpi

mkdir "$work/t"
export TMPDIR=$work/t # where Open MPI keeps what it leaves behind
run=(mpirun --oversubscribe --allow-run-as-root)
mpi() { # mpi RANKS ARGUMENT...
  local n=$1
  shift
  timeout "$limit" "${run[@]}" -n "$n" ./dann_mpi "$@"
}
says() { # says STATUS TEXT COMMAND...: its status, and that text among what it says
  local want=$1 text=$2 got=0
  shift 2
  "$@" >said 2>&1 || got=$?
  ((got == want)) && grep -qF -e "$text" said || { echo "status $got"; cat said; return 1; }
}

# ---- the same losses ---------------------------------------------------------------------

figures() { # figures LOG: those of another implementation, and a line for each of 1000 steps
  awk 'function far(a, b) { return a - b > 1e-9 || b - a > 1e-9 }
    function see(k, c, d) {
      if (far(class[k], c) || far(domain[k], d)) { print k, class[k], domain[k]; bad = 1 }
    }
    !/^#/ { class[$1] = $2; domain[$1] = $3; n++ }
    END {
      see(0, 5.48428717354617, 11.1625521520815)
      see(1, 5.50309983839803, 11.1741000421544)
      see(99, 3.36595173251565, 7.8214737258983)
      see(999, 1.10294864588876, 26.2712394435405)
      exit bad || n != 1000
    }' "$1"
}
near() { # near LOG LOG: every number to 1e-9
  paste "$1" "$2" | awk '!/^#/ { for (i = 1; i <= 3; i++) { d = $i - $(i + 3)
    if (d > 1e-9 || d < -1e-9) { print; bad = 1 } } } END { exit bad }'
}
for n in 1 2 4; do
  check "$n ranks train a thousand steps" mpi "$n" --stop 1000 --agree 1 --log "$n.log"
  check "... with the losses of another implementation" figures "$n.log"
  check "... and those of one rank" near "$n.log" 1.log
done
for n in 1 4; do
  check "moons on $n ranks" mpi "$n" --data moons --stop 300 --log "moons$n.log"
done
check "... have the same losses" near moons4.log moons1.log
both() { # of the program for one process
  make -s -C ../dann GRADC="$GRADC" &&
    ../dann/dann --data moons --seeds 1 --log alone.log >/dev/null &&
    awk '$2 == 1 && $3 < 300 { print $3, $4, $5 }' alone.log >with.log &&
    near <(grep -v '#' moons1.log) with.log && (($(wc -l <with.log) == 300))
}
check "... and those of ../dann" both

# A copy of the program in which the weights of one rank go astray in their last bits.
stray='if (r->step == 150 \&\& j->parallel.rank == 1) r->weight[0] += 1e-15;'
astray() (
  cp -R . ../astray && cd ../astray && rm -f main.o &&
    sed -i "s,^    tell_step(j);,&\\n    $stray," main.c &&
    make -s GRADC="$GRADC" CFLAGS="-std=c99 -O2" || exit 1
  says 1 'step 200: the ranks are not alike any more' mpi 2 --steps 1000
)
check "a rank whose weights go astray is found out" astray

# ---- checkpoints ----------------------------------------------------------------------------

weights() { sed -n 's/^weights on all ranks: //p'; }
train=(--steps 6000 --every 500)
whole=$(mpi 4 "${train[@]}" --checkpoint whole.npz 2>/dev/null | weights)
check "all ranks have the same weights" test "${#whole}" = 16
check "a second run has them, too" test "$(mpi 4 "${train[@]}" | weights)" = "$whole"

in_sittings() {
  mpi 4 "${train[@]}" --checkpoint a.npz --stop 1234 && mpi 4 --resume a.npz --stop 1000 &&
    mpi 4 --resume a.npz >a.txt && [[ $(weights <a.txt) == "$whole" ]] && cmp a.npz whole.npz
}
check "stopped twice and resumed: the same bits" in_sittings
fewer() {
  mpi 4 "${train[@]}" --checkpoint f.npz --stop 500 && says 0 \
    'it was written by 4 ranks: with 2 the last bits differ' mpi 2 --resume f.npz --stop 100
}
check "resumed by fewer ranks" fewer

# The process of a rank of the mpirun that runs as $1.
rank_of() {
  local pid
  for pid in $(ps -o pid= --ppid "$1"); do
    if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$2"; then
      echo "$pid"
    fi
  done
}
# Starts a training that would last long, kills one of its ranks after a checkpoint.
kill_rank() {
  local pid k got=0
  rm -f b.npz
  "${run[@]}" -n 4 ./dann_mpi --steps 20000000 --every 50 --checkpoint b.npz >b.txt 2>&1 &
  pid=$!
  for ((k = 0; k < 50 * limit; k++)); do [[ -e b.npz ]] && break; sleep 0.02; done
  kill -KILL "$(rank_of "$pid" "$1")"
  wait "$pid" || got=$?
  cat b.txt
  ((got != 0))
}
# Step by step the state after the kill is that of a run that stops there by itself.
goes_on() {
  local end
  says 0 'weights on all ranks: ' mpi 4 --resume b.npz --stop 50 || return 1
  end=$(sed -n 's/^blobs: .* step \([0-9]*\) of .*/\1/p' said)
  ((end > 50)) && mpi 4 --steps 20000000 --stop "$end" | weights >straight &&
    [[ $(weights <said) == "$(<straight)" ]]
}
check "a rank is killed: the run ends" kill_rank 2
check "... mpirun says which" grep -q 'rank 2 .* exited on signal 9' b.txt
check "... and rank 0 has said how to go on" \
  grep -q '^dann_mpi: should it end early, --resume b.npz goes on' b.txt
check "... and it goes on to the same bits" goes_on
check "rank 0 is killed: the run ends" kill_rank 0
check "... and goes on to the same bits" goes_on

# ---- what is refused --------------------------------------------------------------------------

head -c 900 whole.npz >cut.npz
check "refused: cut off" says 3 'dann_mpi: cut.npz: it is cut off' mpi 2 --resume cut.npz
check "refused: no archive" says 3 'dann_mpi: Makefile: it is not an .npz archive' \
  mpi 2 --resume Makefile
of_one() {
  ../dann/dann --seeds 1 --steps 100 --checkpoint one.npz >/dev/null &&
    says 3 'one.npz: it is a checkpoint of dann' mpi 2 --resume one.npz &&
    says 3 'whole.npz: it is a checkpoint of dann_mpi' ../dann/dann --resume whole.npz
}
check "refused: one of the other program" of_one
check "no place for a checkpoint" says 1 'no/x.npz: cannot write' \
  mpi 2 --steps 9 --checkpoint no/x.npz
check "no place for the log" says 1 'no/log: No such file' mpi 2 --steps 9 --log no/log

# ---- the command line -------------------------------------------------------------------------

options_of() { grep -o -e '--[a-z][a-z]*' | sort -u; }
check "the README has every option" diff <(mpi 1 --help | options_of) \
  <(sed -n '/^## Options/,$p' README.md | options_of)
check "three ranks" says 2 '8 points cannot be shared by 3 ranks' mpi 3
check "an unknown option" says 2 "what is '--foo'?" mpi 2 --foo
check "unknown data" says 2 "--data takes blobs or moons, not 'x'" mpi 2 --data x
check "settled by the checkpoint" says 2 '--seed cannot stand beside --resume' \
  mpi 2 --resume whole.npz --seed 3
check "no reversal" says 0 'target 0.503' mpi 2 --alpha 0
check "another seed" says 0 'blobs: seed 5, step 20 of 20' mpi 2 --seed 5 --steps 20

finish dann_mpi
