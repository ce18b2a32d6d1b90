/* te/parse.h: what the two files that read te text share.  Nothing else includes it. */
#ifndef WEFT_TE_PARSE_H
#define WEFT_TE_PARSE_H

#include "ir/parse.h"
#include "te/priv.h"

/* The parser of ir reads expressions; ours wraps it.  Its `inner` diagnostics are the program's
 * while we read, so that what a maker or a primitive refuses is reported with its place. */
typedef struct te_parser {
    parser p;
    weft_te *te;
    const weft_te_given *given;
    int ninput;     /* read so far */
    void *user;     /* of who reads something else than a program */
    weft_map *made; /* name -> index into axes: those made by primitives */
    WEFT_VEC(weft_axis *) axes;
} te_parser;

/* Leaves the parse with what te reported, at a token. */
_Noreturn void weft_te_refused(te_parser *, const weft_token *at);
/* A name that text may give to a new thing of that kind; at: out, its token.  Ends the parse if it
 * is taken. */
const char *weft_te_new_name(te_parser *, weft_name_kind, weft_token *at);
/* The tensor that the current token names. */
weft_tensor *weft_te_parse_tensor(te_parser *);
void weft_te_bind_tensor(te_parser *, const weft_token *at, const weft_tensor *);

/* Forgets names bound since there were `mark` of them. */
void weft_te_leave_scope(te_parser *, int mark);

/* Reads a text by `read`; what te reports meanwhile gets its place there. */
weft_status weft_te_read_text(weft_te *, const char *source, const char *text,
                              const weft_te_given *, void *user, void (*read)(te_parser *));

/* parse_extern.c: reads one extern stage. */
void weft_te_parse_extern(te_parser *);
/* parse_schedule.c: "schedule" has been read; reads up to and with its closing bracket. */
void weft_te_parse_schedule(te_parser *);

#endif
