"""The parts of a report, a module for each: from what a run left to what is shown of it."""
