"""What the mouse does on the slide: tools that make and edit annotations."""
