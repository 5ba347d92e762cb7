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

class Namespace(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    created_at: _timestamp_pb2.Timestamp
    rate_limit: RateLimit
    def __init__(self, name: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rate_limit: _Optional[_Union[RateLimit, _Mapping]] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ()
    READ_RPS_FIELD_NUMBER: _ClassVar[int]
    READ_BURST_FIELD_NUMBER: _ClassVar[int]
    WRITE_RPS_FIELD_NUMBER: _ClassVar[int]
    WRITE_BURST_FIELD_NUMBER: _ClassVar[int]
    read_rps: float
    read_burst: float
    write_rps: float
    write_burst: float
    def __init__(self, read_rps: _Optional[float] = ..., read_burst: _Optional[float] = ..., write_rps: _Optional[float] = ..., write_burst: _Optional[float] = ...) -> None: ...

class ListNamespacesRequest(_message.Message):
    __slots__ = ()
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    min_index: int
    def __init__(self, min_index: _Optional[int] = ...) -> None: ...

class ListNamespacesResponse(_message.Message):
    __slots__ = ()
    NAMESPACES_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    namespaces: _containers.RepeatedCompositeFieldContainer[Namespace]
    log_index: int
    def __init__(self, namespaces: _Optional[_Iterable[_Union[Namespace, _Mapping]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class CreateNamespaceRequest(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CreateNamespaceResponse(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class DeleteNamespaceRequest(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteNamespaceResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class GetNamespaceRateLimitRequest(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    name: str
    min_index: int
    def __init__(self, name: _Optional[str] = ..., min_index: _Optional[int] = ...) -> None: ...

class GetNamespaceRateLimitResponse(_message.Message):
    __slots__ = ()
    USING_DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    READ_RPS_FIELD_NUMBER: _ClassVar[int]
    READ_BURST_FIELD_NUMBER: _ClassVar[int]
    WRITE_RPS_FIELD_NUMBER: _ClassVar[int]
    WRITE_BURST_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    using_defaults: bool
    read_rps: float
    read_burst: float
    write_rps: float
    write_burst: float
    log_index: int
    def __init__(self, using_defaults: _Optional[bool] = ..., read_rps: _Optional[float] = ..., read_burst: _Optional[float] = ..., write_rps: _Optional[float] = ..., write_burst: _Optional[float] = ..., log_index: _Optional[int] = ...) -> None: ...

class SetNamespaceRateLimitRequest(_message.Message):
    __slots__ = ()
    NAME_FIELD_NUMBER: _ClassVar[int]
    READ_RPS_FIELD_NUMBER: _ClassVar[int]
    READ_BURST_FIELD_NUMBER: _ClassVar[int]
    WRITE_RPS_FIELD_NUMBER: _ClassVar[int]
    WRITE_BURST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    read_rps: float
    read_burst: float
    write_rps: float
    write_burst: float
    request_id: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., read_rps: _Optional[float] = ..., read_burst: _Optional[float] = ..., write_rps: _Optional[float] = ..., write_burst: _Optional[float] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class SetNamespaceRateLimitResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...
