# Completion of gradc's command line for fish.  Commands and options are asked of
# the program itself, so that there is no second list of them.
function __gradc_commands
    gradc --help 2>/dev/null | sed -n 's/^  *gradc \([a-z][a-z]*\).*/\1/p' | sort -u
end

function __gradc_options
    set -l words (commandline -opc)
    gradc $words[2] --help 2>/dev/null | grep -oE -- '(^|[ [,|])-{1,2}[a-z][a-z-]*=?' |
        tr -d ' [,|' | sed '/^-[a-z]./d' | sort -u
end

complete -c gradc -f -n 'test (count (commandline -opc)) -eq 1' -a '(__gradc_commands)'
complete -c gradc -n 'test (count (commandline -opc)) -gt 1; and string match -q -- "-*" (commandline -ct)' -f -a '(__gradc_options)'
complete -c gradc -n 'test (count (commandline -opc)) -gt 1; and not string match -q -- "-*" (commandline -ct)' -F
