"""Many photographs and films, each a job with a key by which it is known whether it is done: painted once."""
