error: kernel matmul: an array of f16 is not legal for opencl:generic-gpu and was not legalised
