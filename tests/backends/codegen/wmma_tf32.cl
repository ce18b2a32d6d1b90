error: kernel wmma_tf32: the matrix intrinsic wmma_16x16x8_tf32_f32 is not legal for opencl:generic-gpu and was not legalised
