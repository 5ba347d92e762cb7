from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorGroupText(_message.Message):
    __slots__ = ()
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    queue: str
    words: str
    sample: str
    def __init__(self, queue: _Optional[str] = ..., words: _Optional[str] = ..., sample: _Optional[str] = ...) -> None: ...
