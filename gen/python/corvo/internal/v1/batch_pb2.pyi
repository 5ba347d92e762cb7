from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchFacts(_message.Message):
    __slots__ = ()
    CALLBACK_QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_SEQ_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    callback_queue: bytes
    callback_payload: bytes
    callback_seq: int
    callback_created_ms: int
    def __init__(self, callback_queue: _Optional[bytes] = ..., callback_payload: _Optional[bytes] = ..., callback_seq: _Optional[int] = ..., callback_created_ms: _Optional[int] = ...) -> None: ...

class ChainFacts(_message.Message):
    __slots__ = ()
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    chain: bytes
    jobs: _containers.RepeatedCompositeFieldContainer[ChainJob]
    def __init__(self, chain: _Optional[bytes] = ..., jobs: _Optional[_Iterable[_Union[ChainJob, _Mapping]]] = ...) -> None: ...

class ChainJob(_message.Message):
    __slots__ = ()
    STEP_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    step: int
    seq: int
    created_ms: int
    def __init__(self, step: _Optional[int] = ..., seq: _Optional[int] = ..., created_ms: _Optional[int] = ...) -> None: ...
