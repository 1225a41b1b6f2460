#!/bin/sh
# Adds up the result lines of cargo test in a log; fails if one failed or none
# is there: mk/sums.sh log
awk '/^test result:/ { n++; p += $4; f += $6; bad += ($3 != "ok.") }
     /^error: / { bad++ }
     END { if (n == 0 || (bad && !f)) f++
           print p + 0 " passed, " f + 0 " failed"; exit f > 0 }' "$1"
