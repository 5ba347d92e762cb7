from corvo.options.v1 import options_pb2 as _options_pb2
from corvo.v1 import worker_pb2 as _worker_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListEventsRequest(_message.Message):
    __slots__ = ()
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    after_seq: int
    limit: int
    queues: _containers.RepeatedScalarFieldContainer[str]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[str]
    min_index: int
    def __init__(self, after_seq: _Optional[int] = ..., limit: _Optional[int] = ..., queues: _Optional[_Iterable[str]] = ..., job_ids: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[str]] = ..., min_index: _Optional[int] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ()
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_worker_pb2.SubscribeEvent]
    next_after_seq: int
    first_seq: int
    last_seq: int
    log_index: int
    def __init__(self, events: _Optional[_Iterable[_Union[_worker_pb2.SubscribeEvent, _Mapping]]] = ..., next_after_seq: _Optional[int] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., log_index: _Optional[int] = ...) -> None: ...
