from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERB_UNSPECIFIED: _ClassVar[Verb]
    VERB_ENQUEUE: _ClassVar[Verb]
    VERB_ENQUEUE_BATCH: _ClassVar[Verb]
    VERB_FETCH: _ClassVar[Verb]
    VERB_FETCH_BATCH: _ClassVar[Verb]
    VERB_ACK: _ClassVar[Verb]
    VERB_ACK_BATCH: _ClassVar[Verb]
    VERB_FAIL: _ClassVar[Verb]
    VERB_HEARTBEAT: _ClassVar[Verb]
    VERB_LIFECYCLE: _ClassVar[Verb]
    VERB_RETRY: _ClassVar[Verb]
    VERB_CANCEL: _ClassVar[Verb]
    VERB_HOLD: _ClassVar[Verb]
    VERB_APPROVE: _ClassVar[Verb]
    VERB_REJECT: _ClassVar[Verb]
    VERB_MOVE: _ClassVar[Verb]
    VERB_DELETE: _ClassVar[Verb]
    VERB_PAUSE_QUEUE: _ClassVar[Verb]
    VERB_RESUME_QUEUE: _ClassVar[Verb]
    VERB_DRAIN_QUEUE: _ClassVar[Verb]
    VERB_CLEAR_QUEUE: _ClassVar[Verb]
    VERB_DESTROY_QUEUE: _ClassVar[Verb]
    VERB_SET_CONCURRENCY: _ClassVar[Verb]
    VERB_SET_THROTTLE: _ClassVar[Verb]
    VERB_REMOVE_THROTTLE: _ClassVar[Verb]
    VERB_PUT_SCHEDULE: _ClassVar[Verb]
    VERB_DELETE_SCHEDULE: _ClassVar[Verb]
    VERB_PAUSE_SCHEDULE: _ClassVar[Verb]
    VERB_RESUME_SCHEDULE: _ClassVar[Verb]
    VERB_RUN_SCHEDULE: _ClassVar[Verb]
    VERB_SET_DEPTH_LIMIT: _ClassVar[Verb]
    VERB_STEP: _ClassVar[Verb]
    VERB_RELEASE: _ClassVar[Verb]
    VERB_BULK_START: _ClassVar[Verb]
    VERB_BULK_CANCEL: _ClassVar[Verb]
    VERB_CHANGE_PRIORITY: _ClassVar[Verb]
    VERB_REQUEUE: _ClassVar[Verb]
    VERB_SET_WEBHOOK: _ClassVar[Verb]
    VERB_DELETE_WEBHOOK: _ClassVar[Verb]
    VERB_REDELIVER_WEBHOOK: _ClassVar[Verb]
    VERB_TEST_WEBHOOK: _ClassVar[Verb]
    VERB_CREATE_BATCH: _ClassVar[Verb]
    VERB_SEAL_BATCH: _ClassVar[Verb]
    VERB_REPLAY: _ClassVar[Verb]
    VERB_SET_BUDGET: _ClassVar[Verb]
    VERB_DELETE_BUDGET: _ClassVar[Verb]
    VERB_SET_POLICY: _ClassVar[Verb]
    VERB_DELETE_POLICY: _ClassVar[Verb]
    VERB_SET_API_KEY: _ClassVar[Verb]
    VERB_DELETE_API_KEY: _ClassVar[Verb]
    VERB_SET_ROLE: _ClassVar[Verb]
    VERB_DELETE_ROLE: _ClassVar[Verb]
    VERB_ASSIGN_ROLE: _ClassVar[Verb]
    VERB_UNASSIGN_ROLE: _ClassVar[Verb]
    VERB_CREATE_NAMESPACE: _ClassVar[Verb]
    VERB_DELETE_NAMESPACE: _ClassVar[Verb]
    VERB_SET_NAMESPACE_RATE_LIMIT: _ClassVar[Verb]
    VERB_SET_SSO_SETTINGS: _ClassVar[Verb]
    VERB_QUIET_WORKER: _ClassVar[Verb]
    VERB_STOP_WORKER: _ClassVar[Verb]
    VERB_RESUME_WORKER: _ClassVar[Verb]
    VERB_TICK: _ClassVar[Verb]
    VERB_LEADERSHIP: _ClassVar[Verb]
    VERB_STATE_HASH: _ClassVar[Verb]
    VERB_PURGE: _ClassVar[Verb]
    VERB_SCHEDULE_SLOTS: _ClassVar[Verb]
    VERB_BULK_CHUNK: _ClassVar[Verb]
    VERB_WEBHOOK_DELIVERED: _ClassVar[Verb]
    VERB_AUDIT: _ClassVar[Verb]
    VERB_KEYS_USED: _ClassVar[Verb]
    VERB_AUTH_SECRET: _ClassVar[Verb]
