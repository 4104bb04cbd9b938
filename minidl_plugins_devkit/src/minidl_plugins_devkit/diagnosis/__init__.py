"""Where two results differ, and what usually causes it."""
