"""From TFRecords to examples that every later stage can rely on."""
