"""The API described: its OpenAPI document and its page."""
