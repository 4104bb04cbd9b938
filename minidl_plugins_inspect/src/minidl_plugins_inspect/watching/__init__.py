"""`watch`: one forward and backward pass, and what every module did in it."""
