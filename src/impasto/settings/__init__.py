"""Settings, declared once, and named sets of them."""
