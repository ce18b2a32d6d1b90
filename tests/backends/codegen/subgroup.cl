error: kernel subgroup: shfl_xor f32 is not legal for opencl:generic-gpu and was not legalised
