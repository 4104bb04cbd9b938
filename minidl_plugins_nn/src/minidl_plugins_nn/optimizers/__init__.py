"""Update rules, one a file, and optimizers around another."""
