/* Cooperative matrices in SPIR-V text on vulkan-emu: what they compute, and what is found wrong. */
#include "support.h"

enum { LANES = 32, SIDE = 8 };

/* out = in * in, of 8 x 8 floats, by one subgroup; "@": where a test adds lines. */
static const char square[] =
    "; turn\n"
    "OpCapability Shader\nOpCapability CooperativeMatrixKHR\nOpCapability VulkanMemoryModel\n"
    "OpExtension \"SPV_KHR_cooperative_matrix\"\nOpExtension \"SPV_KHR_vulkan_memory_model\"\n"
    "OpMemoryModel Logical Vulkan\n"
    "OpEntryPoint GLCompute %turn \"turn\" %local\n"
    "OpExecutionMode %turn LocalSize 32 1 1\n"
    "OpDecorate %in DescriptorSet 0\nOpDecorate %in Binding 0\nOpDecorate %in NonWritable\n"
    "OpDecorate %out DescriptorSet 0\nOpDecorate %out Binding 1\n"
    "OpDecorate %local BuiltIn LocalInvocationId\n"
    "OpDecorate %floats ArrayStride 4\nOpDecorate %block Block\n"
    "OpMemberDecorate %block 0 Offset 0\n"
    "%void = OpTypeVoid\n%fn = OpTypeFunction %void\n"
    "%float = OpTypeFloat 32\n%int = OpTypeInt 32 1\n%uint = OpTypeInt 32 0\n%bool = OpTypeBool\n"
    "%floats = OpTypeRuntimeArray %float\n%block = OpTypeStruct %floats\n"
    "%ptr_block = OpTypePointer StorageBuffer %block\n"
    "%in = OpVariable %ptr_block StorageBuffer\n%out = OpVariable %ptr_block StorageBuffer\n"
    "%v3uint = OpTypeVector %uint 3\n%ptr_v3uint = OpTypePointer Input %v3uint\n"
    "%local = OpVariable %ptr_v3uint Input\n"
    "%float_0 = OpConstant %float 0\n"
    "%int_0 = OpConstant %int 0\n%int_1 = OpConstant %int 1\n%int_5 = OpConstant %int 5\n"
    "%int_8 = OpConstant %int 8\n%int_6 = OpConstant %int 6\n%int_12 = OpConstant %int 12\n"
    "%uint_0 = OpConstant %uint 0\n%uint_1 = OpConstant %uint 1\n%uint_2 = OpConstant %uint 2\n"
    "%uint_3 = OpConstant %uint 3\n%uint_8 = OpConstant %uint 8\n%uint_16 = OpConstant %uint 16\n"
    "%a = OpTypeCooperativeMatrixKHR %float %uint_3 %uint_8 %uint_8 %uint_0\n"
    "%b = OpTypeCooperativeMatrixKHR %float %uint_3 %uint_8 %uint_8 %uint_1\n"
    "%sum = OpTypeCooperativeMatrixKHR %float %uint_3 %uint_8 %uint_8 %uint_2\n"
    "%tall = OpTypeCooperativeMatrixKHR %float %uint_3 %uint_16 %uint_8 %uint_2\n"
    "%ptr_float = OpTypePointer StorageBuffer %float\n"
    "%turn = OpFunction %void None %fn\n"
    "%start = OpLabel\n"
    "%1 = OpLoad %v3uint %local\n%2 = OpCompositeExtract %uint %1 0\n%t = OpBitcast %int %2\n"
    "%from = OpAccessChain %ptr_float %in %int_0 %int_0\n"
    "%to = OpAccessChain %ptr_float %out %int_0 %int_0\n"
    "%x = OpCooperativeMatrixLoadKHR %a %from %uint_0 %int_8\n"
    "%y = OpCooperativeMatrixLoadKHR %b %from %uint_0 %int_8\n"
    "%z = OpCompositeConstruct %sum %float_0\n"
    "@\n"
    "%product = OpCooperativeMatrixMulAddKHR %sum %x %y %z\n"
    "OpCooperativeMatrixStoreKHR %to %product %uint_0 %int_8 NonPrivatePointer\n"
    "OpReturn\nOpFunctionEnd\n";

