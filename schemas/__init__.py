"""What things look like: the experiment file's types, feature keys and curated TFDV schemas."""
