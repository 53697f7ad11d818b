"""Licences of the program, of what it comes with, and of the libraries that it uses. Any thread."""
