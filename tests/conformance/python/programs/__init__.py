"""One module a subject; a function a program."""
