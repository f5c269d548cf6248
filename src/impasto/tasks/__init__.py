"""What is minimised, or painted in one pass, for a content and a style."""
