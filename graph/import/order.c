/* Nodes in topological order.  ONNX asks for it, but not every file has it: a node comes after what
 * makes its inputs, otherwise nodes stay where they stand. */
#include "import/reader.h"

#include <string.h>

enum { NEW, OPEN, DONE };

typedef struct frame {
    int node;
    size_t next; /* input to look at */
} frame;

typedef WEFT_VEC(const char *) name_list;

typedef struct sorter {
    const onnx_graph_proto *proto;
    weft_arena *arena;
    weft_map *maker;   /* a value's name: the node that makes it */
    name_list *needed; /* by node: its inputs, and what graphs of its own read */
    char *state;
    frame *stack; /* as deep as there are nodes: each is open once */
    int depth;
    const onnx_node_proto **order;
    int n;
} sorter;

static void
open_node(sorter *s, int node)
{
    s->state[node] = OPEN;
    s->stack[s->depth++] = (frame){ .node = node };
}

/* Goes on with the top of the stack: opens what it needs, or closes it.  Cycles are left to the
 * importer, which finds an input that nothing before has made. */
static void
step(sorter *s)
{
    frame *top = &s->stack[s->depth - 1];
    const onnx_node_proto *p = s->proto->node[top->node];
    const name_list *needed = &s->needed[top->node];
    while (top->next < (size_t)needed->n) {
        const char *name = needed->at[top->next++];
        int64_t maker = *name ? weft_map_get(s->maker, name, strlen(name)) : -1;
        if (maker >= 0 && s->state[maker] == NEW) {
            open_node(s, (int)maker);
            return;
        }
    }
    s->state[top->node] = DONE;
    s->order[s->n++] = p;
    s->depth--;
}

/* A name that a graph of the node's makes itself does no harm: nothing here makes it, or it is a
 * cycle that is none. */
static void
list_needed(sorter *s, const onnx_node_proto *p, name_list *to)
{
    for (size_t i = 0; i < p->n_input; i++)
        *WEFT_PUSH(s->arena, to) = p->input[i];
    for (size_t i = 0; i < p->n_attribute; i++) {
        const onnx_graph_proto *g = p->attribute[i]->g;
        for (size_t k = 0; g && k < g->n_node; k++)
            list_needed(s, g->node[k], to);
        for (size_t k = 0; g && k < g->n_output; k++)
            *WEFT_PUSH(s->arena, to) = weft_onnx_text(g->output[k]->name);
    }
}

const onnx_node_proto *const *
weft_reader_order(onnx_reader *r, const onnx_graph_proto *proto)
{
    weft_arena *arena = &r->file.arena;
    int count = (int)proto->n_node;
    sorter s = { .proto = proto, .arena = arena, .maker = weft_map_create(arena) };
    s.needed = WEFT_NEW_ARRAY(arena, count + 1, name_list);
    s.state = WEFT_NEW_ARRAY(arena, count + 1, char);
    s.stack = WEFT_NEW_ARRAY(arena, count + 1, frame);
    s.order = WEFT_NEW_ARRAY(arena, count + 1, const onnx_node_proto *);
    for (int i = 0; i < count; i++) {
        list_needed(&s, proto->node[i], &s.needed[i]);
        for (size_t k = 0; k < proto->node[i]->n_output; k++) {
            const char *name = proto->node[i]->output[k];
            *weft_map_slot(s.maker, name, strlen(name)) = i;
        }
    }
    for (int i = 0; i < count; i++) {
        if (s.state[i] == NEW)
            open_node(&s, i);
        while (s.depth)
            step(&s);
    }
    return s.order;
}
