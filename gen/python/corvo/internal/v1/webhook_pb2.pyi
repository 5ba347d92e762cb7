from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WebhookText(_message.Message):
    __slots__ = ()
    URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    RETRY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    url: str
    events: _containers.RepeatedScalarFieldContainer[str]
    queues: _containers.RepeatedScalarFieldContainer[str]
    secret: str
    retry_limit: int
    created_ms: int
    last_error: str
    namespace: str
    def __init__(self, url: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., queues: _Optional[_Iterable[str]] = ..., secret: _Optional[str] = ..., retry_limit: _Optional[int] = ..., created_ms: _Optional[int] = ..., last_error: _Optional[str] = ..., namespace: _Optional[str] = ...) -> None: ...

class WebhookDeliveryText(_message.Message):
    __slots__ = ()
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    JOB_SEQ_FIELD_NUMBER: _ClassVar[int]
    JOB_CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    seq: int
    type: str
    job_seq: int
    job_created_ms: int
    queue: str
    at_ms: int
    index: int
    actor: str
    reason: str
    data_json: str
    attempt: int
    worker_id: str
    last_error: str
    def __init__(self, seq: _Optional[int] = ..., type: _Optional[str] = ..., job_seq: _Optional[int] = ..., job_created_ms: _Optional[int] = ..., queue: _Optional[str] = ..., at_ms: _Optional[int] = ..., index: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., data_json: _Optional[str] = ..., attempt: _Optional[int] = ..., worker_id: _Optional[str] = ..., last_error: _Optional[str] = ...) -> None: ...

class WebhookDeliveredCommand(_message.Message):
    __slots__ = ()
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[WebhookOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[WebhookOutcome, _Mapping]]] = ...) -> None: ...

class WebhookOutcome(_message.Message):
    __slots__ = ()
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    delivery: int
    attempts: int
    status_code: int
    error: str
    dead: bool
    at_ms: int
    def __init__(self, delivery: _Optional[int] = ..., attempts: _Optional[int] = ..., status_code: _Optional[int] = ..., error: _Optional[str] = ..., dead: _Optional[bool] = ..., at_ms: _Optional[int] = ...) -> None: ...
