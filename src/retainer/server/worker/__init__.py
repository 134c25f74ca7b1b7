"""The worker: one process beside the server's that does what no request waits for.

On every host one is started, and the one that has the advisory lock works. `python -m
retainer.server.worker` is that process; it imports neither routes nor pages, and so takes a third
of a server's memory.
"""
