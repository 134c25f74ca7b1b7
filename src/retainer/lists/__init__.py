"""Lists: one mechanism for the lists of all nouns. A `ListSpec` declares what a list can do, and
everything else follows from it.

A query string becomes a query (`parameters`, with `filters` and `expression`), the query a page, a
stream or a CSV file (`response`, with `page`, `cursor` and `formats`). The OpenAPI document
describes the parameters from the same declaration. `noun` declares a noun as a whole.
"""
