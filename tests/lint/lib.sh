# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the lint tests: TAP, the project's files, and C without its comments.
#
# Each rule is a function that is given files and prints one line per breach.
# `rule NAME FUNCTION FILES-FUNCTION` runs it over the tree; `catches NAME
# FUNCTION FILE` shows that the rule finds the breach in a file made for it.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
work=${TMPDIR:-/tmp}

# Files of the tree that match the patterns: known to git or about to be.
files()
{
    git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null |
        while read -r file; do
            [ -f "$file" ] && echo "$file"
        done | sort -u
}

rule()
{
    local name=$1 function=$2
    shift 2
    # shellcheck disable=SC2046 # the tree's names hold no spaces
    "$function" $(files "$@") >"$work/breaches" </dev/null
    [ ! -s "$work/breaches" ]
    verdict $? "$name"
    sed 's/^/# /' "$work/breaches"
}

catches()
{
    local name=$1 function=$2 file=$3
    [ -n "$("$function" "$file" </dev/null)" ]
    verdict $? "$name"
}

# Lines "FILE:LINE:CODE" with comments cut and strings emptied.
code()
{
    [ "$#" -gt 0 ] || return 0
    awk '
    FNR == 1 { inside = 0 }
    {
        out = ""
        line = $0
        while (line != "") {
            if (inside) {
                end = index(line, "*/")
                if (!end) { line = ""; break }
                line = substr(line, end + 2)
                inside = 0
                continue
            }
            if (!match(line, /\/\*|"|\x27/)) { out = out line; break }
            out = out substr(line, 1, RSTART - 1)
            found = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            if (found == "/*") { inside = 1; continue }
            # The rest of a string or a character, escapes included.
            pattern = found == "\"" ? "^([^\"\\\\]|\\\\.)*\"" \
                : "^([^\x27\\\\]|\\\\.)*\x27"
            if (match(line, pattern)) line = substr(line, RLENGTH + 1)
            out = out found found
        }
        print FILENAME ":" FNR ":" out
    }' "$@"
}
