"""One question a file, named as the function in it."""
