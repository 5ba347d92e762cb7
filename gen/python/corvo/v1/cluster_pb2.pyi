from corvo.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetClusterStatusRequest(_message.Message):
    __slots__ = ()
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    min_index: int
    def __init__(self, min_index: _Optional[int] = ...) -> None: ...

class GetClusterStatusResponse(_message.Message):
    __slots__ = ()
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    LEADER_ADDR_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    APPLIED_INDEX_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INDEX_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    RAFT_NOSYNC_FIELD_NUMBER: _ClassVar[int]
    RAFT_STORE_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_EVENTS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    APPLY_MAX_PENDING_FIELD_NUMBER: _ClassVar[int]
    APPLY_PENDING_NOW_FIELD_NUMBER: _ClassVar[int]
    APPLIED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    OVERLOAD_TOTAL_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    LIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    STATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    mode: str
    state: str
    status: str
    leader_id: str
    leader_addr: str
    node_id: str
    applied_index: str
    commit_index: str
    term: int
    raft_nosync: bool
    raft_store: str
    lifecycle_events: bool
    snapshot_threshold: int
    apply_max_pending: int
    apply_pending_now: int
    applied_total: int
    overload_total: int
    state_hash: str
    snapshot: SnapshotInfo
    nodes: _containers.RepeatedCompositeFieldContainer[ClusterNode]
    live_jobs: int
    state_bytes: int
    log_index: int
    def __init__(self, mode: _Optional[str] = ..., state: _Optional[str] = ..., status: _Optional[str] = ..., leader_id: _Optional[str] = ..., leader_addr: _Optional[str] = ..., node_id: _Optional[str] = ..., applied_index: _Optional[str] = ..., commit_index: _Optional[str] = ..., term: _Optional[int] = ..., raft_nosync: _Optional[bool] = ..., raft_store: _Optional[str] = ..., lifecycle_events: _Optional[bool] = ..., snapshot_threshold: _Optional[int] = ..., apply_max_pending: _Optional[int] = ..., apply_pending_now: _Optional[int] = ..., applied_total: _Optional[int] = ..., overload_total: _Optional[int] = ..., state_hash: _Optional[str] = ..., snapshot: _Optional[_Union[SnapshotInfo, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[ClusterNode, _Mapping]]] = ..., live_jobs: _Optional[int] = ..., state_bytes: _Optional[int] = ..., log_index: _Optional[int] = ...) -> None: ...

class SnapshotInfo(_message.Message):
    __slots__ = ()
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LATEST_INDEX_FIELD_NUMBER: _ClassVar[int]
    LATEST_TERM_FIELD_NUMBER: _ClassVar[int]
    LATEST_SIZE_FIELD_NUMBER: _ClassVar[int]
    count: int
    latest_index: int
    latest_term: int
    latest_size: int
    def __init__(self, count: _Optional[int] = ..., latest_index: _Optional[int] = ..., latest_term: _Optional[int] = ..., latest_size: _Optional[int] = ...) -> None: ...

class ClusterNode(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    VOTER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    id: str
    address: str
    voter: bool
    role: str
    self: bool
    def __init__(self_, id: _Optional[str] = ..., address: _Optional[str] = ..., voter: _Optional[bool] = ..., role: _Optional[str] = ..., self: _Optional[bool] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ()
    MIN_INDEX_FIELD_NUMBER: _ClassVar[int]
    min_index: int
    def __init__(self, min_index: _Optional[int] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ()
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    log_index: int
    def __init__(self, workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., log_index: _Optional[int] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    SDK_VERSION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    id: str
    hostname: str
    queues: str
    last_heartbeat: str
    started_at: str
    active: int
    sdk: str
    sdk_version: str
    slots: int
    order: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., hostname: _Optional[str] = ..., queues: _Optional[str] = ..., last_heartbeat: _Optional[str] = ..., started_at: _Optional[str] = ..., active: _Optional[int] = ..., sdk: _Optional[str] = ..., sdk_version: _Optional[str] = ..., slots: _Optional[int] = ..., order: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ...) -> None: ...

class QuietWorkerRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    validate_only: bool
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class QuietWorkerResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class StopWorkerRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    validate_only: bool
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class StopWorkerResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class ResumeWorkerRequest(_message.Message):
    __slots__ = ()
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    validate_only: bool
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ResumeWorkerResponse(_message.Message):
    __slots__ = ()
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...
