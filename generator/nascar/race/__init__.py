"""What happens on the track: pure, seeded, without I/O and without a wall clock."""
