import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from corvo.v1 import job_pb2 as _job_pb2
from corvo.v1 import search_pb2 as _search_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateBatchRequest(_message.Message):
    __slots__ = ()
    CALLBACK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    OPEN_MAX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    callback_queue: str
    callback_payload_json: str
    open_max: int
    request_id: str
    validate_only: bool
    def __init__(self, callback_queue: _Optional[str] = ..., callback_payload_json: _Optional[str] = ..., open_max: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CreateBatchResponse(_message.Message):
    __slots__ = ()
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    log_index: int
    def __init__(self, batch_id: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class SealBatchRequest(_message.Message):
    __slots__ = ()
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    request_id: str
    validate_only: bool
    def __init__(self, batch_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class SealBatchResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_JOB_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    status: str
    callback_job: CallbackJob
    log_index: int
    def __init__(self, status: _Optional[str] = ..., callback_job: _Optional[_Union[CallbackJob, _Mapping]] = ..., log_index: _Optional[int] = ...) -> None: ...

class CallbackJob(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetBatchRequest(_message.Message):
    __slots__ = ()
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    min_index: int
    def __init__(self, batch_id: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetBatchResponse(_message.Message):
    __slots__ = ()
    BATCH_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    batch: Batch
    log_index: int
    def __init__(self, batch: _Optional[_Union[Batch, _Mapping]] = ..., log_index: _Optional[int] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    total: int
    pending: int
    succeeded: int
    failed: int
    cancelled: int
    deleted: int
    callback_queue: str
    callback_payload_json: str
    callback_job_id: str
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., total: _Optional[int] = ..., pending: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ..., deleted: _Optional[int] = ..., callback_queue: _Optional[str] = ..., callback_payload_json: _Optional[str] = ..., callback_job_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListBatchesRequest(_message.Message):
    __slots__ = ()
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    state: str
    min_index: int
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ..., state: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class ListBatchesResponse(_message.Message):
    __slots__ = ()
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedCompositeFieldContainer[Batch]
    cursor: str
    log_index: int
    def __init__(self, batches: _Optional[_Iterable[_Union[Batch, _Mapping]]] = ..., cursor: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class GetChainRequest(_message.Message):
    __slots__ = ()
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    chain_id: str
    min_index: int
    def __init__(self, chain_id: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetChainResponse(_message.Message):
    __slots__ = ()
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    chain: ChainInfo
    log_index: int
    def __init__(self, chain: _Optional[_Union[ChainInfo, _Mapping]] = ..., log_index: _Optional[int] = ...) -> None: ...

class ChainInfo(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    ON_EXIT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    step: int
    steps: _containers.RepeatedCompositeFieldContainer[ChainStepInfo]
    on_failure: ChainStepInfo
    on_exit: ChainStepInfo
    created_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., step: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[ChainStepInfo, _Mapping]]] = ..., on_failure: _Optional[_Union[ChainStepInfo, _Mapping]] = ..., on_exit: _Optional[_Union[ChainStepInfo, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ChainStepInfo(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    queue: str
    job_id: str
    def __init__(self, queue: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class ListChainsRequest(_message.Message):
    __slots__ = ()
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    state: str
    min_index: int
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ..., state: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class ListChainsResponse(_message.Message):
    __slots__ = ()
    CHAINS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    chains: _containers.RepeatedCompositeFieldContainer[ChainInfo]
    cursor: str
    log_index: int
    def __init__(self, chains: _Optional[_Iterable[_Union[ChainInfo, _Mapping]]] = ..., cursor: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class GetDependenciesRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    min_index: int
    def __init__(self, job_id: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetDependenciesResponse(_message.Message):
    __slots__ = ()
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    DEPENDENTS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    depends_on: _containers.RepeatedCompositeFieldContainer[_job_pb2.JobDependency]
    waiting: int
    dependents: _containers.RepeatedScalarFieldContainer[str]
    log_index: int
    def __init__(self, depends_on: _Optional[_Iterable[_Union[_job_pb2.JobDependency, _Mapping]]] = ..., waiting: _Optional[int] = ..., dependents: _Optional[_Iterable[str]] = ..., log_index: _Optional[int] = ...) -> None: ...

class GetChildrenRequest(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    limit: int
    cursor: str
    min_index: int
    def __init__(self, job_id: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetChildrenResponse(_message.Message):
    __slots__ = ()
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    total: int
    pending: int
    succeeded: int
    failed: int
    cancelled: int
    deleted: int
    jobs: _containers.RepeatedCompositeFieldContainer[_search_pb2.JobSummary]
    cursor: str
    log_index: int
    def __init__(self, total: _Optional[int] = ..., pending: _Optional[int] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ..., deleted: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[_search_pb2.JobSummary, _Mapping]]] = ..., cursor: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...
