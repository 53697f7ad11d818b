"""Start of the frozen program."""

from bachview.__main__ import main

main()
