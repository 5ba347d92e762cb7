from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Names(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NAMES_UNSPECIFIED: _ClassVar[Names]
    NAMES_NOTHING: _ClassVar[Names]
    NAMES_QUEUE: _ClassVar[Names]
    NAMES_JOB: _ClassVar[Names]
    NAMES_ENTITY: _ClassVar[Names]
    NAMES_JSON: _ClassVar[Names]
    NAMES_NAMESPACE: _ClassVar[Names]
    NAMES_CHAIN: _ClassVar[Names]
    NAMES_PARENT: _ClassVar[Names]
    NAMES_HOST: _ClassVar[Names]

class Caller(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALLER_UNSPECIFIED: _ClassVar[Caller]
    CALLER_ANYBODY: _ClassVar[Caller]
    CALLER_KNOWN: _ClassVar[Caller]
    CALLER_READER: _ClassVar[Caller]
    CALLER_READER_OR_WORKER: _ClassVar[Caller]
    CALLER_WORKER: _ClassVar[Caller]
    CALLER_OPERATOR: _ClassVar[Caller]
    CALLER_ADMIN: _ClassVar[Caller]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_NONE: _ClassVar[Scope]
    SCOPE_QUEUE: _ClassVar[Scope]
    SCOPE_JOB: _ClassVar[Scope]
    SCOPE_NAMESPACE: _ClassVar[Scope]
    SCOPE_CLUSTER: _ClassVar[Scope]
    SCOPE_WHOLE_NAMESPACE: _ClassVar[Scope]
NAMES_UNSPECIFIED: Names
NAMES_NOTHING: Names
NAMES_QUEUE: Names
NAMES_JOB: Names
NAMES_ENTITY: Names
NAMES_JSON: Names
NAMES_NAMESPACE: Names
NAMES_CHAIN: Names
NAMES_PARENT: Names
NAMES_HOST: Names
CALLER_UNSPECIFIED: Caller
CALLER_ANYBODY: Caller
CALLER_KNOWN: Caller
CALLER_READER: Caller
CALLER_READER_OR_WORKER: Caller
CALLER_WORKER: Caller
CALLER_OPERATOR: Caller
CALLER_ADMIN: Caller
SCOPE_UNSPECIFIED: Scope
SCOPE_NONE: Scope
SCOPE_QUEUE: Scope
SCOPE_JOB: Scope
SCOPE_NAMESPACE: Scope
SCOPE_CLUSTER: Scope
SCOPE_WHOLE_NAMESPACE: Scope
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor
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
    NAMES_FIELD_NUMBER: _ClassVar[int]
    LIST_KEY_FIELD_NUMBER: _ClassVar[int]
    KNOWN_ONLY_FIELD_NUMBER: _ClassVar[int]
    json_text: bool
    rest_name: str
    always: bool
    hidden: bool
    json_object: bool
    unit: str
    keep_null: bool
    names: Names
    list_key: str
    known_only: bool
    def __init__(self, json_text: _Optional[bool] = ..., rest_name: _Optional[str] = ..., always: _Optional[bool] = ..., hidden: _Optional[bool] = ..., json_object: _Optional[bool] = ..., unit: _Optional[str] = ..., keep_null: _Optional[bool] = ..., names: _Optional[_Union[Names, str]] = ..., list_key: _Optional[str] = ..., known_only: _Optional[bool] = ...) -> None: ...

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

class Access(_message.Message):
    __slots__ = ()
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    UNLIMITED_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    resource: str
    action: str
    caller: Caller
    scope: Scope
    cost: str
    unlimited: bool
    daily: bool
    def __init__(self, resource: _Optional[str] = ..., action: _Optional[str] = ..., caller: _Optional[_Union[Caller, str]] = ..., scope: _Optional[_Union[Scope, str]] = ..., cost: _Optional[str] = ..., unlimited: _Optional[bool] = ..., daily: _Optional[bool] = ...) -> None: ...

class MessageRules(_message.Message):
    __slots__ = ()
    FAST_FIELD_NUMBER: _ClassVar[int]
    fast: bool
    def __init__(self, fast: _Optional[bool] = ...) -> None: ...
