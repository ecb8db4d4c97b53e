#!/usr/bin/env bash
# dann.sh - examples/dann: the training's figures, the lift on the target, checkpoints and
# what is refused as one, the plot, and every option of its README.  NumPy and gnuplot are
# used where they are there.
source "$(dirname "$0")/lib.bash"
find_gradc
: "${top_srcdir:?}"
CC=${CC:-cc}
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS LDFLAGS
python=/usr/bin/python3

cp -R "$top_srcdir/examples/dann" "$work/dann"
chmod -R u+w "$work/dann"
cd "$work/dann" || exit
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror'
check "dann builds without a warning" make -s CC="$CC" GRADC="$GRADC" LDFLAGS="${INSTRUMENT-}" \
  CFLAGS="-std=c99 -O2 $warnings ${INSTRUMENT-}"
((failed == 0)) || finish dann
# The same without sanitizers, for the trainings that are long: each of them is also done, for
# fewer steps or seeds, with them.
mkdir plain
cp Makefile model.gc *.c *.h plain
check "... and without sanitizers" make -s -C plain CC="$CC" GRADC="$GRADC" CFLAGS="-std=c99 -O2"
((failed == 0)) || finish dann

# status N COMMAND...: whether it ends so.
status() {
  local want=$1 got=0
  shift
  "$@" || got=$?
  ((got == want)) || { echo "status $got, not $want"; return 1; }
}
# says N TEXT COMMAND...: ends with the status N, with that text on standard error.
says() {
  local want=$1 text=$2
  shift 2
  status "$want" "$@" 2>said || { cat said; return 1; }
  grep -qF -e "$text" said || { cat said; return 1; }
}

# ---- figures -------------------------------------------------------------------------------

# The losses of seed 1 with reversal, of another implementation.
figures() {
  ./dann --seeds 1 --log losses >table || return 1
  awk '$1 == 1 && $2 == 1 { class[$3] = $4; domain[$3] = $5; n++ }
    function far(a, b) { return a - b > 1e-9 || b - a > 1e-9 }
    function see(k, c, d) {
      if (far(class[k], c) || far(domain[k], d)) { print k, class[k], c, domain[k], d; bad = 1 }
    }
    END {
      see(0, 5.48428717354617, 11.1625521520815)
      see(1, 5.50309983839803, 11.1741000421544)
      see(99, 3.36595173251565, 7.8214737258983)
      see(999, 1.10294864588876, 26.2712394435405)
      if (n != 10000) { print n " steps"; bad = 1 }
      exit bad
    }' losses
}
check "losses as another implementation has them" figures
check "the target without reversal: 0.503" grep -q '^target *0\.503 .* 0\.503' table

# The same training as one program, in memory; its asserts look at the losses.
in_the_language() {
  gradc run ../dann_train.gc "$@" >said && cat said && grep -q "target $want," said
}
cp "$top_srcdir/examples/dann_train.gc" "$work"
want='0\.[789].*' check "gradc run alone, by tcc" in_the_language --jit=tcc
want='0\.[789].*' check "gradc run alone, by cc" in_the_language --jit=cc
want='0\.503' check "... without reversal" in_the_language --set strength=0

# The medians of a table: without and with reversal.
median() { awk -v row="$1" '$1 == row { print $2, $5 }' table; }
lift() {
  plain/dann --data "$1" --seeds 3 >table || return 1
  cat table
  awk -v s="$(median source)" -v t="$(median target)" -v d="$(median domain)" \
    -v least="$2" -v cost="$3" 'BEGIN {
      split(s, source); split(t, target); split(d, domain)
      exit !(target[2] - target[1] > least && source[2] > source[1] - cost &&
             domain[2] < domain[1] - 0.1)
    }'
}
check "blobs: the target gains" lift blobs 0.3 0.05
check "moons: the target gains, the source loses nothing" lift moons 0.08 0.01

# ---- checkpoints ---------------------------------------------------------------------------

few=(--seeds 1 --steps 1500 --seed 4)
./dann "${few[@]}" --checkpoint whole.npz >whole.txt
same() { cmp "$1.npz" whole.npz && cmp "$1.txt" whole.txt; }

