"""The API, one file for each thing that there is."""
