error: kernel masks: a select by a vector is not legal for cuda:sm_80 and was not legalised
