"""Lists: one mechanism for every noun's list. A `ListSpec` declares what a list can do; the rest
follows from it.

From a query string (`query`, with `filters` and `expression`) to a page, a stream or a sheet
(`answer`, with `cursor` and `formats`), and to the parameters that the OpenAPI document tells of
(`described`).
"""
