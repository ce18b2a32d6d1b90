/* lower/reach.h: what the files share that tell how far a kernel counts. */
#ifndef WEFT_REACH_H
#define WEFT_REACH_H

#include "lower/priv.h"

/* The least and the greatest value that an expression comes to, in i64 over the scalars; NULL: not
 * known.  Of what is made of scalars alone both are the value. */
typedef struct weft_span {
    const weft_expr *lo, *hi;
} weft_span;

typedef struct weft_known { /* by a condition around */
    const weft_expr *of;
    weft_span span;
} weft_known;

typedef struct weft_seen { /* of an expression, under the conditions of a scene */
    int scene;
    weft_span span;
} weft_seen;

enum { WEFT_MOST_FACTORS = 8 };
typedef struct weft_monomial weft_monomial;
typedef struct weft_polynomial {
    weft_monomial *at;
    int n, cap;
} weft_polynomial;

typedef struct weft_most { /* a value that i32 has to hold */
    const weft_expr *of;
    weft_polynomial bound; /* not less than it */
    int64_t slack;         /* what was added to the bound for the sake of others */
    bool alone;            /* it has no bound but itself, and stands for no other */
} weft_most;

typedef struct weft_counter {
    weft_ir *ir;
    weft_facts *facts; /* of the scalars */
    weft_arena arena;
    weft_span *of_var;        /* by id */
    const weft_expr **of_let; /* by a variable's id: the value that it names; NULL */
    weft_seen *seen;          /* by id, of the kernel's own expressions */
    int scene, nscene;
    WEFT_VEC(weft_known) known; /* the conditions of the scene */
    WEFT_VEC(int) tree;         /* by id: nodes of its text */
    bool lost;                  /* something was too large to be told */
    WEFT_VEC(bool) noted;       /* by id: that i32 has to hold it is in `most` */
    WEFT_VEC(weft_most) most;   /* what i32 has to hold, none at most another */
} weft_counter;

/* ---- reach_most.c ---- */
/* i32 has to hold the value, which is over the scalars. */
void weft_most_add(weft_counter *, const weft_expr *);
/* All of them as expressions: c->most.n. */
const weft_expr **weft_most_list(weft_counter *);

/* ---- reach_span.c ---- */
/* a op b in i64, simplified; NULL where one is. */
const weft_expr *weft_span_op(weft_counter *, weft_ek op, const weft_expr *a, const weft_expr *b);
/* The span of an integer; what the arithmetic below it comes to is noted. */
weft_span weft_span_of(weft_counter *, const weft_expr *);
/* The same of a place in memory: what is not known of it is within the memory. */
void weft_span_place(weft_counter *, const weft_buf *, const weft_expr *at);
/* A scene in which the condition is true, or is not; ends what follows with weft_span_leave. */
typedef struct weft_scene {
    int scene, nknown;
} weft_scene;
weft_scene weft_span_enter(weft_counter *, const weft_expr *cond, bool truth);
void weft_span_leave(weft_counter *, weft_scene);

#endif
