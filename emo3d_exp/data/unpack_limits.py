"""What an archive may grow to, and the refusal of a member."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK = 1 << 20


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may grow to.

    Attributes:
        members: files and folders. total_bytes: of all files. member_bytes: of one file.
        ratio: unpacked over packed size, above 1 MiB: of a file of a zip archive, of a tar archive as one.
    """

    members: int = 1_000_000
    total_bytes: int = 256 << 30
    member_bytes: int = 1 << 30
    ratio: float = 200.0


class RefusedMember(Exception):
    """A member that must not be written; ``member`` is empty where the archive as a whole is to blame."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(member, reason)
        self.member, self.reason = member, reason
