/* check/reproduce.c */
#include "check/priv.h"

weft_status
weft_write_reproducer(weft_checking *c, int group, const char **path)
{
    (void)group, (void)path;
    return weft_fail(c->diag, WEFT_UNSUPPORTED, "later");
}