in_sittings() {
  ./dann "${few[@]}" --checkpoint a.npz --stop 700 && ./dann --resume a.npz --stop 900 &&
    ./dann --resume a.npz >a.txt && same a && ./dann --resume a.npz | cmp - whole.txt
}
check "stopped twice and resumed: the same bits" in_sittings

long=(--seeds 1 --steps 100000)
plain/dann "${long[@]}" --every 50000 --checkpoint long.npz >long.txt &
whole=$!
# Starts a long training, waits for its first checkpoint, ends it by a signal.
ended_by() {
  local pid k got=0
  rm -f b.npz
  ./dann "${long[@]}" --every 200 --checkpoint b.npz >b.txt 2>said &
  pid=$!
  for ((k = 0; k < 1000; k++)); do [[ -e b.npz ]] && break; sleep 0.02; done
  kill "-$1" "$pid"
  wait "$pid" || got=$?
  ((got == $2)) || { echo "status $got"; return 1; }
}
finished() {
  plain/dann --resume b.npz --every 50000 >b.txt && cmp b.npz long.npz && cmp b.txt long.txt
}
check "killed" ended_by KILL 137
wait "$whole"
check "... and resumed: the same bits" finished
check "terminated" ended_by TERM 143
check "... with a word" grep -q 'go on with --resume b.npz' said
check "... and resumed: the same bits" finished

check "no place for a checkpoint" says 1 'nowhere/x.npz: cannot write' \
  ./dann "${few[@]}" --checkpoint nowhere/x.npz
check "nothing is left beside a checkpoint" test -z "$(find . -name '*.new')"

# ---- what is refused -----------------------------------------------------------------------

refused() { says 3 "$1: $2" ./dann --resume "$1"; }
: >empty.npz
check "refused: nothing there" refused no.npz 'cannot open it: No such file'
check "refused: empty" refused empty.npz 'it is empty'
check "refused: no archive" refused model.gc 'it is not an .npz archive'
size=$(stat -c %s whole.npz)
cut_anywhere() {
  local n
  for ((n = size - 1; n > 0; n -= 97)); do
    head -c "$n" whole.npz >cut.npz
    refused cut.npz 'it is ' || { echo "cut to $n of $size bytes"; return 1; }
  done
}
check "refused: cut off, anywhere" cut_anywhere
flipped() {
  local at
  for ((at = 9; at < size; at += 211)); do
    cp whole.npz flip.npz
    printf '\252' | dd of=flip.npz bs=1 seek="$at" conv=notrunc status=none
    if ./dann --resume flip.npz --stop 1 >/dev/null 2>said; then
      # What a zip says twice, or in vain, may differ: the arrays may not.
      cmp -s <(./dann --resume flip.npz 2>&1) whole.txt || { echo "byte $at"; return 1; }
    else
      grep -q '^dann: flip.npz: ' said || { echo "byte $at"; cat said; return 1; }
    fi
  done
}
check "refused: a damaged byte, anywhere" flipped

with_numpy() { # with_numpy PROGRAM: z is the whole checkpoint, as a dict
  "$python" - <<END
import numpy as np
z = dict(np.load('whole.npz'))
$1
END
}
numpy_tests() {
  check "NumPy reads a checkpoint" with_numpy "
assert z['dann_checkpoint'] == 1 and z['data'] == b'blobs' and z['step'] == 1500
assert z['extractor_W'].shape == (15, 2) and z['momentum_class_b'].shape == (2,)
assert z['random'].dtype == np.uint32 and z['random'].shape == (3,)
assert z['accuracy'].shape == (1, 6) and (z['accuracy'] > 0.3).all()
assert len(z) == 24"
  check "NumPy writes one" with_numpy "np.savez('numpy.npz', **z)"
  check "... that is read" cmp <(./dann --resume numpy.npz) whole.txt
  with_numpy "np.savez_compressed('packed.npz', **z)"
  check "refused: compressed" refused packed.npz "array 'dann_checkpoint' is compressed"
  with_numpy "np.savez('other.npz', a=np.zeros(3))"
  check "refused: another archive" refused other.npz 'it is an archive, but not a checkpoint'
  with_numpy "z['dann_checkpoint'] += 1; np.savez('later.npz', **z)"
  check "refused: a later version" refused later.npz 'it is a checkpoint of another version'
  with_numpy "del z['momentum_class_W']; np.savez('less.npz', **z)"
  check "refused: an array is missing" refused less.npz "it has no array 'momentum_class_W'"
  with_numpy "z['class_W'] = z['class_W'].T.copy(); np.savez('turned.npz', **z)"
  check "refused: another shape" refused turned.npz \
    "array 'class_W' has the shape (15, 2), not (2, 15)"
  with_numpy "z['class_W'] = np.asfortranarray(z['class_W']); np.savez('fortran.npz', **z)"
  check "refused: by columns" refused fortran.npz "array 'class_W' stands column by column"
  with_numpy "z['class_b'] = z['class_b'].astype('f4'); np.savez('float.npz', **z)"
  check "refused: another type" refused float.npz "array 'class_b' is of type <f4, not <f8"
  with_numpy "z['step'] += 1; np.savez('far.npz', **z)"
  check "refused: a step too far" refused far.npz 'its seed, its steps or its step make no sense'
  with_numpy "z['data'] = np.array(b'rings', 'S16'); np.savez('rings.npz', **z)"
  check "refused: other data" refused rings.npz 'it is of data that this program does not know'
  with_numpy "del z['seeds']; np.savez('mpi.npz', **z)"
  check "refused: of the other program" refused mpi.npz 'it is a checkpoint of dann_mpi'
  with_numpy "z['finished'] += 9; np.savez('seeds.npz', **z)"
  check "refused: too many seeds" refused seeds.npz 'its number of seeds makes no sense'
}
if "$python" -c 'import numpy' 2>/dev/null; then
  numpy_tests