static run
run_with(weft_device *device, const char *lines)
{
    return support_run_spirv(device, square, lines, LANES, LANES);
}

static void
a_subgroup_multiplies_matrices(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    run r = run_with(device, "OpNop");
    assert_string_equal(r.message, "");
    for (int i = 0; i < N; i++) {
        int expected = 0;
        for (int k = 0; k < SIDE; k++)
            expected += (i / SIDE * SIDE + k) * (k * SIDE + i % SIDE);
        assert_float_equal(r.out[i], (float)expected, 0);
    }
    support_free(&r);
    weft_device_close(device);
}

#define CHAIN(id, index) "%" id " = OpAccessChain %ptr_float %in %int_0 %" index "\n"
#define LOAD(pointer, layout, stride)                                                              \
    "%w = OpCooperativeMatrixLoadKHR %a %" pointer " %" layout " %" stride "\n"                          \
    "OpCooperativeMatrixStoreKHR %to %w %uint_0 %int_8 NonPrivatePointer\n"

/* What is in the way, and the words of the message. */
static const struct {
    const char *lines, *words;
} refused[] = {
    { LOAD("from", "uint_2", "int_8"), "OpCooperativeMatrixLoadKHR: the layout is no constant" },
    { "%w = OpCooperativeMatrixMulAddKHR %sum %y %x %z\n", "a sum is of an A, a B and a sum" },
    { "%w = OpCooperativeMatrixMulAddKHR %sum %x %y\n", "so many operands it does not have" },
    { "%w = OpCooperativeMatrixMulAddKHR %tall %x %y %z\n", "the SPIR-V validator refuses it" },
    { "OpCooperativeMatrixStoreKHR %to %float_0 %uint_0 %int_8\n", "what is moved is no matrix" },
    { LOAD("nothing", "uint_0", "int_8"), "turn" },
    { "%w = OpCooperativeMatrixLengthKHR %uint %a\n", "turn" },
};

static const struct {
    const char *lines, *words;
} wrong[] = {
    { CHAIN("p", "int_1") LOAD("p", "uint_0", "int_8"), "the pointer is no multiple of 16 bytes" },
    { LOAD("from", "uint_0", "int_6"), "the stride is no multiple of 16 bytes" },
    { LOAD("from", "uint_0", "int_12"), "reads out of bounds" },
    { LOAD("from", "uint_1", "int_12"), "reads out of bounds" },
    { "%u = OpIMul %int %t %int_8\n" CHAIN("p", "u") LOAD("p", "uint_0", "int_8"),
      "give different pointers or strides" },
    { "%five = OpIEqual %bool %t %int_5\nOpSelectionMerge %met None\n"
      "OpBranchConditional %five %met %others\n%others = OpLabel\n" LOAD("from", "uint_0", "int_8")
      "OpBranch %met\n%met = OpLabel\n",
      "OpCooperativeMatrixLoadKHR" },
};

static void
operands_uses_and_layouts_that_do_not_fit_are_refused(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        run r = run_with(device, refused[i].lines);
        assert_int_equal(r.status, WEFT_INVALID_INPUT);
        if (!strstr(r.message, refused[i].words))
            fail_msg("%s: %s", refused[i].words, r.message);
        support_free(&r);
    }
    weft_device_close(device);
}

static void
what_a_subgroup_does_wrong_is_found(void **state)
{
    weft_device *device = support_open_spirv();
    (void)state;
    if (!device)
        skip();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run r = run_with(device, wrong[i].lines);
        if (!r.status)
            fail_msg("%s: nothing is found", wrong[i].lines);
        if (!strstr(r.message, wrong[i].words))
            fail_msg("%s: %s", wrong[i].words, r.message);
        support_free(&r);
    }
    weft_device_close(device);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subgroup_multiplies_matrices),
        cmocka_unit_test(operands_uses_and_layouts_that_do_not_fit_are_refused),
        cmocka_unit_test(what_a_subgroup_does_wrong_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
