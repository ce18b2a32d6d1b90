error: kernel async_stages: an asynchronous store to t is not legal for metal:apple7 and was not legalised
