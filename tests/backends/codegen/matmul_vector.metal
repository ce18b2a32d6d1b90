error: kernel matmul: a vector of more lanes than there are of f32 is not legal for metal:apple7 and was not legalised
