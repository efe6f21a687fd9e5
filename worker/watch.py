"""Tells whether a job still gets on. It watches reported progress, not the heartbeat, which goes on while a library waits for ever."""

START_LIMIT = 120.0  # seconds of work until Ready; a first start on a slow disk with a virus scanner takes most of a minute
SILENCE_LIMIT = 60.0  # seconds without a pulse: long calls of libraries hold it up
SHORTEST, LONGEST = 60.0, 600.0  # seconds of work without progress
_PATIENCE = 10.0  # times the longest span without progress that this machine has needed so far
_IDLE = 0.002  # share of a processor: who gets less waits for something that is no processor
_CROWDED = 0.1  # share of a processor: who gets less is held to that pace


class Watch:
    """The seconds that a worker has worked since it last made progress, and how many it may.

    Other programs are not the job's fault: while the process runs at all, a second counts as the processor time that it got. Nor is a sleep
    of this machine: `pass_time` adds a second at most. The limit adapts to the machine: loading the libraries is its first measure, then
    the longest of all the spans that ended well.
    """

    def __init__(self) -> None:
        self.silence = 0.0  # seconds since the last pulse
        self.waited = 0.0  # seconds since the last progress, as the user counts them
        self.spent = 0.0  # seconds of work since then
        self._passed = self._cpu = self._longest = 0.0
        self.started = False  # whether the process has said that it is ready
        self._last: object = None

    def begin(self) -> None:
        """A job begins."""
        self.silence = self.waited = self.spent = self._passed = 0.0
        self._last = None

    def pass_time(self, seconds: float) -> None:
        """So much time has gone since the last call."""
        seconds = min(max(seconds, 0.0), 1.0)
        self.silence += seconds
        self.waited += seconds
        self._passed += seconds

    def pulse(self, cpu: float) -> None:
        """The process is alive and has had `cpu` seconds of processor time since it began."""
        passed, worked = self._passed, max(cpu - self._cpu, 0.0)
        self.spent += passed if worked < _IDLE * passed else min(max(worked, _CROWDED * passed), passed)
        self._passed, self._cpu, self.silence = 0.0, cpu, 0.0

    def ready(self) -> None:
        """The process has started."""
        self.started = True
        self._note()

    def progress(self, stage: str, fraction: float) -> None:
        """The job says where it is; saying so once more is no progress."""
        if (stage, fraction) != self._last:
            self._last = stage, fraction
            self._note()

    @property
    def limit(self) -> float:
        """Seconds of work without progress that are too many."""
        return min(max(SHORTEST, _PATIENCE * self._longest), LONGEST) if self.started else START_LIMIT

    @property
    def silent(self) -> bool:
        """Whether the process is dead though it exists."""
        return self.silence > (SILENCE_LIMIT if self.started else START_LIMIT)

    @property
    def stuck(self) -> bool:
        """Whether the job hangs."""
        return self.spent > self.limit

    def _note(self) -> None:
        self._longest = max(self._longest, self.spent)
        self.silence = self.waited = self.spent = 0.0
