#!/usr/bin/env bash
# gradc flow: pictures of the first trick, of a domain-adversarial network and of the hard
# sign, drawn by Graphviz; and the page, tried in a browser without a screen.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
examples=$(cd "${top_srcdir:-$here/..}/examples" && pwd)

# holds FILE TEXT...: FILE holds each text.
holds() {
  local file=$1 text
  shift
  for text; do
    grep -qF -- "$text" "$file" || { echo "$file does not hold: $text"; return 1; }
  done
}

lacks() {
  ! grep -nE -- "$2" "$1"
}

begins() { # begins FILE BYTES
  [[ $(head -c ${#2} "$1" | tr -d '\0') == "$2" ]] || { echo "$1 does not begin with $2"; return 1; }
}

fails() { # fails STATUS TEXT COMMAND...: with a message that holds TEXT
  local want=$1 text=$2 got=0
  shift 2
  "$@" >"$work/out" 2>&1 || got=$?
  cat "$work/out"
  [[ $got == "$want" ]] && grep -qF -- "$text" "$work/out" && ! has_finding "$work/out"
}

absent() {
  [[ ! -e $1 ]] || { echo "$1 was written"; return 1; }
}

cd "$work"
cat >controls.gc <<'GC'
every(x, alpha) = {
  a = grad_clip(x, -1, 1)
  b = straight_through(round(a), a)
  c = grad_reverse(b, alpha) + grad_scale(b, 2)
  d = if x > 0 then c^2 else floor(c)
  d*stop_gradient(d)
}
repeated(x, a) = fold s = x for t < 5 { grad_reverse(sin(s), a) + s }
masked(x: real[n]): real = sum(if v > 0 then grad_reverse(v)^2 else -v for v in x)
GC

# ---- the input of Graphviz ----

check "the first trick" gradc flow "$examples/add_gradient.gc" -f h -o trick.dot
check "its texts" holds trick.dot 'stop_gradient' 'x^2' 'x^3' 'arrowtail=tee' '#0072B2' '>stopped<'
check "the hard sign" gradc flow "$examples/hard_sign.gc" -f hard_sign -o sign.dot
check "its texts" holds sign.dot 'the rule of hard_sign' '#007A5A' '>replaced by a rule<'
check "a network" gradc flow "$examples/dann_flow.gc" -f objective --wrt p -o dann.dot
check "its texts" holds dann.dot '×(−alpha)' '#D55E00' 'perceptron(p.extractor, batch.x)' \
  'linear(p.first, x)' 'relu' 'p.domain.second' '>reversed<'
check "it is legible: at most 40 boxes" test "$(grep -c 'class="box"' dann.dot)" -le 40
check "every control" gradc flow controls.gc -f every --wrt x -o every.dot
check "their texts" holds every.dot '>clipped<' '>scaled<' '>passed straight through<' '×2' \
  '>no gradient<' 'x &gt; 0'
check "a fold" gradc flow controls.gc -f repeated -o repeated.dot
check "its name is the source's" holds repeated.dot 'label=<s>' '×(−a)'
check "a branch in a sum" gradc flow controls.gc -f masked -o masked.dot
check "its clusters" holds masked.dot 'subgraph cluster_' 'then'
check "an expression" gradc flow -e 'x*stop_gradient(x*y)' --wrt x -o expression.dot
check "the same text twice" bash -c 'gradc flow controls.gc -f every -o a.dot &&
  gradc flow controls.gc -f every -o b.dot && cmp a.dot b.dot'

# A function of many lines is drawn by blocks of lines.
awk 'BEGIN { print "long(x, y) = {"; print "  a0 = x"
  for (i = 1; i <= 3000; i++) printf "  a%d = sin(a%d*y)\n", i, i - 1
  print "  a3000"; print "}" }' >long.gc
check "a long function" gradc flow long.gc -f long -o long.dot
check "it is legible" test "$(grep -c 'class="box"' long.dot)" -le 42

# ---- what goes wrong ----

check "another ending" fails 2 "must end in .svg" gradc flow controls.gc -f every -o every.gif
check "no output" fails 2 "where to?" gradc flow controls.gc -f every
check "no such function" fails 1 'no function `evry`' gradc flow controls.gc -f evry -o none.dot
check "nothing was written" absent none.dot
mkdir nothing
ln -s "$GRADC" nothing/gradc
check "without Graphviz" fails 1 "install the package graphviz" \
  env PATH="$work/nothing" gradc flow controls.gc -f every -o none.svg
check "nothing was written" absent none.svg
echo mine >kept.svg
check "without Graphviz again" fails 1 "Graphviz" \
  env PATH="$work/nothing" gradc flow controls.gc -f every -o kept.svg
check "a file that was there stays" holds kept.svg mine
check "a directory that is not there" fails 1 "cannot write" \
  gradc flow controls.gc -f every -o nowhere/every.dot

# ---- pictures ----

if ! command -v dot >/dev/null; then
  echo "flow: no dot here (package graphviz): no pictures are drawn"
  finish flow
  exit
fi
for picture in "add_gradient.gc -f h" "dann_flow.gc -f objective --wrt p" "hard_sign.gc -f hard_sign"; do
  read -r file options <<<"$picture"
  name=${file%.gc}
  # shellcheck disable=SC2086
  for format in svg png pdf html; do
    check "$name.$format" gradc flow "$examples/$file" $options -o "$name.$format"
  done
  check "$name.svg is one" holds "$name.svg" '<svg' '</svg>' 'class="edge'
  check "$name.png is one" begins "$name.png" $'\x89PNG'
  check "$name.pdf is one" begins "$name.pdf" '%PDF'
  check "$name.html is a page" holds "$name.html" '<!DOCTYPE html>' 'id="forward"' 'id="gradient"' '</html>'
  check "$name.html needs no network" lacks "$name.html" '(src|href)="?(https?:|//)|@import|<link'
done

# ---- the page in a browser ----

browser=''
for word in ${BROWSER_FOR_TESTS:-} chromium chromium-browser google-chrome; do
  browser=$(command -v "$word") && break
done
if [[ -z $browser ]]; then
  echo "flow: no chromium here: the page is not tried in a browser"
  finish flow
  exit
fi

# What a person would do, and what the page then shows, said at its end.
cat >probe.html <<'HTML'
<script>
addEventListener('load', () => {
  const said = [], say = text => said.push(text);
  const tell = document.getElementById('tell');
  const point = (x, type) => x.dispatchEvent(new MouseEvent(type));
  const edges = [...document.querySelectorAll('#gradient .edge')];
  for (const edge of edges) {
    point(edge, 'mouseenter');
    say('edge ' + tell.textContent);
    if (document.querySelectorAll('.edge.on').length !== 2) say('not marked in both');
    point(edge, 'mouseleave');
  }
  say('left ' + tell.textContent + ' ' + document.querySelectorAll('.on').length);
  for (const box of document.querySelectorAll('#gradient .box')) {
    if (!/grad_reverse|stop_gradient|rule/.test(box.textContent)) continue;
    point(box, 'click');
    const line = document.querySelector('#source li.here');
    say('control ' + tell.textContent + ' | ' + line.textContent.trim() + ' | ' +
        line.querySelector('mark').textContent);
  }
  const width = x => x.getBoundingClientRect().width;
  say('side by side ' + (Math.abs(document.getElementById('forward').getBoundingClientRect().top -
    document.getElementById('gradient').getBoundingClientRect().top) < 1));
  say('drawn ' + [...document.querySelectorAll('figure svg')].every(x => width(x) > 50));
  const pre = document.createElement('pre');
  pre.id = 'said';
  pre.textContent = said.join('\n');
  document.body.append(pre);
});
</script>
HTML

browse() { # browse PAGE: what the probe said
  cat "$1.html" probe.html >"$1-probe.html"
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$(mktemp -d "$work/browser.XXXXXX")" --window-size=1400,1000 \
    --dump-dom "file://$work/$1-probe.html" 2>"$1.browser" |
    sed -n '/<pre id="said"/,/<\/pre>/p' | sed 's/<[^>]*>//g; s/&gt;/>/g; s/&lt;/</g; s/&amp;/\&/g' >"$1.said"
  [[ -s $1.said ]] || { tail -n 20 "$1.browser"; return 1; }
  ! grep -F 'not marked' "$1.said"
}
check "the browser opens the first trick" browse add_gradient
check "an edge tells its derivative" holds add_gradient.said 'edge ∂(x^3)/∂(x) = 3 * x^2' \
  'edge ∂(x^2)/∂(x) = 2 * x' 'stopped by stop_gradient' 'left no edge chosen 0'
check "a control shows its line" holds add_gradient.said \
  '| h(x) = f(x) + g(x) - stop_gradient(g(x)) | stop_gradient(g(x))'
check "both graphs are there" holds add_gradient.said 'side by side true' 'drawn true'
check "the browser opens the network" browse dann_flow
check "the reversal" holds dann_flow.said 'reversed: the gradient × (-alpha)' \
  'l = losses(p, batch, z -> grad_reverse(z, alpha)) | grad_reverse(z, alpha)' 'drawn true'
check "the browser opens the hard sign" browse hard_sign
check "the rule" holds hard_sign.said 'the rule of hard_sign at ' 'takes the place of the derivative'
finish flow
