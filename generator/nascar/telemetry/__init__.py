"""What the sensors say: the tables, their rows, and how a row is read out of the race."""
