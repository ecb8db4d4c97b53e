# coverage.awk - gcov's summaries as a table of our files, and their total.
/^File / { file = substr($0, 7, length($0) - 7); sub(/^.*\/src\//, "src/", file) }
/^Lines executed:/ && file ~ /^src\/.*\.c$/ {
  split($0, part, /[:% ]+/)
  lines = $NF + 0
  if (lines > all[file]) { all[file] = lines; hit[file] = part[3] * lines / 100 }
  file = ""
}
END {
  for (f in all) {
    printf "%5.1f %%  %5d lines  %s\n", 100 * hit[f] / all[f], all[f], f | "sort -n"
    total += all[f]
    done += hit[f]
  }
  close("sort -n")
  if (total) printf "%5.1f %%  %5d lines  in all\n", 100 * done / total, total
}
