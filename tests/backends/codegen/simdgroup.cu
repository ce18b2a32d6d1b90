error: kernel simdgroup_f16: the matrix intrinsic simdgroup_8x8x8_f16_f32 is not legal for cuda:sm_80 and was not legalised
