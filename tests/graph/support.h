/* tests/graph/support.h: graphs as text in, text out. */
#ifndef WEFT_TEST_GRAPH_H
#define WEFT_TEST_GRAPH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

/* Reads a graph that is known to be right. */
weft_graph *graph_of(const char *text);
/* The text of a graph; free it. */
char *text_of(const weft_graph *);
/* Runs the passes on `before` and expects `after`, both as text.  NULL options: none set. */
void check_passes(const char *passes, const weft_graph_options *, const char *before,
                  const char *after);
/* Expects reading (and inferring) to fail with a message that has `part` in it. */
void check_error(const char *text, const char *part);
/* The same of a pass. */
void check_pass_error(const char *passes, const weft_graph_options *, const char *text,
                      const char *part);
/* "conv+relu | concatenate": the operators of every group after the whole fusion. */
void check_groups(const char *text, const weft_graph_options *, const char *groups);

#endif
