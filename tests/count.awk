# count.awk - adds up the single tests in the logs of `make check`: our scripts
# close with "N passed, N failed", libcheck with "Checks: N, Failures: N, Errors: N".
# A log without such a line is one test, by its closing result.
function close_log() {
  if (name == "") return
  if (!counted) { if (result == "PASS") passed++; else if (result != "SKIP") failed++ }
  else if (result != "PASS" && !log_failed) failed++
  name = ""
}
FNR == 1 { close_log(); name = FILENAME; counted = log_failed = 0; result = "" }
/^.*: [0-9]+ passed, [0-9]+ failed$/ {
  counted = 1
  passed += $(NF - 3)
  failed += $(NF - 1)
  log_failed += $(NF - 1)
}
/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
  counted = 1
  bad = $5 + $7
  passed += $3 - bad
  failed += bad
  log_failed += bad
}
/^(PASS|FAIL|SKIP|ERROR|XPASS|XFAIL) .*\(exit status: [0-9]+\)$/ { result = $1 }
END {
  close_log()
  printf "%d passed, %d failed\n", passed, failed
}
