package main

import (
	"encoding/binary"
	"errors"

	pb "go.etcd.io/raft/v3/raftpb"
)

// The byte layout is little-endian and fixed-width: u32, u64, and bytes behind their u32 length. layout.ts is
// its other half. Peers exchange the message part.

var errInput = errors.New("malformed input")

const (
	kept          = 1 << 31  // in an entry's type: the host has the payload
	entryBytesMax = 64 << 20 // twice the largest entry a replica makes

	rejects    = 1 << 0
	hasContext = 1 << 1
	hasMeta    = 1 << 2
)

var zeros []byte // behind every payload that stays with the host

func phantom(n int) []byte {
	if n == 0 {
		return nil
	}
	if n > len(zeros) {
		zeros = make([]byte, max(n, 1<<16, 2*len(zeros)))
	}
	return zeros[:n:n]
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if v := r.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (r *reader) copy(n int) []byte {
	if v := r.take(n); n > 0 && v != nil {
		return append(make([]byte, 0, n), v...)
	}
	return nil
}

func (r *reader) phantom(n int) []byte {
	if n > entryBytesMax {
		r.bad = true
		return nil
	}
	return phantom(n)
}

func (r *reader) done() error {
	if r.bad || len(r.b) != 0 {
		return errInput
	}
	return nil
}

func (r *reader) ids() []uint64 {
	n := int(r.u32())
	if n > len(r.b)/8 {
		r.bad = true
		return nil
	}
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = r.u64()
	}
	return ids
}

func (r *reader) confState() *pb.ConfState {
	return &pb.ConfState{Voters: r.ids(), Learners: r.ids(), VotersOutgoing: r.ids(), LearnersNext: r.ids(), AutoLeave: new(r.u32() != 0)}
}

func (r *reader) snapshot() *pb.Snapshot {
	return &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(r.u64()), Term: new(r.u64()), ConfState: r.confState()}}
}

// entries reads n entries: u64 index, u64 term, u32 type, u32 length, and the bytes unless the host has them.
func (r *reader) entries(n int) []*pb.Entry {
	if n > len(r.b)/24 {
		r.bad = true
		return nil
	}
	ents := make([]*pb.Entry, n)
	for i := range ents {
		e := &pb.Entry{Index: new(r.u64()), Term: new(r.u64())}
		t, size := r.u32(), int(r.u32())
		if t&kept != 0 {
			e.Data = r.phantom(size)
		} else {
			e.Data = r.copy(size)
		}
		if t &^= kept; t != 0 {
			e.Type = pb.EntryType(t).Enum()
		}
		ents[i] = e
	}
	return ents
}

// message reads u32 type, u32 flags, eight u64, then context and snapshot as flagged, u32 count and entries.
func (r *reader) message() *pb.Message {
	t, flags := r.u32(), r.u32()
	m := &pb.Message{
		Type: pb.MessageType(t).Enum(), To: new(r.u64()), From: new(r.u64()), Term: new(r.u64()), LogTerm: new(r.u64()),
		Index: new(r.u64()), Commit: new(r.u64()), Vote: new(r.u64()), RejectHint: new(r.u64()), Reject: new(flags&rejects != 0),
	}
	if flags&hasContext != 0 {
		m.Context = r.copy(int(r.u32()))
	}
	if flags&hasMeta != 0 {
		m.Snapshot = r.snapshot()
	}
	if n := int(r.u32()); n > 0 {
		m.Entries = r.entries(n)
	}
	return m
}

type writer struct{ b []byte }

func (w *writer) u32(v uint32) { w.b = binary.LittleEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, v) }

// hole leaves room for a u32 that is known later.
func (w *writer) hole() int { w.u32(0); return len(w.b) - 4 }

func (w *writer) fill(at int, v uint32) { binary.LittleEndian.PutUint32(w.b[at:], v) }

func (w *writer) bytes(b []byte) {
	w.u32(uint32(len(b)))
	w.b = append(w.b, b...)
}

func (w *writer) bool(v bool) {
	if v {
		w.u32(1)
	} else {
		w.u32(0)
	}
}

func (w *writer) ids(ids []uint64) {
	w.u32(uint32(len(ids)))
	for _, id := range ids {
		w.u64(id)
	}
}

func (w *writer) confState(cs *pb.ConfState) {
	w.ids(cs.GetVoters())
	w.ids(cs.GetLearners())
	w.ids(cs.GetVotersOutgoing())
	w.ids(cs.GetLearnersNext())
	w.bool(cs.GetAutoLeave())
}

func (w *writer) snapshot(s *pb.Snapshot) {
	w.u64(s.GetMetadata().GetIndex())
	w.u64(s.GetMetadata().GetTerm())
	w.confState(s.GetMetadata().GetConfState())
}

// entries writes entries of the log, whose payloads the host has.
func (w *writer) entries(ents []*pb.Entry) { w.entriesAs(ents, true) }

func (w *writer) entriesAs(ents []*pb.Entry, ofLog bool) {
	for _, e := range ents {
		w.u64(e.GetIndex())
		w.u64(e.GetTerm())
		if t := uint32(e.GetType()); ofLog && t == 0 && len(e.Data) > 0 {
			w.u32(kept)
			w.u32(uint32(len(e.Data)))
		} else {
			w.u32(t)
			w.bytes(e.Data)
		}
	}
}

// message writes its u32 length and then what reader.message reads.
func (w *writer) message(m *pb.Message) {
	at := w.hole()
	var flags uint32
	if m.GetReject() {
		flags |= rejects
	}
	if len(m.Context) > 0 {
		flags |= hasContext
	}
	if m.Snapshot != nil {
		flags |= hasMeta
	}
	w.u32(uint32(m.GetType()))
	w.u32(flags)
	for _, v := range [...]uint64{m.GetTo(), m.GetFrom(), m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit(), m.GetVote(), m.GetRejectHint()} {
		w.u64(v)
	}
	if flags&hasContext != 0 {
		w.bytes(m.Context)
	}
	if flags&hasMeta != 0 {
		w.snapshot(m.Snapshot)
	}
	w.u32(uint32(len(m.Entries)))
	// Messages about reads carry their context as an entry: those bytes are nobody else's.
	w.entriesAs(m.Entries, m.GetType() == pb.MsgApp)
	w.fill(at, uint32(len(w.b)-at-4))
}
