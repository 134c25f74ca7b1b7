"""The process that `serve` starts beside itself: it ends with it."""

from retainer import config
from retainer.server import signals
from retainer.server.worker import worker

if __name__ == "__main__":
    signals.die_with_parent()
    worker.run(config.load())
