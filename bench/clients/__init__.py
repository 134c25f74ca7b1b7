"""Clients of the API, generated from its document and not: each is compiled and makes the contract's
thirteen calls. `python -m bench.clients` needs Node, Java and a way to the package registries.
"""