VERB_UNSPECIFIED: Verb
VERB_ENQUEUE: Verb
VERB_ENQUEUE_BATCH: Verb
VERB_FETCH: Verb
VERB_FETCH_BATCH: Verb
VERB_ACK: Verb
VERB_ACK_BATCH: Verb
VERB_FAIL: Verb
VERB_HEARTBEAT: Verb
VERB_LIFECYCLE: Verb
VERB_RETRY: Verb
VERB_CANCEL: Verb
VERB_HOLD: Verb
VERB_APPROVE: Verb
VERB_REJECT: Verb
VERB_MOVE: Verb
VERB_DELETE: Verb
VERB_PAUSE_QUEUE: Verb
VERB_RESUME_QUEUE: Verb
VERB_DRAIN_QUEUE: Verb
VERB_CLEAR_QUEUE: Verb
VERB_DESTROY_QUEUE: Verb
VERB_SET_CONCURRENCY: Verb
VERB_SET_THROTTLE: Verb
VERB_REMOVE_THROTTLE: Verb
VERB_PUT_SCHEDULE: Verb
VERB_DELETE_SCHEDULE: Verb
VERB_PAUSE_SCHEDULE: Verb
VERB_RESUME_SCHEDULE: Verb
VERB_RUN_SCHEDULE: Verb
VERB_SET_DEPTH_LIMIT: Verb
VERB_STEP: Verb
VERB_RELEASE: Verb
VERB_BULK_START: Verb
VERB_BULK_CANCEL: Verb
VERB_CHANGE_PRIORITY: Verb
VERB_REQUEUE: Verb
VERB_SET_WEBHOOK: Verb
VERB_DELETE_WEBHOOK: Verb
VERB_REDELIVER_WEBHOOK: Verb
VERB_TEST_WEBHOOK: Verb
VERB_CREATE_BATCH: Verb
VERB_SEAL_BATCH: Verb
VERB_REPLAY: Verb
VERB_SET_BUDGET: Verb
VERB_DELETE_BUDGET: Verb
VERB_SET_POLICY: Verb
VERB_DELETE_POLICY: Verb
VERB_SET_API_KEY: Verb
VERB_DELETE_API_KEY: Verb
VERB_SET_ROLE: Verb
VERB_DELETE_ROLE: Verb
VERB_ASSIGN_ROLE: Verb
VERB_UNASSIGN_ROLE: Verb
VERB_CREATE_NAMESPACE: Verb
VERB_DELETE_NAMESPACE: Verb
VERB_SET_NAMESPACE_RATE_LIMIT: Verb
VERB_SET_SSO_SETTINGS: Verb
VERB_QUIET_WORKER: Verb
VERB_STOP_WORKER: Verb
VERB_RESUME_WORKER: Verb
VERB_TICK: Verb
VERB_LEADERSHIP: Verb
VERB_STATE_HASH: Verb
VERB_PURGE: Verb
VERB_SCHEDULE_SLOTS: Verb
VERB_BULK_CHUNK: Verb
VERB_WEBHOOK_DELIVERED: Verb
VERB_AUDIT: Verb
VERB_KEYS_USED: Verb
VERB_AUTH_SECRET: Verb

