"""Alert rules at work: answers from the store, a step per rule and look, and whom to tell; live and as a back-test."""
