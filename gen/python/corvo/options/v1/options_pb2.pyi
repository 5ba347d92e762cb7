from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor
MESSAGE_FIELD_NUMBER: _ClassVar[int]
message: _descriptor.FieldDescriptor

class FieldRules(_message.Message):
    __slots__ = ()
    JSON_TEXT_FIELD_NUMBER: _ClassVar[int]
    REST_NAME_FIELD_NUMBER: _ClassVar[int]
    ALWAYS_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    JSON_OBJECT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    KEEP_NULL_FIELD_NUMBER: _ClassVar[int]
    json_text: bool
    rest_name: str
    always: bool
    hidden: bool
    json_object: bool
    unit: str
    keep_null: bool
    def __init__(self, json_text: _Optional[bool] = ..., rest_name: _Optional[str] = ..., always: _Optional[bool] = ..., hidden: _Optional[bool] = ..., json_object: _Optional[bool] = ..., unit: _Optional[str] = ..., keep_null: _Optional[bool] = ...) -> None: ...

class MethodRules(_message.Message):
    __slots__ = ()
    SUCCESS_STATUS_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_FIELD_NUMBER: _ClassVar[int]
    FLAGGED_STATUS_FIELD_NUMBER: _ClassVar[int]
    EMPTY_UNLESS_FIELD_NUMBER: _ClassVar[int]
    STATUS_WORD_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    RAW_BODY_FIELD_NUMBER: _ClassVar[int]
    BODY_OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    success_status: int
    flag_field: str
    flagged_status: int
    empty_unless: str
    status_word: str
    error_code: str
    raw_body: str
    body_optional: bool
    def __init__(self, success_status: _Optional[int] = ..., flag_field: _Optional[str] = ..., flagged_status: _Optional[int] = ..., empty_unless: _Optional[str] = ..., status_word: _Optional[str] = ..., error_code: _Optional[str] = ..., raw_body: _Optional[str] = ..., body_optional: _Optional[bool] = ...) -> None: ...

class MessageRules(_message.Message):
    __slots__ = ()
    FAST_FIELD_NUMBER: _ClassVar[int]
    fast: bool
    def __init__(self, fast: _Optional[bool] = ...) -> None: ...
