"""Names of files in stores that are folders, for who reads them without what writes them."""

META = "meta.json"
"""What a store says about itself."""

BY_TYPE = (
    *("types", "type_offsets", "counts", "offsets", "vectors", "scales", "sentence", "place"),
    *("tokens", "sentence_offsets"),
)
"""The arrays of `elmo.vectors.stores.by_type`."""
