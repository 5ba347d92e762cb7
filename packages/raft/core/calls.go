package main

import (
	"errors"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

//go:wasmexport tick
func tick() int32 { return guard(func() error { node.Tick(); return nil }) }

//go:wasmexport campaign
func campaign() int32 { return guard(func() error { return node.Campaign() }) }

// propose appends entries whose payloads stay with the host: u32 count, then one u32 length each.
//
//go:wasmexport propose
func propose(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		count := int(r.u32())
		if count > len(r.b)/4 {
			return errInput
		}
		ents := make([]*pb.Entry, count)
		for i := range ents {
			ents[i] = &pb.Entry{Data: r.phantom(int(r.u32()))}
		}
		if err := r.done(); err != nil {
			return err
		}
		return node.Step(&pb.Message{Type: pb.MsgProp.Enum(), Entries: ents})
	})
}

// step takes a peer's message.
//
//go:wasmexport step
func step(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		m := r.message()
		if err := r.done(); err != nil {
			return err
		}
		return node.Step(m)
	})
}

// appended says that the oldest append given to the host is durable.
//
//go:wasmexport appended
func appended() int32 {
	return guard(func() error {
		m, err := shift(&appends)
		if err != nil {
			return err
		}
		hs := &pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}
		if err := persist(m.GetSnapshot(), hs, m.GetEntries()); err != nil {
			return err
		}
		return stepLocal(m)
	})
}

// applied says that the oldest batch of committed entries given to the host is applied.
//
//go:wasmexport applied
func applied() int32 {
	return guard(func() error {
		m, err := shift(&applies)
		if err != nil {
			return err
		}
		return stepLocal(m)
	})
}

// shift takes the oldest message and clears its slot: a slot that stays keeps a whole stretch of log alive.
func shift(queue *[]*pb.Message) (*pb.Message, error) {
	if len(*queue) == 0 {
		return nil, errors.New("nothing is outstanding")
	}
	m := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	return m, nil
}

// stepLocal hands the core what the storage threads of a node would answer it.
func stepLocal(m *pb.Message) error {
	for _, resp := range m.GetResponses() {
		if resp.GetTo() == m.GetFrom() {
			if err := node.Step(resp); err != nil {
				return err
			}
		}
	}
	return nil
}

// proposeConf proposes a membership change: u32 transition, u32 count, then u32 type and u64 node each, then
// u32 length and context.
//
//go:wasmexport proposeConf
func proposeConf(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		cc := &pb.ConfChangeV2{Transition: pb.ConfChangeTransition(r.u32()).Enum()}
		count := int(r.u32())
		if count > len(r.b)/12 {
			return errInput
		}
		for range count {
			cc.Changes = append(cc.Changes, &pb.ConfChangeSingle{Type: pb.ConfChangeType(r.u32()).Enum(), NodeId: new(r.u64())})
		}
		cc.Context = r.copy(int(r.u32()))
		if err := r.done(); err != nil {
			return err
		}
		return node.ProposeConfChange(cc)
	})
}

// applyConf applies a committed membership change, given its entry's type and bytes, and replies with the
// configuration that results.
//
//go:wasmexport applyConf
func applyConf(entryType, n int32) int32 {
	return guard(func() error {
		var cc interface {
			proto.Message
			pb.ConfChangeI
		} = &pb.ConfChangeV2{}
		if pb.EntryType(entryType) == pb.EntryConfChange {
			cc = &pb.ConfChange{}
		}
		if err := proto.Unmarshal(in[:n], cc); err != nil {
			return err
		}
		w := writer{b: out}
		w.confState(node.ApplyConfChange(cc))
		out = w.b
		return nil
	})
}

//go:wasmexport readIndex
func readIndex(n int32) int32 {
	return guard(func() error { node.ReadIndex(slices.Clone(in[:n])); return nil })
}

//go:wasmexport transferLeader
func transferLeader(id float64) int32 {
	return guard(func() error { node.TransferLeader(uint64(id)); return nil })
}

//go:wasmexport forgetLeader
func forgetLeader() int32 { return guard(func() error { return node.ForgetLeader() }) }

//go:wasmexport reportUnreachable
func reportUnreachable(id float64) int32 {
	return guard(func() error { node.ReportUnreachable(uint64(id)); return nil })
}

//go:wasmexport reportSnapshot
func reportSnapshot(id float64, ok int32) int32 {
	return guard(func() error {
		status := raft.SnapshotFailure
		if ok != 0 {
			status = raft.SnapshotFinish
		}
		node.ReportSnapshot(uint64(id), status)
		return nil
	})
}

// compact makes the snapshot that slow followers are offered one at this index, and drops entries up to and
// including dropThrough: u64 index, confState, u64 dropThrough. Going backwards changes nothing.
//
//go:wasmexport compact
func compact(n int32) int32 {
	return guard(func() error {
		r := reader{b: in[:n]}
		index, cs, dropThrough := r.u64(), r.confState(), r.u64()
		if err := r.done(); err != nil {
			return err
		}
		if dropThrough > index || index > node.BasicStatus().Applied {
			return errors.New("compaction ahead of the snapshot or of what is applied")
		}
		if _, err := storage.CreateSnapshot(index, cs, nil); err != nil && !errors.Is(err, raft.ErrSnapOutOfDate) {
			return err
		}
		if err := storage.Compact(dropThrough); err != nil && !errors.Is(err, raft.ErrCompacted) {
			return err
		}
		return nil
	})
}

// status replies with the configuration, then u32 count and for each peer u64 id, match, next, u32 state.
// Peers are known on a leader only.
//
//go:wasmexport status
func status() int32 {
	return guard(func() error {
		w := writer{b: out}
		c := node.Status().Config
		w.ids(c.Voters[0].Slice())
		w.ids(slices.Sorted(maps.Keys(c.Learners)))
		w.ids(c.Voters[1].Slice())
		w.ids(slices.Sorted(maps.Keys(c.LearnersNext)))
		w.bool(c.AutoLeave)
		at, count := w.hole(), uint32(0)
		node.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
			count++
			w.u64(id)
			w.u64(pr.Match)
			w.u64(pr.Next)
			w.u32(uint32(pr.State))
		})
		w.fill(at, count)
		out = w.b
		return nil
	})
}
