// Command core is etcd's Raft state machine as a WebAssembly reactor: no clock, no I/O, no goroutine of
// its own. One instance holds one RawNode in asynchronous-storage mode. The host writes a request into the
// input buffer, calls an export and reads the reply through the control block. Every export returns 0 or one
// of the negative codes below.
//
// The host keeps the payloads. The core knows an entry's index, term, type and length: its Data is a slice of
// one shared buffer of zeros, so that every limit of the library counts true lengths. Membership changes are
// the exception: the library parses them, so their bytes live in here.
package main

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"unsafe"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	codeOK       = 0
	codeDropped  = -1 // proposal dropped: no leader, a transfer is under way, or over quota
	codeRejected = -2 // refused input; the reason is in the output buffer
	codePoisoned = -3 // the core panicked; the reason is in the output buffer, every later call says the same
)

// control is shared with the host and never moves. core.ts knows the offsets.
var control struct {
	outPtr, outLen uint32
	inPtr, inCap   uint32
	term, commit   uint64
	lead, vote     uint64
	last           uint64
	role, hasReady uint32
}

var (
	node     *raft.RawNode
	storage  *raft.MemoryStorage // index, term, type and length of the log's tail
	pending  *raft.Config        // between create and start
	in, out  []byte
	poisoned string

	appends []*pb.Message // given to the host, not yet durable: oldest first
	applies []*pb.Message // given to the host, not yet applied: oldest first
)

func main() {}

//go:wasmexport control
func controlBlock() unsafe.Pointer {
	debug.SetGCPercent(100)
	return unsafe.Pointer(&control)
}

// grow makes the input buffer hold at least n bytes.
//
//go:wasmexport grow
func grow(n uint32) int32 {
	if int(n) > cap(in) {
		in = make([]byte, n)
		control.inPtr = uint32(uintptr(unsafe.Pointer(unsafe.SliceData(in))))
		control.inCap = uint32(cap(in))
	}
	return codeOK
}

// guard runs f and turns its end into a code. A panic poisons the instance: its state may be half changed.
func guard(f func() error) (code int32) {
	if poisoned != "" {
		return reply(codePoisoned, poisoned)
	}
	defer func() {
		if p := recover(); p != nil {
			poisoned = fmt.Sprint(p)
			code = reply(codePoisoned, poisoned)
		}
	}()
	out = out[:0]
	err := f()
	control.hasReady = 1 // perhaps: only ready knows
	switch {
	case err == nil:
		publishOut()
		return codeOK
	case errors.Is(err, raft.ErrProposalDropped):
		return reply(codeDropped, err.Error())
	default:
		return reply(codeRejected, err.Error())
	}
}

func reply(code int32, text string) int32 {
	out = append(out[:0], text...)
	publishOut()
	return code
}

func publishOut() {
	control.outPtr = uint32(uintptr(unsafe.Pointer(unsafe.SliceData(out))))
	control.outLen = uint32(len(out))
}

// publishStatus copies the status into the control block. It allocates: afterwards each Ready says what changed.
func publishStatus() {
	s := node.BasicStatus()
	control.term, control.commit, control.vote = s.GetTerm(), s.GetCommit(), s.GetVote()
	control.lead, control.role = s.Lead, uint32(s.RaftState)
}

// restored answers with the configuration as of the applied index: MemoryStorage would answer with the
// snapshot's, which is older when entries behind the snapshot were applied before the start.
type restored struct {
	*raft.MemoryStorage
	conf *pb.ConfState
}

func (s restored) InitialState() (*pb.HardState, *pb.ConfState, error) {
	hs, _, err := s.MemoryStorage.InitialState()
	return hs, s.conf, err
}

// create prepares a node: limits, hard state, the snapshot its log starts behind, the current configuration.
//
//go:wasmexport create
func create(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		c := &raft.Config{
			ElectionTick: int(r.u32()), HeartbeatTick: int(r.u32()), MaxInflightMsgs: int(r.u32()),
			ID: r.u64(), MaxSizePerMsg: r.u64(), MaxInflightBytes: r.u64(),
			MaxUncommittedEntriesSize: r.u64(), MaxCommittedSizePerReady: r.u64(), Applied: r.u64(),
			PreVote: true, CheckQuorum: true, AsyncStorageWrites: true, StepDownOnRemoval: true,
			DisableProposalForwarding: true, Logger: logger{},
		}
		hs := &pb.HardState{Term: new(r.u64()), Vote: new(r.u64()), Commit: new(r.u64())}
		snap, conf := r.snapshot(), r.confState()
		if err := r.done(); err != nil {
			return err
		}
		storage = raft.NewMemoryStorage()
		c.Storage = restored{storage, conf}
		pending = c
		control.last = snap.GetMetadata().GetIndex()
		return persist(snap, hs, nil)
	})
}

// load appends entries that are on the host's disk: u32 count, then entries. Before start, by batches.
//
//go:wasmexport load
func load(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		ents := r.entries(int(r.u32()))
		if err := r.done(); err != nil {
			return err
		}
		noteLast(ents)
		return storage.Append(ents)
	})
}

//go:wasmexport start
func start() int32 {
	return guard(func() (err error) {
		if node, err = raft.NewRawNode(pending); err == nil {
			publishStatus()
		}
		return err
	})
}

func persist(snap *pb.Snapshot, hs *pb.HardState, ents []*pb.Entry) error {
	if snap != nil && !raft.IsEmptySnap(snap) {
		if err := storage.ApplySnapshot(snap); err != nil {
			return err
		}
	}
	if !raft.IsEmptyHardState(hs) {
		if err := storage.SetHardState(hs); err != nil {
			return err
		}
	}
	return storage.Append(ents)
}

func noteLast(ents []*pb.Entry) {
	if n := len(ents); n > 0 {
		control.last = ents[n-1].GetIndex()
	}
}

// die ends the core in one of the ways it can end, so that a test can see the host survive each of them.
//
//go:wasmexport die
func die(way int32) int32 {
	switch way {
	case 0: // a broken contract: a leader that commits what this log does not have
		return guard(func() error {
			return node.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(uint64(99)), To: new(node.BasicStatus().ID),
				Term: new(uint64(1 << 20)), Commit: new(uint64(math.MaxUint32))})
		})
	case 1: // memory runs out
		var keep [][]byte
		for {
			keep = append(keep, make([]byte, 64<<20))
		}
	case 2: // the stack overflows
		var f func(int) int
		f = func(n int) int { return f(n+1) + 1 }
		return int32(f(0))
	default:
		panic("outside the guard")
	}
}
