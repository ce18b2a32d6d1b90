/* Opening ONNX files: map, cut, unpack within a bound of memory, check the top level. */
#include "import/onnx.h"

#include <string.h>

enum {
    ALLOWED_FACTOR = 96, /* bytes of messages a byte of the cut file, and a floor */
    ALLOWED_FLOOR = 1 << 20
};

typedef struct budget {
    weft_arena *arena;
    size_t left;
} budget;

static void *
take(void *user, size_t size)
{
    budget *b = user;
    if (size > b->left)
        return NULL;
    b->left -= size;
    return weft_arena_alloc(b->arena, size ? size : 1);
}

static void
keep_all(void *user, void *memory)
{
    (void)user;
    (void)memory; /* goes with the arena */
}

static const ProtobufCMessageDescriptor *
descriptor_of(weft_wire_kind kind)
{
    return kind == WEFT_WIRE_TENSOR ? &weft_onnx__tensor_proto__descriptor
           : kind == WEFT_WIRE_LIST ? &weft_onnx__list_proto__descriptor
                                    : &weft_onnx__model_proto__descriptor;
}

/* ---- memory-bounded unpacking ---------------------------------------------------------------- */

static const ProtobufCMessage *
unpack(onnx_file *f, weft_wire_kind kind, const weft_str *cut)
{
    budget b = { .arena = &f->arena, .left = cut->n * ALLOWED_FACTOR + ALLOWED_FLOOR };
    ProtobufCAllocator allocator = { .alloc = take, .free = keep_all, .allocator_data = &b };
    const ProtobufCMessage *m = protobuf_c_message_unpack(descriptor_of(kind), &allocator, cut->n,
                                                          (const uint8_t *)weft_str_text(cut));
    if (!m)
        weft_fail(f->diag, WEFT_INVALID_INPUT,
                  "%s: not a well-formed ONNX %s; the file is damaged or not ONNX", f->path,
                  kind == WEFT_WIRE_TENSOR ? "tensor"
                  : kind == WEFT_WIRE_LIST ? "list"
                                           : "model");
    return m;
}

const ProtobufCMessage *
weft_onnx_open(onnx_file *f, const char *path, weft_wire_kind kind, weft_diag *diag)
{
    const char *slash = strrchr(path, '/');
    *f = (onnx_file){ .path = path, .leaf = slash ? slash + 1 : path, .diag = diag };
    if (weft_file_map(diag, path, &f->map) != WEFT_OK)
        return NULL;
    weft_str cut = { 0 };
    const ProtobufCMessage *m = NULL;
    if (weft_wire_cut(path, &f->map, kind, &cut, diag) == WEFT_OK)
        m = unpack(f, kind, &cut);
    weft_str_free(&cut);
    return m;
}

void
weft_onnx_close(onnx_file *f, bool keep)
{
    weft_arena_reset(&f->arena);
    if (!keep)
        weft_file_unmap(&f->map);
}

/* ---- a model's top level --------------------------------------------------------------------- */

static bool
is_default_domain(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

/* The version of the default domain that the model imports; 0: none. */
static int64_t
default_opset(const onnx_model_proto *m)
{
    for (size_t i = 0; i < m->n_opset_import; i++)
        if (is_default_domain(m->opset_import[i]->domain))
            return m->opset_import[i]->version;
    return m->n_opset_import == 0 && m->ir_version < 3 ? 1 : 0;
}

static bool
uses_default_domain(const onnx_graph_proto *g)
{
    for (size_t i = 0; i < g->n_node; i++)
        if (is_default_domain(g->node[i]->domain))
            return true;
    return false;
}

static weft_status
check_model(const onnx_file *f, const onnx_model_proto *m, int64_t *opset)
{
    if (!m->has_ir_version || m->ir_version < 1)
        return weft_fail(f->diag, WEFT_INVALID_INPUT,
                         "%s: no IR version; the file is damaged or not an ONNX model", f->path);
    if (!m->graph)
        return weft_fail(f->diag, WEFT_INVALID_INPUT,
                         "%s: no graph; the file is damaged or not an ONNX model", f->path);
    *opset = default_opset(m);
    if (*opset == 0 && m->n_opset_import && !uses_default_domain(m->graph))
        return WEFT_OK;
    if (*opset < WEFT_ONNX_MIN_OPSET)
        return weft_fail(f->diag, WEFT_INVALID_INPUT,
                         "%s: no version of the default operator set is imported", f->path);
    if (*opset > WEFT_ONNX_MAX_OPSET)
        return weft_fail(f->diag, WEFT_UNSUPPORTED,
                         "%s: operator set %lld is newer than %d, the newest that weft knows; "
                         "convert the model",
                         f->path, (long long)*opset, WEFT_ONNX_MAX_OPSET);
    return WEFT_OK;
}

const onnx_model_proto *
weft_onnx_open_model(onnx_file *f, const char *path, int64_t *opset, weft_diag *diag)
{
    *opset = 0;
    const onnx_model_proto *m = (const void *)weft_onnx_open(f, path, WEFT_WIRE_MODEL, diag);
    return m && check_model(f, m, opset) == WEFT_OK ? m : NULL;
}

bool
weft_is_onnx(const void *data, size_t size)
{
    return weft_wire_is_model(data, size);
}
