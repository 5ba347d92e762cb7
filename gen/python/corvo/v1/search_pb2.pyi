import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from corvo.v1 import job_pb2 as _job_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchFilter(_message.Message):
    __slots__ = ()
    class TagsEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AFTER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AFTER_FIELD_NUMBER: _ClassVar[int]
    STARTED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AFTER_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_MIN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_MAX_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    HAS_ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ERROR_GROUP_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PREFIX_FIELD_NUMBER: _ClassVar[int]
    queue: str
    state: _containers.RepeatedScalarFieldContainer[str]
    priority: str
    tags: _containers.ScalarMap[str, str]
    payload_contains: str
    payload_jq: str
    created_after: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    scheduled_after: _timestamp_pb2.Timestamp
    scheduled_before: _timestamp_pb2.Timestamp
    started_after: _timestamp_pb2.Timestamp
    started_before: _timestamp_pb2.Timestamp
    completed_after: _timestamp_pb2.Timestamp
    completed_before: _timestamp_pb2.Timestamp
    expire_after: _timestamp_pb2.Timestamp
    expire_before: _timestamp_pb2.Timestamp
    attempt_min: int
    attempt_max: int
    unique_key: str
    batch_id: str
    worker_id: str
    parent_id: str
    chain_id: str
    has_errors: bool
    error_contains: str
    job_id_prefix: str
    error_group: str
    queue_prefix: str
    def __init__(self, queue: _Optional[str] = ..., state: _Optional[_Iterable[str]] = ..., priority: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., payload_contains: _Optional[str] = ..., payload_jq: _Optional[str] = ..., created_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_min: _Optional[int] = ..., attempt_max: _Optional[int] = ..., unique_key: _Optional[str] = ..., batch_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., parent_id: _Optional[str] = ..., chain_id: _Optional[str] = ..., has_errors: _Optional[bool] = ..., error_contains: _Optional[str] = ..., job_id_prefix: _Optional[str] = ..., error_group: _Optional[str] = ..., queue_prefix: _Optional[str] = ...) -> None: ...

class SearchJobsRequest(_message.Message):
    __slots__ = ()
    class TagsEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AFTER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AFTER_FIELD_NUMBER: _ClassVar[int]
    STARTED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AFTER_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_AFTER_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_MIN_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_MAX_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    HAS_ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ERROR_GROUP_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PREFIX_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    queue: str
    state: _containers.RepeatedScalarFieldContainer[str]
    priority: str
    tags: _containers.ScalarMap[str, str]
    payload_contains: str
    payload_jq: str
    created_after: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    scheduled_after: _timestamp_pb2.Timestamp
    scheduled_before: _timestamp_pb2.Timestamp
    started_after: _timestamp_pb2.Timestamp
    started_before: _timestamp_pb2.Timestamp
    completed_after: _timestamp_pb2.Timestamp
    completed_before: _timestamp_pb2.Timestamp
    expire_after: _timestamp_pb2.Timestamp
    expire_before: _timestamp_pb2.Timestamp
    attempt_min: int
    attempt_max: int
    unique_key: str
    batch_id: str
    worker_id: str
    parent_id: str
    chain_id: str
    has_errors: bool
    error_contains: str
    job_id_prefix: str
    error_group: str
    queue_prefix: str
    sort: str
    order: str
    limit: int
    cursor: str
    min_index: int
    def __init__(self, queue: _Optional[str] = ..., state: _Optional[_Iterable[str]] = ..., priority: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., payload_contains: _Optional[str] = ..., payload_jq: _Optional[str] = ..., created_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt_min: _Optional[int] = ..., attempt_max: _Optional[int] = ..., unique_key: _Optional[str] = ..., batch_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., parent_id: _Optional[str] = ..., chain_id: _Optional[str] = ..., has_errors: _Optional[bool] = ..., error_contains: _Optional[str] = ..., job_id_prefix: _Optional[str] = ..., error_group: _Optional[str] = ..., queue_prefix: _Optional[str] = ..., sort: _Optional[str] = ..., order: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class SearchJobsResponse(_message.Message):
    __slots__ = ()
    JOBS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[JobSummary]
    total: int
    cursor: str
    has_more: bool
    duration_ms: int
    total_at_least: bool
    log_index: int
    def __init__(self, jobs: _Optional[_Iterable[_Union[JobSummary, _Mapping]]] = ..., total: _Optional[int] = ..., cursor: _Optional[str] = ..., has_more: _Optional[bool] = ..., duration_ms: _Optional[int] = ..., total_at_least: _Optional[bool] = ..., log_index: _Optional[int] = ...) -> None: ...

class JobSummary(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_KEY_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_JSON_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_STEP_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    FAILED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_GROUP_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    state: _job_pb2.JobState
    payload_json: str
    priority: int
    attempt: int
    max_retries: int
    unique_key: str
    batch_id: str
    worker_id: str
    tags_json: str
    parent_id: str
    chain_id: str
    chain_step: int
    scheduled_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    failed_at: _timestamp_pb2.Timestamp
    error_group: str
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., payload_json: _Optional[str] = ..., priority: _Optional[int] = ..., attempt: _Optional[int] = ..., max_retries: _Optional[int] = ..., unique_key: _Optional[str] = ..., batch_id: _Optional[str] = ..., worker_id: _Optional[str] = ..., tags_json: _Optional[str] = ..., parent_id: _Optional[str] = ..., chain_id: _Optional[str] = ..., chain_step: _Optional[int] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error_group: _Optional[str] = ...) -> None: ...

class SearchFulltextRequest(_message.Message):
    __slots__ = ()
    Q_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    q: str
    limit: str
    min_index: int
    def __init__(self, q: _Optional[str] = ..., limit: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class SearchFulltextResponse(_message.Message):
    __slots__ = ()
    Q_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    q: str
    results: _containers.RepeatedCompositeFieldContainer[FulltextResult]
    log_index: int
    def __init__(self, q: _Optional[str] = ..., results: _Optional[_Iterable[_Union[FulltextResult, _Mapping]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class FulltextResult(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    state: _job_pb2.JobState
    payload: str
    tags: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., payload: _Optional[str] = ..., tags: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RebuildViewRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RebuildViewResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REBUILT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    status: str
    rebuilt: bool
    duration_ms: int
    jobs: int
    log_index: int
    def __init__(self, status: _Optional[str] = ..., rebuilt: _Optional[bool] = ..., duration_ms: _Optional[int] = ..., jobs: _Optional[int] = ..., log_index: _Optional[int] = ...) -> None: ...
