"""Parts of pictures: by masks, and found by name (faces, people)."""
