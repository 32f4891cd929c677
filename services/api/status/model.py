"""Shapes of the status page's answer; times are seconds since the epoch, durations seconds."""

from services.api.model import Answer
from services.api.overview.model import ServiceHealth


class ConfigState(Answer):
    """One kind of configuration of one service."""

    service: str
    kind: str
    in_force: bool
    """False: the newest can't be used, and an older good one is in force."""
    since: float | None


class Trouble(Answer):
    """Something that was counted since its service started, such as failed rounds of a task."""

    service: str
    name: str
    reason: str
    count: int


class ServicesPart(Answer):
    """Who lives, on which configuration, and what fails inside."""

    missing: str
    """Why there is nothing here, or not all; "": all is here."""
    services: list[ServiceHealth]
    missing_services: list[str]
    configs: list[ConfigState]
    away: list[str]
    """Dependencies that a service can't reach, as `evaluator: redis`."""
    troubles: list[Trouble]


class StreamGroup(Answer):
    """One consumer group."""

    name: str
    lag: int
    """Entries that it has not been given; 10,000 may be more where Redis does not count them itself."""
    pending: int
    """Entries given out and not acknowledged."""
    consumers: int


class Stream(Answer):
    """One Redis stream."""

    name: str
    entries: int
    groups: list[StreamGroup]
    newest: float | None


class DeadLetters(Answer):
    """Entries that can't be used, kept aside."""

    stream: str
    entries: int


class StreamsPart(Answer):
    """What goes from service to service."""

    missing: str
    streams: list[Stream]
    dead: list[DeadLetters]


class Spread(Answer):
    """How a duration is spread since its service started; null: nothing was measured."""

    count: int
    p50: float | None
    p95: float | None


class TargetState(Answer):
    """One scraped target."""

    job: str
    instance: str
    url: str
    health: str
    error: str
    at: float | None
    seconds: float


class ScrapesPart(Answer):
    """What is scraped: the figures, who does not answer, and who is slowest."""

    missing: str
    up: int
    down: int
    unknown: int
    spread: Spread | None
    failing: list[TargetState]
    slowest: list[TargetState]
    left_out: int
    """Series beyond the limits of the head."""


class RuleState(Answer):
    """One rule's last evaluation."""

    name: str
    group: str
    file: str
    seconds: float
    error: str


class RulesPart(Answer):
    """How rules are evaluated: the figures, which fail, and which are slowest."""

    missing: str
    rules: int
    groups: int
    spread: Spread | None
    """Of whole groups."""
    wait: Spread | None
    """From a sample's arrival to its evaluation."""
    missed: int
    """Intervals without an evaluation."""
    failing: list[RuleState]
    slowest: list[RuleState]


class ChannelFigures(Answer):
    """One channel's messages of the last 24 hours; a message that a later attempt delivered counts as delivered."""

    channel: str
    messages: int
    delivered: int
    failed: int
    waiting: int
    """Not delivered yet, and tried again."""
    attempts: int
    p95: float | None
    """Of one attempt that delivered."""
    last_failure: float | None
    last_reason: str


class DeliveryPart(Answer):
    """Whether messages reach people."""

    missing: str
    channels: list[ChannelFigures]


class QueuePart(Answer):
    """What waits in the notifier."""

    missing: str
    outbox: int
    oldest_seconds: float
    records_queued: int
    """Attempts that Postgres does not have yet."""
    records_dropped: int
    held: int
    """Alerts that wait for a digest."""


class Table(Answer):
    """One table with its indexes; a partitioned one whole."""

    name: str
    bytes: int
    rows: int | None
    """An estimate; null: not known yet."""
    partitions: int


class PostgresPart(Answer):
    """The lasting record's size."""

    missing: str
    bytes: int
    version: str
    tables: list[Table]


class RedisPart(Answer):
    """The memory of streams, state and timers."""

    missing: str
    bytes: int
    max_bytes: int
    """0: no limit."""
    peak_bytes: int
    keys: int
    version: str


class HistoryPart(Answer):
    """Samples on their way to Postgres."""

    missing: str
    queued: int
    backlog_bytes: int
    """On disk, while Postgres is away."""
    dropped: int
    head_series: int
    head_bytes: int


class Status(Answer):
    """Each part tells by `missing` why it has nothing; none waits for another."""

    at: float
    services: ServicesPart
    streams: StreamsPart
    scrapes: ScrapesPart
    rules: RulesPart
    delivery: DeliveryPart
    queue: QueuePart
    postgres: PostgresPart
    redis: RedisPart
    history: HistoryPart
