/* What the tests of runtime share. */
#include "support.h"

#include <ftw.h>
#include <unistd.h>

const char support_add_cl[] =
    "// (a + b) * scale\n"
    "__kernel void add(__global const float *a, __global const float *b, __global float *y,\n"
    "                  int n, long scale)\n"
    "{\n"
    "    int i = get_group_id(0) * 64 + get_local_id(0);\n"
    "    if (i < n)\n"
    "        y[i] = (a[i] + b[i]) * (float)scale;\n"
    "}\n";

const char support_add_spv[] = "; (a + b) * scale\n"
                               "OpCapability Shader\n"
                               "OpCapability Int64\n"
                               "OpExtension \"SPV_KHR_storage_buffer_storage_class\"\n"
                               "OpMemoryModel Logical GLSL450\n"
                               "OpEntryPoint GLCompute %add \"add\" %gid %lid\n"
                               "OpExecutionMode %add LocalSize 64 1 1\n"
                               "OpDecorate %gid BuiltIn WorkgroupId\n"
                               "OpDecorate %lid BuiltIn LocalInvocationId\n"
                               "OpDecorate %floats ArrayStride 4\n"
                               "OpDecorate %buffer Block\n"
                               "OpMemberDecorate %buffer 0 Offset 0\n"
                               "OpDecorate %a DescriptorSet 0\n"
                               "OpDecorate %a Binding 0\n"
                               "OpDecorate %b DescriptorSet 0\n"
                               "OpDecorate %b Binding 1\n"
                               "OpDecorate %y DescriptorSet 0\n"
                               "OpDecorate %y Binding 2\n"
                               "OpDecorate %push Block\n"
                               "OpMemberDecorate %push 0 Offset 0\n"
                               "OpMemberDecorate %push 1 Offset 8\n"
                               "%void = OpTypeVoid\n"
                               "%bool = OpTypeBool\n"
                               "%uint = OpTypeInt 32 0\n"
                               "%int = OpTypeInt 32 1\n"
                               "%long = OpTypeInt 64 1\n"
                               "%float = OpTypeFloat 32\n"
                               "%uint3 = OpTypeVector %uint 3\n"
                               "%main = OpTypeFunction %void\n"
                               "%int_0 = OpConstant %int 0\n"
                               "%int_1 = OpConstant %int 1\n"
                               "%int_64 = OpConstant %int 64\n"
                               "%floats = OpTypeRuntimeArray %float\n"
                               "%buffer = OpTypeStruct %floats\n"
                               "%push = OpTypeStruct %int %long\n"
                               "%ptr_in = OpTypePointer Input %uint3\n"
                               "%ptr_buffer = OpTypePointer StorageBuffer %buffer\n"
                               "%ptr_float = OpTypePointer StorageBuffer %float\n"
                               "%ptr_push = OpTypePointer PushConstant %push\n"
                               "%ptr_int = OpTypePointer PushConstant %int\n"
                               "%ptr_long = OpTypePointer PushConstant %long\n"
                               "%gid = OpVariable %ptr_in Input\n"
                               "%lid = OpVariable %ptr_in Input\n"
                               "%a = OpVariable %ptr_buffer StorageBuffer\n"
                               "%b = OpVariable %ptr_buffer StorageBuffer\n"
                               "%y = OpVariable %ptr_buffer StorageBuffer\n"
                               "%args = OpVariable %ptr_push PushConstant\n"
                               "%add = OpFunction %void None %main\n"
                               "%entry = OpLabel\n"
                               "%g3 = OpLoad %uint3 %gid\n"
                               "%l3 = OpLoad %uint3 %lid\n"
                               "%g0 = OpCompositeExtract %uint %g3 0\n"
                               "%l0 = OpCompositeExtract %uint %l3 0\n"
                               "%g = OpBitcast %int %g0\n"
                               "%l = OpBitcast %int %l0\n"
                               "%g64 = OpIMul %int %g %int_64\n"
                               "%i = OpIAdd %int %g64 %l\n"
                               "%pn = OpAccessChain %ptr_int %args %int_0\n"
                               "%n = OpLoad %int %pn\n"
                               "%ps = OpAccessChain %ptr_long %args %int_1\n"
                               "%scale = OpLoad %long %ps\n"
                               "%inside = OpSLessThan %bool %i %n\n"
                               "OpSelectionMerge %done None\n"
                               "OpBranchConditional %inside %work %done\n"
                               "%work = OpLabel\n"
                               "%pa = OpAccessChain %ptr_float %a %int_0 %i\n"
                               "%pb = OpAccessChain %ptr_float %b %int_0 %i\n"
                               "%py = OpAccessChain %ptr_float %y %int_0 %i\n"
                               "%va = OpLoad %float %pa\n"
                               "%vb = OpLoad %float %pb\n"
                               "%sum = OpFAdd %float %va %vb\n"
                               "%fs = OpConvertSToF %float %scale\n"
                               "%prod = OpFMul %float %sum %fs\n"
                               "OpStore %py %prod\n"
                               "OpBranch %done\n"
                               "%done = OpLabel\n"
                               "OpReturn\n"
                               "OpFunctionEnd\n";

