from corvo.options.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class BackupRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupResponse(_message.Message):
    __slots__ = ()
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ()
    DATA_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    cluster_id: str
    validate_only: bool
    def __init__(self, data: _Optional[bytes] = ..., cluster_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ()
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_JOBS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    content_digest: str
    live_jobs: int
    finished_jobs: int
    queues: int
    cluster_id: str
    log_index: int
    def __init__(self, content_digest: _Optional[str] = ..., live_jobs: _Optional[int] = ..., finished_jobs: _Optional[int] = ..., queues: _Optional[int] = ..., cluster_id: _Optional[str] = ..., log_index: _Optional[int] = ...) -> None: ...

class ExportJobsRequest(_message.Message):
    __slots__ = ()
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    def __init__(self, namespace: _Optional[str] = ...) -> None: ...

class ExportJobsResponse(_message.Message):
    __slots__ = ()
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class ImportJobsRequest(_message.Message):
    __slots__ = ()
    DATA_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    namespace: str
    validate_only: bool
    def __init__(self, data: _Optional[bytes] = ..., namespace: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ImportJobsResponse(_message.Message):
    __slots__ = ()
    RESTORED_JOBS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    restored_jobs: int
    namespace: str
    def __init__(self, restored_jobs: _Optional[int] = ..., namespace: _Optional[str] = ...) -> None: ...

class CaptureProfileRequest(_message.Message):
    __slots__ = ()
    KIND_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    seconds: int
    def __init__(self, kind: _Optional[str] = ..., seconds: _Optional[int] = ...) -> None: ...

class CaptureProfileResponse(_message.Message):
    __slots__ = ()
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...
