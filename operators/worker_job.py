"""Jobs (see job.py) in the worker process: what it says becomes a stage, a fraction, a result or an exception."""

import logging
from pathlib import Path
from typing import Any

from ..core.animation.performance import Performance
from ..core.animation.video_frames import MOST_FRAMES, VideoFrames
from ..core.progress import stage_label
from ..worker import protocol
from ..worker.client import WorkerClient, close_shared

logger = logging.getLogger(__name__)


class WorkerJob:
    """One request to a worker, begun in the constructor of a subclass; `load` reads the file that comes back, or `given` takes another
    answer."""

    stage, fraction = stage_label("start"), 0.0

    def __init__(self, client: WorkerClient) -> None:
        self._client = client

    def load(self, path: Path) -> Any:
        """What the job gives, from the file that the worker wrote. Raises AssetError."""
        raise NotImplementedError

    def poll(self) -> Any:
        for event in self._client.poll():
            match event:
                case protocol.Progress(stage, fraction):
                    self.stage, self.fraction = stage_label(stage), fraction
                case protocol.Early(path):
                    self.early(Path(path))
                case protocol.Log(_, text):
                    logger.warning(text)
                case protocol.Error():
                    raise event.exception()
                case _ if (result := self.given(event)) is not None:
                    return result
        return None

    def early(self, path: Path) -> None:
        """Take a first look at what the job will give, from the file that the worker wrote. Raises AssetError."""

    def given(self, event: Any) -> Any:
        """What the job gives when this event ends it, else None."""
        return self.load(Path(event.path)) if isinstance(event, protocol.Done) else None

    def log(self) -> list[str]:
        """The worker's own last lines, below the versions of its packages."""
        return [" ".join(item) for item in self._client.versions.items()] + self._client.log.splitlines()

    def cancel(self) -> None:
        self.stage = "Cancelling"
        self._client.cancel()

    def close(self) -> None:
        if self._client.busy:
            close_shared()


class Tracking(WorkerJob):
    """Follows the face in a photo, a video or a folder of pictures; gives a Performance."""

    def __init__(self, client: WorkerClient, source: Path, smoothing: float) -> None:
        super().__init__(client)
        client.track(source, smoothing)

    def load(self, path: Path) -> Performance:
        return Performance.load(path)


class ChoosingFrames(WorkerJob):
    """Looks for frames of a video that show a face from many sides; gives VideoFrames."""

    def __init__(self, client: WorkerClient, source: Path) -> None:
        super().__init__(client)
        client.choose_frames(source, MOST_FRAMES)

    def load(self, path: Path) -> VideoFrames:
        return VideoFrames.load(path)
