/* SPIR-V text on vulkan-emu: what it computes, where a fault of it lies, and what is refused. */
#include "support.h"

/* out[t] = in[63 - t] through an array of the workgroup; %s: the barrier. */
static const char reversal[] =
    "; turn\n"
    "OpCapability Shader\n"
    "OpMemoryModel Logical GLSL450\n"
    "OpEntryPoint GLCompute %turn \"turn\" %local\n"
    "OpExecutionMode %turn LocalSize 64 1 1\n"
    "OpDecorate %in DescriptorSet 0\nOpDecorate %in Binding 0\nOpDecorate %in NonWritable\n"
    "OpDecorate %out DescriptorSet 0\nOpDecorate %out Binding 1\n"
    "OpDecorate %local BuiltIn LocalInvocationId\n"
    "OpDecorate %floats ArrayStride 4\nOpDecorate %block Block\n"
    "OpMemberDecorate %block 0 Offset 0\n"
    "%void = OpTypeVoid\n%fn = OpTypeFunction %void\n"
    "%float = OpTypeFloat 32\n%int = OpTypeInt 32 1\n%uint = OpTypeInt 32 0\n"
    "%floats = OpTypeRuntimeArray %float\n%block = OpTypeStruct %floats\n"
    "%ptr_block = OpTypePointer StorageBuffer %block\n"
    "%in = OpVariable %ptr_block StorageBuffer\n%out = OpVariable %ptr_block StorageBuffer\n"
    "%v3uint = OpTypeVector %uint 3\n%ptr_v3uint = OpTypePointer Input %v3uint\n"
    "%local = OpVariable %ptr_v3uint Input\n"
    "%bool = OpTypeBool\n%v2float = OpTypeVector %float 2\n"
    "%float_0 = OpConstant %float 0\n%float_1 = OpConstant %float 1\n"
    "%zero_one = OpConstantComposite %v2float %float_0 %float_1\n"
    "%int_0 = OpConstant %int 0\n%int_63 = OpConstant %int 63\n%uint_64 = OpConstant %uint 64\n"
    "%uint_2 = OpConstant %uint 2\n%uint_264 = OpConstant %uint 264\n"
    "%uint_72 = OpConstant %uint 72\n"
    "%array = OpTypeArray %float %uint_64\n%ptr_array = OpTypePointer Workgroup %array\n"
    "%tile = OpVariable %ptr_array Workgroup\n"
    "%ptr_float = OpTypePointer StorageBuffer %float\n%ptr_shared = OpTypePointer Workgroup "
    "%float\n"
    "%turn = OpFunction %void None %fn\n"
    "%start = OpLabel\n"
    "%1 = OpLoad %v3uint %local\n%2 = OpCompositeExtract %uint %1 0\n%t = OpBitcast %int %2\n"
    "%3 = OpAccessChain %ptr_float %in %int_0 %t\n%4 = OpLoad %float %3\n"
    "%5 = OpAccessChain %ptr_shared %tile %t\nOpStore %5 %4\n"
    "@\n"
    "%6 = OpISub %int %int_63 %t\n"
    "%7 = OpAccessChain %ptr_shared %tile %6\n%8 = OpLoad %float %7\n"
    "%9 = OpAccessChain %ptr_float %out %int_0 %t\nOpStore %9 %8\n"
    "OpReturn\nOpFunctionEnd\n";

static run
run_with(weft_device *device, const char *lines)
{
    return support_run_spirv(device, reversal, lines, N, 0);
}

static void
spirv_text_runs_thread_by_thread(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "OpControlBarrier %uint_2 %uint_2 %uint_264");
    assert_string_equal(r.message, "");
    for (int i = 0; i < N; i++)
        assert_float_equal(r.out[i], (float)(N - 1 - i), 0);
    support_free(&r);
    weft_device_close(device);
}

/* The last thread's element becomes the second lane of a constant, the others stay. */
static void
a_vector_that_comes_of_two_blocks_has_all_its_lanes(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "%last = OpIEqual %bool %t %int_63\n"
                             "OpSelectionMerge %met None\n"
                             "OpBranchConditional %last %met %others\n"
                             "%others = OpLabel\n"
                             "%pair = OpCompositeConstruct %v2float %float_0 %4\n"
                             "OpBranch %met\n"
                             "%met = OpLabel\n"
                             "%chosen = OpPhi %v2float %zero_one %start %pair %others\n"
                             "%second = OpCompositeExtract %float %chosen 1\n"
                             "OpStore %5 %second\n"
                             "OpControlBarrier %uint_2 %uint_2 %uint_264");
    assert_string_equal(r.message, "");
    for (int i = 0; i < N; i++)
        assert_float_equal(r.out[i], i ? (float)(N - 1 - i) : 1.f, 0);
    support_free(&r);
    weft_device_close(device);
}

static void
a_barrier_that_is_missing_is_found_and_the_text_named(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "OpNop");
    assert_int_not_equal(r.status, WEFT_OK);
    assert_non_null(strstr(r.message, "reads element 63 of shared array 'm_tile' (turn.spvasm:"));
    support_free(&r);
    weft_device_close(device);
}

/* 72: acquire and release of buffers alone. */
static void
a_barrier_that_does_not_order_the_workgroups_memory_is_found(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "OpControlBarrier %uint_2 %uint_2 %uint_72");
    assert_int_not_equal(r.status, WEFT_OK);
    assert_non_null(strstr(r.message, "race on element 63 of shared array 'm_tile'"));
    support_free(&r);
    weft_device_close(device);
}

static void
what_the_validator_refuses_is_refused(void **state)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        { "OpStore %nothing %4", "turn" },
        { "%10 = OpLoad %float", "turn" },
        { "%10 = OpCompositeExtract %uint %1 99", "the SPIR-V validator refuses it" },
        { "%10 = OpFAdd %float %4 %2", "the SPIR-V validator refuses it" },
    };
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run r = run_with(device, cases[i].line);
        assert_int_equal(r.status, WEFT_INVALID_INPUT);
        assert_non_null(strstr(r.message, cases[i].words));
        support_free(&r);
    }
    weft_device_close(device);
}

static void
an_instruction_that_nobody_prints_is_refused_by_name_and_line(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "%10 = OpFRem %float %4 %4");
    assert_int_equal(r.status, WEFT_INVALID_INPUT);
    assert_non_null(strstr(r.message, "turn.spvasm:53"));
    assert_non_null(strstr(r.message, "cannot take OpFRem"));
    support_free(&r);
    weft_device_close(device);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spirv_text_runs_thread_by_thread),
        cmocka_unit_test(a_vector_that_comes_of_two_blocks_has_all_its_lanes),
        cmocka_unit_test(a_barrier_that_is_missing_is_found_and_the_text_named),
        cmocka_unit_test(a_barrier_that_does_not_order_the_workgroups_memory_is_found),
        cmocka_unit_test(what_the_validator_refuses_is_refused),
        cmocka_unit_test(an_instruction_that_nobody_prints_is_refused_by_name_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
