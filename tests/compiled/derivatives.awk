# derivatives.awk - from the header of a model (values alone) the options that ask for a
# derivative of each function: "--grad f:x,w" where the result is one real, else "--jvp f:x".
/^\/\* [A-Za-z_0-9]+\(.*\) -> / {
  text = substr($0, 4)
  name = text
  sub(/\(.*/, "", name)
  depth = 0; from = length(name) + 2; wrt = ""
  for (i = length(name) + 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c ~ /[(\[]/) depth++
    if (c ~ /[)\]]/) depth--
    if ((c == "," && depth == 1) || depth == 0) {
      part = substr(text, from, i - from)
      type = part
      sub(/^[^:]*:/, "", type)
      sub(/:.*/, "", part)
      gsub(/ /, "", part)
      if (type !~ /int|bool/ || type ~ /real/) wrt = wrt (wrt == "" ? "" : ",") part
      from = i + 1
      if (depth == 0) break
    }
  }
  result = substr(text, i + 1)
  if (wrt != "") print (result ~ /^ -> real *$/ ? "--grad" : "--jvp"), name ":" wrt
}
