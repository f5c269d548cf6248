"""Pictures as values, and as files of any format, colour space and size."""
