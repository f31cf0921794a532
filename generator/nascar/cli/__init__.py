"""The command line: one module for each command, none of which knows how the work is done."""