else
  echo 'skipped: NumPy is not there'
fi

# ---- the command line ------------------------------------------------------------------------

options_of() { grep -o -e '--[a-z][a-z]*' | sort -u; }
check "the README has every option" diff <(./dann --help | options_of) \
  <(sed -n '/^## Options/,/^## Checkpoints/p' README.md | options_of)
check "--help" status 0 ./dann --help
check "an unknown option" says 2 "what is '--foo'?" ./dann --foo
check "a stray word" says 2 "what is 'foo'?" ./dann foo
check "a value is missing" says 2 '--seeds takes a value' ./dann --seeds
check "no count" says 2 "--seeds takes a whole number from 1 on, not '0'" ./dann --seeds 0
check "a count with a tail" says 2 "--steps takes a whole number from 1 on" ./dann --steps 5x
check "no number" says 2 "--alpha takes a number from 0 on, not '-1'" ./dann --alpha=-1
check "unknown data" says 2 "--data takes blobs or moons, not 'x'" ./dann --data x
check "settled by the checkpoint" says 2 '--steps cannot stand beside --resume' \
  ./dann --resume whole.npz --steps 5
no_reversal() { ./dann "${few[@]}" --alpha 0 | awk 'NR > 2 && $2 != $5 { exit 1 }'; }
check "--alpha 0: no reversal" no_reversal
in_two_words() { cmp <(./dann "${few[@]}") <(./dann --seeds=1 --steps=1500 --seed=4); }
check "--name=VALUE" in_two_words
full_disk() { status 1 ./dann "${few[@]}" >/dev/full; }
[[ ! -e /dev/full ]] || check "a full disk" full_disk

progress() {
  script -qec './dann --seeds 1' /dev/null >screen && tr '\r' '\n' <screen |
    grep -q 'blobs  seed 1 (1 of 1) with reversal  step 9900 of 10000  class [0-9.]*  domain [0-9]'
}
if command -v script >/dev/null; then
  check "a line of progress on a terminal" progress
else
  echo 'skipped: the line of progress (script is not there)'
fi
check "... and nowhere else" test -z "$(./dann "${few[@]}" 2>&1 >/dev/null)"

# ---- the plot --------------------------------------------------------------------------------

plotted() {
  ./dann --seeds 2 --plot p >/dev/null && (($(grep -c '^[0-9]' p.curves) == 200)) &&
    (($(grep -c '^[-0-9]' p.features) == 1200)) &&
    awk 'NF && !/^#/ && NF != 6 { exit 1 }' p.features
}
check "--plot: curves and features of the first seed" plotted
drawn() { gnuplot -c plot.gp p 2>said && ! grep . said && (($(grep -c '<path' p.svg) > 6)); }
if command -v gnuplot >/dev/null; then
  check "gnuplot draws them" drawn
else
  echo 'skipped: the plot (gnuplot is not there)'
fi

finish dann
