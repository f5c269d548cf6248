"""All of a studio that has to be quick and needs torch: pictures taken in, shown, and painted at once."""
