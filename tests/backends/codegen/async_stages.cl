error: kernel async_stages: an asynchronous store to t is not legal for opencl:generic-gpu and was not legalised
