"""Moving pictures: read and written frame by frame, painted by a network, kept steady, scored."""
