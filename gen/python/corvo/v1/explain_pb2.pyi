import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplainReasonCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPLAIN_REASON_CODE_UNSPECIFIED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_READY: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_IN_LINE: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_QUEUE_PAUSED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_CONCURRENCY_LIMIT: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_THROTTLED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_SCHEDULED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_RETRY_BACKOFF: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_HELD: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_RUNNING: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_LEASE_WAITS_FOR_WORKER: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_FINISHED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_NO_WORKER: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_WAITS_FOR_JOBS: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_DEPENDENCY_FAILED: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_BUDGET_SPENT: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_HELD_BY_POLICY: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_GUARDRAIL: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_EXPIRES: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_NO_LEADER: _ClassVar[ExplainReasonCode]
    EXPLAIN_REASON_CODE_HELD_BACK: _ClassVar[ExplainReasonCode]
EXPLAIN_REASON_CODE_UNSPECIFIED: ExplainReasonCode
EXPLAIN_REASON_CODE_READY: ExplainReasonCode
EXPLAIN_REASON_CODE_IN_LINE: ExplainReasonCode
EXPLAIN_REASON_CODE_QUEUE_PAUSED: ExplainReasonCode
EXPLAIN_REASON_CODE_CONCURRENCY_LIMIT: ExplainReasonCode
EXPLAIN_REASON_CODE_THROTTLED: ExplainReasonCode
EXPLAIN_REASON_CODE_SCHEDULED: ExplainReasonCode
EXPLAIN_REASON_CODE_RETRY_BACKOFF: ExplainReasonCode
EXPLAIN_REASON_CODE_HELD: ExplainReasonCode
EXPLAIN_REASON_CODE_RUNNING: ExplainReasonCode
EXPLAIN_REASON_CODE_LEASE_WAITS_FOR_WORKER: ExplainReasonCode
EXPLAIN_REASON_CODE_FINISHED: ExplainReasonCode
EXPLAIN_REASON_CODE_NO_WORKER: ExplainReasonCode
EXPLAIN_REASON_CODE_WAITS_FOR_JOBS: ExplainReasonCode
EXPLAIN_REASON_CODE_DEPENDENCY_FAILED: ExplainReasonCode
EXPLAIN_REASON_CODE_BUDGET_SPENT: ExplainReasonCode
EXPLAIN_REASON_CODE_HELD_BY_POLICY: ExplainReasonCode
EXPLAIN_REASON_CODE_GUARDRAIL: ExplainReasonCode
EXPLAIN_REASON_CODE_EXPIRES: ExplainReasonCode
EXPLAIN_REASON_CODE_NO_LEADER: ExplainReasonCode
EXPLAIN_REASON_CODE_HELD_BACK: ExplainReasonCode

class ExplainReason(_message.Message):
    __slots__ = ()
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    code: ExplainReasonCode
    message: str
    until: _timestamp_pb2.Timestamp
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    workers: _containers.RepeatedScalarFieldContainer[str]
    name: str
    limit: int
    current: int
    actor: str
    at: _timestamp_pb2.Timestamp
    detail: str
    remedy: str
    def __init__(self, code: _Optional[_Union[ExplainReasonCode, str]] = ..., message: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., job_ids: _Optional[_Iterable[str]] = ..., workers: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ..., limit: _Optional[int] = ..., current: _Optional[int] = ..., actor: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[str] = ..., remedy: _Optional[str] = ...) -> None: ...

class ExplainJobRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    min_index: int
    def __init__(self, job_id: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class ExplainJobResponse(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    RATE_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_START_AT_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    queue: str
    state: str
    summary: str
    reasons: _containers.RepeatedCompositeFieldContainer[ExplainReason]
    place: int
    pending: int
    rate_per_second: float
    estimated_start_at: _timestamp_pb2.Timestamp
    log_index: int
    def __init__(self, job_id: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[str] = ..., summary: _Optional[str] = ..., reasons: _Optional[_Iterable[_Union[ExplainReason, _Mapping]]] = ..., place: _Optional[int] = ..., pending: _Optional[int] = ..., rate_per_second: _Optional[float] = ..., estimated_start_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., log_index: _Optional[int] = ...) -> None: ...
