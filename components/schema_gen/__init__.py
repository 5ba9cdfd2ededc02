"""The schema: curated, or inferred from the training split."""