class LogEntry(_message.Message):
    __slots__ = ()
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LOG_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    version: int
    engine_level: int
    log_time_ms: int
    commands: _containers.RepeatedCompositeFieldContainer[Command]
    def __init__(self, version: _Optional[int] = ..., engine_level: _Optional[int] = ..., log_time_ms: _Optional[int] = ..., commands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ()
    VERB_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HASH_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    verb: Verb
    flags: int
    namespace: str
    principal: str
    request_hash: bytes
    body: bytes
    def __init__(self, verb: _Optional[_Union[Verb, str]] = ..., flags: _Optional[int] = ..., namespace: _Optional[str] = ..., principal: _Optional[str] = ..., request_hash: _Optional[bytes] = ..., body: _Optional[bytes] = ...) -> None: ...

class LeadershipCommand(_message.Message):
    __slots__ = ()
    PAUSE_MS_FIELD_NUMBER: _ClassVar[int]
    pause_ms: int
    def __init__(self, pause_ms: _Optional[int] = ...) -> None: ...

class StateHashCommand(_message.Message):
    __slots__ = ()
    INDEX_FIELD_NUMBER: _ClassVar[int]
    HASH_LOW_FIELD_NUMBER: _ClassVar[int]
    HASH_HIGH_FIELD_NUMBER: _ClassVar[int]
    index: int
    hash_low: int
    hash_high: int
    def __init__(self, index: _Optional[int] = ..., hash_low: _Optional[int] = ..., hash_high: _Optional[int] = ...) -> None: ...

class PurgeCommand(_message.Message):
    __slots__ = ()
    ENDED_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    TELLS_FIELD_NUMBER: _ClassVar[int]
    ended_before_ms: int
    tells: bool
    def __init__(self, ended_before_ms: _Optional[int] = ..., tells: _Optional[bool] = ...) -> None: ...

class ScheduleSlotsCommand(_message.Message):
    __slots__ = ()
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: _containers.RepeatedCompositeFieldContainer[ScheduleSlots]
    def __init__(self, slots: _Optional[_Iterable[_Union[ScheduleSlots, _Mapping]]] = ...) -> None: ...

class ScheduleSlot(_message.Message):
    __slots__ = ()
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    at_ms: int
    def __init__(self, at_ms: _Optional[int] = ...) -> None: ...

class ScheduleSlots(_message.Message):
    __slots__ = ()
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    PAST_FIELD_NUMBER: _ClassVar[int]
    PAST_TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    NEXT_MS_FIELD_NUMBER: _ClassVar[int]
    serial: int
    revision: int
    after_ms: int
    past: _containers.RepeatedCompositeFieldContainer[ScheduleSlot]
    past_total: int
    until_ms: int
    next_ms: int
    def __init__(self, serial: _Optional[int] = ..., revision: _Optional[int] = ..., after_ms: _Optional[int] = ..., past: _Optional[_Iterable[_Union[ScheduleSlot, _Mapping]]] = ..., past_total: _Optional[int] = ..., until_ms: _Optional[int] = ..., next_ms: _Optional[int] = ...) -> None: ...

class FinishedJobCommand(_message.Message):
    __slots__ = ()
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_JOB_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    archived_job: bytes
    segment: int
    offset: int
    others: _containers.RepeatedCompositeFieldContainer[FinishedJobFact]
    def __init__(self, request: _Optional[bytes] = ..., archived_job: _Optional[bytes] = ..., segment: _Optional[int] = ..., offset: _Optional[int] = ..., others: _Optional[_Iterable[_Union[FinishedJobFact, _Mapping]]] = ...) -> None: ...

class FinishedJobFact(_message.Message):
    __slots__ = ()
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    seq: int
    state: int
    created_ms: int
    queue: bytes
    segment: int
    offset: int
    def __init__(self, seq: _Optional[int] = ..., state: _Optional[int] = ..., created_ms: _Optional[int] = ..., queue: _Optional[bytes] = ..., segment: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...
