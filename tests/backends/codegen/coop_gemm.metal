error: kernel matmul: the matrix intrinsic coop_16x16x16_f16_f32 is not legal for metal:apple7 and was not legalised
