error: kernel doubles: values of type f64 is not legal for metal:apple7 and was not legalised
