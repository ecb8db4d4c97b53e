# adapter.awk - from a header that gradc wrote, C functions that call each of the named ones in
# one and the same way:
#   int NAME_bench_K(const int64_t *size, const void *const *in, void *const *out, void *work)
# Arguments are numbered apart as sizes, inputs and results.  NAME_bench_K_sizes names the
# sizes in order; NAME_bench_K_work is the length of the workspace, 0 for a peer.
#   awk -v name=gmm -v functions="gmm_f gmm_f_grad_x" -f adapter.awk gmm.h
BEGIN {
  count = split(functions, wanted, " ")
  printf "#include \"%s.h\"\n", name
}

# Prototypes may take several lines.
/^(int|size_t) [A-Za-z0-9_]+\(/ { text = ""; open = 1 }
open { text = text " " $0 }
open && /;/ {
  open = 0
  split(text, part, "[(]")
  n = split(part[1], word, " ")
  sub(/\).*/, "", part[2])
  arguments[word[n]] = part[2]
}

function call(f, sizes,   list, n, k, a, s, i, o, text, type) {
  n = split(arguments[f], list, ",")
  s = i = o = 0
  for (k = 1; k <= n; k++) {
    a = list[k]
    gsub(/^ +| +$/, "", a)
    if (a == "void" || a == "") continue
    type = a
    sub(/[A-Za-z0-9_]+$/, "", type)
    gsub(/ +$/, "", type)
    if (text) text = text ", "
    if (type == "size_t") {
      text = text "(size_t)size[" s++ "]"
      if (sizes) names = names substr(a, 8) " "
    }
    else if (a ~ / work$/ && type !~ /const/) text = text "work"
    else if (type ~ /^const .*\*/) text = text "in[" i++ "]"
    else if (type ~ /\*/) text = text "out[" o++ "]"
    else {                         # by value: the workspace may ask for it, too
      if (sizes) at[a] = i
      text = text "*(const " type " *)in[" at[a] "]"
      i++
    }
  }
  return text
}

END {
  for (k = 1; k <= count; k++) {
    f = wanted[k]
    if (!(f in arguments)) { print "adapter: no function " f > "/dev/stderr"; exit 1 }
    b = name "_bench_" (k - 1)
    names = ""
    text = call(f, 1)
    printf "const char *const %s_sizes = \"%s\";\n", b, names
    printf "int %s(const int64_t *size, const void *const *in, void *const *out, void *work) {\n", b
    printf "  (void)size, (void)in, (void)work;\n  return %s(%s);\n}\n", f, text
    printf "size_t %s_work(const int64_t *size, const void *const *in) {\n  (void)size, (void)in;\n", b
    if ((f "_work") in arguments)
      printf "#ifndef PEER\n  return %s_work(%s);\n#endif\n", f, call(f "_work", 0)
    print "  return 0;\n}"
  }
}
