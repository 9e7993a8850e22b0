"""Who is it: pairing on one machine, and the tokens that follow. Tokens are made and read in this room alone."""
