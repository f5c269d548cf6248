"""Places of a picture and the places of a painting that are most like them."""
