"""Size and content hash of a file or folder that is registered: see `db.fingerprint`."""

from db.fingerprint import content_sha, total_size

__all__ = ["content_sha", "total_size"]
