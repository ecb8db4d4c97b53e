# text.awk - a text file as a C string literal, a line each.  The build makes
# runtime/NAME.inc of runtime/NAME.gc, for
#   static const char text[] =
#   #include "runtime/NAME.inc"
#     ;
{
  gsub(/[\\"]/, "\\\\&")
  gsub(/\t/, "\\t")
  gsub(/\?\?/, "?\\?")
  printf "\"%s\\n\"\n", $0
}
END { if (NR == 0) print "\"\"" }
