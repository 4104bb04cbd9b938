"""Components that are right and components that are wrong, to test the conformance kit with."""
