"""Parts of a photograph found by name: faces, people."""
