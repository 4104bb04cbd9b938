"""What is under test: a built component, and what it is fed."""
