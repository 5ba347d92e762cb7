import datetime

from corvo.options.v1 import options_pb2 as _options_pb2
from corvo.v1 import search_pb2 as _search_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BulkRequest(_message.Message):
    __slots__ = ()
    ACTION_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MOVE_TO_QUEUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ASYNC_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    action: str
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    filter: _search_pb2.SearchFilter
    move_to_queue: str
    priority: str
    token: str
    expected_count: int
    request_id: str
    validate_only: bool
    def __init__(self, action: _Optional[str] = ..., job_ids: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_search_pb2.SearchFilter, _Mapping]] = ..., move_to_queue: _Optional[str] = ..., priority: _Optional[str] = ..., token: _Optional[str] = ..., expected_count: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., **kwargs) -> None: ...

class BulkResponse(_message.Message):
    __slots__ = ()
    class SkippedEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    BULK_OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_URL_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    affected: int
    errors: int
    duration_ms: int
    bulk_operation_id: str
    status: str
    estimated_total: int
    progress_url: str
    queued: bool
    skipped: _containers.ScalarMap[str, int]
    log_index: int
    def __init__(self, affected: _Optional[int] = ..., errors: _Optional[int] = ..., duration_ms: _Optional[int] = ..., bulk_operation_id: _Optional[str] = ..., status: _Optional[str] = ..., estimated_total: _Optional[int] = ..., progress_url: _Optional[str] = ..., queued: _Optional[bool] = ..., skipped: _Optional[_Mapping[str, int]] = ..., log_index: _Optional[int] = ...) -> None: ...

class PreviewBulkRequest(_message.Message):
    __slots__ = ()
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    action: str
    filter: _search_pb2.SearchFilter
    min_index: int
    def __init__(self, action: _Optional[str] = ..., filter: _Optional[_Union[_search_pb2.SearchFilter, _Mapping]] = ..., min_index: _Optional[int] = ...) -> None: ...

class PreviewBulkResponse(_message.Message):
    __slots__ = ()
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    count: int
    eligible: int
    token: str
    expires_at: _timestamp_pb2.Timestamp
    groups: _containers.RepeatedCompositeFieldContainer[BulkGroup]
    sample: _containers.RepeatedScalarFieldContainer[str]
    log_index: int
    def __init__(self, count: _Optional[int] = ..., eligible: _Optional[int] = ..., token: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[BulkGroup, _Mapping]]] = ..., sample: _Optional[_Iterable[str]] = ..., log_index: _Optional[int] = ...) -> None: ...

class BulkGroup(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    queue: str
    state: str
    count: int
    def __init__(self, queue: _Optional[str] = ..., state: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class GetBulkTaskRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    id: str
    min_index: int
    def __init__(self, id: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetBulkTaskResponse(_message.Message):
    __slots__ = ()
    TASK_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    task: BulkTask
    log_index: int
    def __init__(self, task: _Optional[_Union[BulkTask, _Mapping]] = ..., log_index: _Optional[int] = ...) -> None: ...

class BulkTask(_message.Message):
    __slots__ = ()
    class SkippedEntry(_message.Message):
        __slots__ = ()
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    MOVE_TO_QUEUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: str
    action: str
    total: int
    processed: int
    affected: int
    errors: int
    error: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    skipped: _containers.ScalarMap[str, int]
    move_to_queue: str
    priority: str
    principal: str
    def __init__(self, id: _Optional[str] = ..., status: _Optional[str] = ..., action: _Optional[str] = ..., total: _Optional[int] = ..., processed: _Optional[int] = ..., affected: _Optional[int] = ..., errors: _Optional[int] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., skipped: _Optional[_Mapping[str, int]] = ..., move_to_queue: _Optional[str] = ..., priority: _Optional[str] = ..., principal: _Optional[str] = ...) -> None: ...

class ListBulkTasksRequest(_message.Message):
    __slots__ = ()
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    min_index: int
    def __init__(self, min_index: _Optional[int] = ...) -> None: ...

class ListBulkTasksResponse(_message.Message):
    __slots__ = ()
    TASKS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[BulkTask]
    log_index: int
    def __init__(self, tasks: _Optional[_Iterable[_Union[BulkTask, _Mapping]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class ListBulkItemsRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    id: str
    outcome: str
    limit: int
    cursor: str
    min_index: int
    def __init__(self, id: _Optional[str] = ..., outcome: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class ListBulkItemsResponse(_message.Message):
    __slots__ = ()
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[BulkItemOutcome]
    cursor: str
    log_index: int
    def __init__(self, items: _Optional[_Iterable[_Union[BulkItemOutcome, _Mapping]]] = ..., cursor: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class BulkItemOutcome(_message.Message):
    __slots__ = ()
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    outcome: str
    def __init__(self, job_id: _Optional[str] = ..., outcome: _Optional[str] = ...) -> None: ...

class CancelBulkTaskRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    validate_only: bool
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CancelBulkTaskResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class WatchBulkTaskRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchBulkTaskResponse(_message.Message):
    __slots__ = ()
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    type: str
    task: BulkTask
    def __init__(self, type: _Optional[str] = ..., task: _Optional[_Union[BulkTask, _Mapping]] = ...) -> None: ...
