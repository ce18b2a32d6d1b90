# awk -f apply_edit.awk BLOCK FILE: FILE with the edit of a page's block made.  A line of the block
# begins with ' ' (it stands there), '-' (it goes) or '+' (it comes); what stands there has to stand
# there once.
FNR == NR {
    mark = substr($0, 1, 1)
    if (mark != "+") old[++nold] = substr($0, 2)
    if (mark != "-") new[++nnew] = substr($0, 2)
    next
}
{ line[++n] = $0 }
END {
    for (i = 0; i <= n - nold; i++) {
        for (j = 1; j <= nold && line[i + j] == old[j]; j++)
            ;
        if (j > nold) {
            at = i
            found++
        }
    }
    if (found != 1) {
        printf "%s: these lines stand there %d times:\n", FILENAME, found >"/dev/stderr"
        for (j = 1; j <= nold; j++) print "  " old[j] >"/dev/stderr"
        exit 1
    }
    for (i = 1; i <= at; i++) print line[i]
    for (j = 1; j <= nnew; j++) print new[j]
    for (i = at + nold + 1; i <= n; i++) print line[i]
}
