import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetThroughputRequest(_message.Message):
    __slots__ = ()
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    min_index: int
    def __init__(self, min_index: _Optional[int] = ...) -> None: ...

class GetThroughputResponse(_message.Message):
    __slots__ = ()
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    minutes: _containers.RepeatedCompositeFieldContainer[ThroughputMinute]
    log_index: int
    def __init__(self, minutes: _Optional[_Iterable[_Union[ThroughputMinute, _Mapping]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class ThroughputMinute(_message.Message):
    __slots__ = ()
    MINUTE_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    minute: str
    enqueued: int
    completed: int
    failed: int
    def __init__(self, minute: _Optional[str] = ..., enqueued: _Optional[int] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    queue: str
    to: _timestamp_pb2.Timestamp
    min_index: int
    def __init__(self, queue: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., min_index: _Optional[int] = ..., **kwargs) -> None: ...

class GetStatsResponse(_message.Message):
    __slots__ = ()
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_MS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_PENDING_MS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[StatsPoint]
    bounds_ms: _containers.RepeatedScalarFieldContainer[int]
    oldest_pending_ms: int
    log_index: int
    def __init__(self, points: _Optional[_Iterable[_Union[StatsPoint, _Mapping]]] = ..., bounds_ms: _Optional[_Iterable[int]] = ..., oldest_pending_ms: _Optional[int] = ..., log_index: _Optional[int] = ...) -> None: ...

class StatsPoint(_message.Message):
    __slots__ = ()
    AT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    RETRYING_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    seconds: int
    enqueued: int
    started: int
    completed: int
    failed: int
    dead: int
    cancelled: int
    pending: int
    active: int
    held: int
    retrying: int
    scheduled: int
    wait: _containers.RepeatedScalarFieldContainer[int]
    run: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seconds: _Optional[int] = ..., enqueued: _Optional[int] = ..., started: _Optional[int] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ..., dead: _Optional[int] = ..., cancelled: _Optional[int] = ..., pending: _Optional[int] = ..., active: _Optional[int] = ..., held: _Optional[int] = ..., retrying: _Optional[int] = ..., scheduled: _Optional[int] = ..., wait: _Optional[_Iterable[int]] = ..., run: _Optional[_Iterable[int]] = ...) -> None: ...

class ListErrorGroupsRequest(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    queue: str
    limit: int
    min_index: int
    def __init__(self, queue: _Optional[str] = ..., limit: _Optional[int] = ..., min_index: _Optional[int] = ...) -> None: ...

class ListErrorGroupsResponse(_message.Message):
    __slots__ = ()
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[ErrorGroup]
    total: int
    log_index: int
    def __init__(self, groups: _Optional[_Iterable[_Union[ErrorGroup, _Mapping]]] = ..., total: _Optional[int] = ..., log_index: _Optional[int] = ...) -> None: ...

class ErrorGroup(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    FIRST_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    words: str
    sample: str
    failures: int
    dead: int
    first_at: _timestamp_pb2.Timestamp
    last_at: _timestamp_pb2.Timestamp
    last_job_id: str
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., words: _Optional[str] = ..., sample: _Optional[str] = ..., failures: _Optional[int] = ..., dead: _Optional[int] = ..., first_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_job_id: _Optional[str] = ...) -> None: ...
