"""Whether an address answers, found out quickly."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request

PROBE_SECONDS = 3.0


def why_unreachable(url: str, seconds: float = PROBE_SECONDS) -> str | None:
    """Ask for ``url`` once; None when it answers, else the reason in a few words.

    The question runs in a thread of its own, because looking a host name up ignores time limits.
    """
    reason = [f"no answer within {seconds:g} s"]

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=seconds):
                reason[0] = ""
        except urllib.error.HTTPError as error:
            # 401 and 403 may be settled by the user's token, which the download presents.
            reason[0] = "" if error.code in (401, 403) else f"it answers {error.code} {error.reason}"
        except Exception as error:  # whatever fails here, the answer is that there is no connection
            reason[0] = str(getattr(error, "reason", error)) or type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return reason[0] or None
