"""Jobs as data, and how they are carried out, once for all faces."""
