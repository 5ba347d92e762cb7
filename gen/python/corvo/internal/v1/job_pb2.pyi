from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobDocument(_message.Message):
    __slots__ = ()
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_JSON_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    FAILURES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    AGENT_COST_NANOS_FIELD_NUMBER: _ClassVar[int]
    COST_NANOS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_KEPT_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ITERATION_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITERATION_ENDS_MS_FIELD_NUMBER: _ClassVar[int]
    REVISION_NOTE_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_HOLD_FIELD_NUMBER: _ClassVar[int]
    checkpoint_json: bytes
    progress_json: bytes
    result_json: bytes
    hold_reason: bytes
    failures: _containers.RepeatedCompositeFieldContainer[JobFailure]
    failures_total: int
    iteration: int
    agent_cost_nanos: int
    cost_nanos: int
    attempts_before: int
    iterations_kept: int
    iterations_total: int
    iteration_bytes: int
    iteration_ends_ms: int
    revision_note: bytes
    revisions: int
    budget_hold: int
    def __init__(self, checkpoint_json: _Optional[bytes] = ..., progress_json: _Optional[bytes] = ..., result_json: _Optional[bytes] = ..., hold_reason: _Optional[bytes] = ..., failures: _Optional[_Iterable[_Union[JobFailure, _Mapping]]] = ..., failures_total: _Optional[int] = ..., iteration: _Optional[int] = ..., agent_cost_nanos: _Optional[int] = ..., cost_nanos: _Optional[int] = ..., attempts_before: _Optional[int] = ..., iterations_kept: _Optional[int] = ..., iterations_total: _Optional[int] = ..., iteration_bytes: _Optional[int] = ..., iteration_ends_ms: _Optional[int] = ..., revision_note: _Optional[bytes] = ..., revisions: _Optional[int] = ..., budget_hold: _Optional[int] = ...) -> None: ...

class IterationRecord(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    HOLD_REASON_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    iteration: int
    status: int
    checkpoint_json: bytes
    hold_reason: bytes
    result_json: bytes
    usage: bytes
    at_ms: int
    def __init__(self, id: _Optional[int] = ..., iteration: _Optional[int] = ..., status: _Optional[int] = ..., checkpoint_json: _Optional[bytes] = ..., hold_reason: _Optional[bytes] = ..., result_json: _Optional[bytes] = ..., usage: _Optional[bytes] = ..., at_ms: _Optional[int] = ...) -> None: ...

class JobFailure(_message.Message):
    __slots__ = ()
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BACKTRACE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    error: bytes
    backtrace: bytes
    at_ms: int
    def __init__(self, attempt: _Optional[int] = ..., error: _Optional[bytes] = ..., backtrace: _Optional[bytes] = ..., at_ms: _Optional[int] = ...) -> None: ...

class ArchivedJob(_message.Message):
    __slots__ = ()
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_MS_FIELD_NUMBER: _ClassVar[int]
    FAILED_MS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_MS_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    ENDED_INDEX_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    created_ms: int
    state: int
    queue: bytes
    request: bytes
    document: bytes
    attempt: int
    started_ms: int
    ended_ms: int
    failed_ms: int
    expire_ms: int
    worker_id: bytes
    hostname: bytes
    fence: int
    ended_index: int
    namespace: bytes
    iterations: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, seq: _Optional[int] = ..., created_ms: _Optional[int] = ..., state: _Optional[int] = ..., queue: _Optional[bytes] = ..., request: _Optional[bytes] = ..., document: _Optional[bytes] = ..., attempt: _Optional[int] = ..., started_ms: _Optional[int] = ..., ended_ms: _Optional[int] = ..., failed_ms: _Optional[int] = ..., expire_ms: _Optional[int] = ..., worker_id: _Optional[bytes] = ..., hostname: _Optional[bytes] = ..., fence: _Optional[int] = ..., ended_index: _Optional[int] = ..., namespace: _Optional[bytes] = ..., iterations: _Optional[_Iterable[bytes]] = ...) -> None: ...
