"""`python -m text2pixels` is the command `t2p`."""

from text2pixels.cli import main

main()
