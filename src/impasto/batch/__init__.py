"""Many photographs, each a job with a key by which it is known whether it is done: painted once."""
