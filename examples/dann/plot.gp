# plot.gp - draws what `dann --plot NAME` wrote, as NAME.svg:
#
#   gnuplot -c plot.gp NAME
name = ARG1
set terminal svg size 1000,800 font "sans,12" background "white"
set output name.".svg"
array title = ["without reversal", "with reversal"]

set multiplot layout 2,2 title name
set xlabel "step"
set ylabel "loss of a batch"
set logscale y
set xtics 0, 2000
set key bottom left
plot name.".curves" index 1 using 1:2 with lines lw 2 title "class", \
  "" index 1 using 1:3 with lines lw 2 title "domain, with reversal", \
  "" index 0 using 1:3 with lines lw 2 title "domain, without"
unset logscale y

set ylabel "accuracy"
set yrange [0.2:1.05]
set key bottom right
plot name.".curves" index 1 using 1:4 with lines lw 2 title "source, with reversal", \
  "" index 1 using 1:5 with lines lw 2 title "target, with reversal", \
  "" index 0 using 1:5 with lines lw 2 title "target, without", \
  "" index 1 using 1:6 with lines lw 2 title "domain, with reversal", \
  "" index 0 using 1:6 with lines lw 2 lc "gray40" title "domain, without"
set yrange [*:*]
set xtics autofreq

set xlabel "features, widest axis"
set ylabel "second axis"
unset key
do for [k = 0:1] {
  set title title[k + 1].": source filled, target open, a colour a class"
  plot for [d = 0:1] for [y = 0:1] name.".features" index k \
    using ($5 == d && $6 == y ? $3 : NaN):4 with points \
    pt (d == 0 ? 7 : 6) ps 0.5 lc (y + 1) notitle
}
unset multiplot
