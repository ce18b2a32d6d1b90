error: kernel sizes: abs f32 is not legal for opencl:generic-gpu and was not legalised
