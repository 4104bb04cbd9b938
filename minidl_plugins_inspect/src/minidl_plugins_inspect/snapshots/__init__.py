"""What the observer stores of a run while it trains, for the report."""
