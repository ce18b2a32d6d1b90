error: kernel coop_i8: the matrix intrinsic coop_16x16x16_i8_i32 is not legal for metal:apple7 and was not legalised
