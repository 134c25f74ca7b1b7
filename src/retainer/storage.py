"""Where documents' bytes are kept: a local folder, or S3, GCS or Azure, by one interface."""

from retainer.config import Settings


class Storage:
    """Placeholder until documents are written."""

    @staticmethod
    def of(settings: Settings) -> "Storage":
        return Storage()
