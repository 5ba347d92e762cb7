from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BulkStartCommand(_message.Message):
    __slots__ = ()
    ACTION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    action: str
    queue: str
    priority: str
    total: int
    blocks: _containers.RepeatedScalarFieldContainer[bytes]
    principal: str
    request_id: str
    def __init__(self, action: _Optional[str] = ..., queue: _Optional[str] = ..., priority: _Optional[str] = ..., total: _Optional[int] = ..., blocks: _Optional[_Iterable[bytes]] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkStarted(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    id: str
    log_index: int
    def __init__(self, id: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class BulkTaskText(_message.Message):
    __slots__ = ()
    ACTION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    action: str
    queue: str
    priority: str
    total: int
    created_ms: int
    principal: str
    blocks: int
    def __init__(self, action: _Optional[str] = ..., queue: _Optional[str] = ..., priority: _Optional[str] = ..., total: _Optional[int] = ..., created_ms: _Optional[int] = ..., principal: _Optional[str] = ..., blocks: _Optional[int] = ...) -> None: ...

class BulkBlock(_message.Message):
    __slots__ = ()
    SEQS_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    seqs: bytes
    times: bytes
    count: int
    outcomes: bytes
    def __init__(self, seqs: _Optional[bytes] = ..., times: _Optional[bytes] = ..., count: _Optional[int] = ..., outcomes: _Optional[bytes] = ...) -> None: ...

class BulkChunkCommand(_message.Message):
    __slots__ = ()
    TASK_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    VERB_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    ONCE_FIELD_NUMBER: _ClassVar[int]
    task: int
    block: int
    verb: int
    items: _containers.RepeatedCompositeFieldContainer[BulkItem]
    once: bool
    def __init__(self, task: _Optional[int] = ..., block: _Optional[int] = ..., verb: _Optional[int] = ..., items: _Optional[_Iterable[_Union[BulkItem, _Mapping]]] = ..., once: _Optional[bool] = ...) -> None: ...

class BulkItem(_message.Message):
    __slots__ = ()
    AT_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    at: int
    flags: int
    body: bytes
    def __init__(self, at: _Optional[int] = ..., flags: _Optional[int] = ..., body: _Optional[bytes] = ...) -> None: ...

class BulkChunkDone(_message.Message):
    __slots__ = ()
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: bytes
    def __init__(self, outcomes: _Optional[bytes] = ...) -> None: ...