enum { A, C, T, Y, W };

static void
add_tensors(weft_module *m, weft_program *p, const char **n)
{
    const char *names[] = { "a", "c", "t", "y", "w" };
    const weft_role roles[] = { WEFT_ROLE_INPUT, WEFT_ROLE_INPUT, WEFT_ROLE_TEMP, WEFT_ROLE_OUTPUT,
                                WEFT_ROLE_CONSTANT };
    p->ntensor = 5;
    p->tensor = WEFT_NEW_ARRAY(&m->arena, 5, weft_mod_tensor);
    for (int i = 0; i < 5; i++)
        p->tensor[i] = (weft_mod_tensor){ .name = names[i],
                                          .role = roles[i],
                                          .dtype = WEFT_F32,
                                          .ndim = 1,
                                          .dim = n,
                                          .alias = -1,
                                          .in_place = -1 };
    p->tensor[T].last = 1;
    p->tensor[W].blob = "b10b";
    p->tensor[W].dim = weft_arena_dup(&m->arena, &(const char *){ "1000" }, sizeof(char *));
    p->input = weft_arena_dup(&m->arena, (int[]){ A, C }, 2 * sizeof(int));
    p->ninput = 2;
    p->output = weft_arena_dup(&m->arena, (int[]){ Y }, sizeof(int));
    p->noutput = 1;
}

static void
add_step(weft_module *m, weft_program *p, const char *n, int left, int right, int to,
         const char *scale)
{
    weft_mod_arg args[] = { { left, NULL, false }, { right, NULL, false }, { to, "0", true } };
    const char *scalars[] = { n, scale };
    p->step[p->nstep++] = (weft_mod_step){
        .grid = { weft_arena_printf(&m->arena, "(%s + 63) // 64", n), "1", "1" },
        .block = { "64", "1", "1" },
        .nbuffer = 3,
        .nscalar = 2,
        .buffer = weft_arena_dup(&m->arena, args, sizeof args),
        .scalar = weft_arena_dup(&m->arena, scalars, sizeof scalars),
        .nreach = 1,
        .reach = weft_arena_dup(&m->arena, &(const char *){ weft_arena_printf(&m->arena, "%s + 63", n) },
                                sizeof(char *)),
        .iterations = n,
        .layers = "add \"one\"",
        .flops = 2000,
        .bytes = 12000.5,
    };
}

static void
add_weights(weft_module *m)
{
    float *w = WEFT_NEW_ARRAY(&m->arena, 1000, float);
    int64_t *dim = WEFT_NEW(&m->arena, int64_t);
    for (int i = 0; i < 1000; i++)
        w[i] = (float)i * 0.5f;
    *dim = 1000;
    m->nblob = 2;
    m->blob = WEFT_NEW_ARRAY(&m->arena, 2, weft_blob);
    m->blob[0] = (weft_blob){ "b10b", WEFT_F32, 1, dim, w, 4000 };
    m->blob[1] = (weft_blob){ "packed", WEFT_I4, 1, dim, w, 500 };
}

weft_module *
support_module(weft_api api, const char *text, const char *n)
{
    static const uint8_t scalars[] = { WEFT_I32, WEFT_I64 };
    weft_module *m = calloc(1, sizeof *m);
    weft_program *p = m->program = WEFT_NEW(&m->arena, weft_program);
    const char **dim = WEFT_NEW(&m->arena, const char *);
    *dim = n ? n : "n";
    m->model = "adds.onnx";
    m->nprogram = 1;
    if (!n) {
        m->nsymbol = 1;
        m->symbol = WEFT_NEW(&m->arena, weft_mod_symbol);
        *m->symbol = (weft_mod_symbol){ "n", "0", "1000", NULL };
    }
    p->target = weft_arena_printf(&m->arena, "%s:generic-gpu", weft_api_name(api));
    p->profile =
        (weft_target){ .name = "generic-gpu", .api = api, .cls = WEFT_CLASS_GPU, .gflops = 0.1 };
    add_tensors(m, p, dim);
    p->nkernel = 1;
    p->kernel = WEFT_NEW(&m->arena, weft_mod_kernel);
    *p->kernel = (weft_mod_kernel){ .name = "add",
                                    .text = text,
                                    .size = strlen(text),
                                    .nbuffer = 3,
                                    .nscalar = 2,
                                    .scalar = scalars,
                                    .block = { 64, 1, 1 } };
    p->step = WEFT_NEW_ARRAY(&m->arena, 2, weft_mod_step);
    add_step(m, p, *dim, A, W, T, "1");
    add_step(m, p, *dim, T, C, Y, "3");
    add_weights(m);
    return m;
}

weft_module *
support_copied(weft_api api, const char *text, const char *n)
{
    enum { U = W + 1 };
    weft_module *m = support_module(api, text, n);
    weft_program *p = m->program;
    weft_mod_tensor *tensor = WEFT_NEW_ARRAY(&m->arena, U + 1, weft_mod_tensor);
    weft_mod_step *step = WEFT_NEW_ARRAY(&m->arena, 3, weft_mod_step);
    weft_mod_arg args[] = { { U, NULL, false }, { T, NULL, true } };
    memcpy(tensor, p->tensor, (size_t)p->ntensor * sizeof *tensor);
    tensor[U] = tensor[T];
    tensor[U].name = "u";
    tensor[T].first = tensor[U].last = 1;
    tensor[T].last = 2;
    step[0] = p->step[0];
    step[0].buffer = weft_arena_dup(
        &m->arena, (weft_mod_arg[]){ step[0].buffer[0], step[0].buffer[1], { U, "0", true } },
        3 * sizeof *args);
    step[1] = (weft_mod_step){ .kind = WEFT_STEP_COPY, .kernel = -1, .symbol = -1, .count = -1,
                               .nbuffer = 2, .layers = "copy",
                               .buffer = weft_arena_dup(&m->arena, args, sizeof args) };
    step[2] = p->step[1];
    p->tensor = tensor;
    p->ntensor = U + 1;
    p->step = step;
    p->nstep = 3;
    return m;
}

weft_module *
support_parts(weft_api api, const char *text, const char *n)
{
    weft_module *m = support_module(api, text, n);
    weft_program *p = m->program;
    weft_mod_tensor *tensor = WEFT_NEW_ARRAY(&m->arena, SUPPORT_WHOLE + 1, weft_mod_tensor);
    memcpy(tensor, p->tensor, (size_t)p->ntensor * sizeof *tensor);
    for (int i = SUPPORT_PAIR; i <= SUPPORT_WHOLE; i++) {
        const char **dim = WEFT_NEW(&m->arena, const char *);
        bool whole = i == SUPPORT_WHOLE;
        *dim = weft_arena_printf(&m->arena, "%s + %d", n ? n : "n", whole ? 2048 : 1024);
        tensor[i] = tensor[T];
        tensor[i].name = whole ? "whole" : "pair";
        tensor[i].dim = dim;
        tensor[i].first = tensor[i].last = -1;
    }
    tensor[T].alias = SUPPORT_PAIR;
    tensor[T].at = 4096;
    tensor[SUPPORT_PAIR].alias = SUPPORT_WHOLE;
    tensor[SUPPORT_PAIR].at = 1024;
    p->tensor = tensor;
    p->ntensor = SUPPORT_WHOLE + 1;
    return m;
}

char *
support_folder(void)
{
    char *path = strdup("/tmp/weft-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void
support_remove(char *folder)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

char *
support_read(const char *path, size_t *n)
{
    char *text = NULL;
    assert_int_equal(weft_file_read(NULL, path, 1 << 24, &text, n), WEFT_OK);
    return text;
}
