package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	hasSoftState = 1 << iota
	hasHardState
	mustSync
	hasSnapshot
	hasAppend
)

// takeReady replies with everything the host has to do now, or with nothing.
//
//go:wasmexport ready
func takeReady() int32 {
	more := true
	code := guard(func() error {
		if node.HasReady() {
			w := writer{b: out}
			w.ready(node.Ready())
			out = w.b
		}
		more = node.HasReady()
		return nil
	})
	if !more {
		control.hasReady = 0
	}
	return code
}

// ready writes u32 flags; u32 counts of entries, committed entries, read states, messages to send now and
// messages to send once the append is durable; then what the flags announce, then the lists in that order.
func (w *writer) ready(rd raft.Ready) {
	now, after, appending := sortMessages(rd.Messages)
	for _, e := range rd.Entries { // a proposal was cloned by the library: let the clone's bytes go
		if e.GetType() == pb.EntryNormal {
			e.Data = phantom(len(e.Data))
		}
	}
	noteLast(rd.Entries)

	var flags uint32
	set := func(flag uint32, on bool) {
		if on {
			flags |= flag
		}
	}
	set(hasSoftState, rd.SoftState != nil)
	set(hasHardState, !raft.IsEmptyHardState(rd.HardState))
	set(mustSync, rd.MustSync)
	set(hasSnapshot, rd.Snapshot != nil && !raft.IsEmptySnap(rd.Snapshot))
	set(hasAppend, appending)

	w.u32(flags)
	for _, n := range [...]int{len(rd.Entries), len(rd.CommittedEntries), len(rd.ReadStates), len(now), len(after)} {
		w.u32(uint32(n))
	}
	if flags&hasSoftState != 0 {
		control.lead, control.role = rd.SoftState.Lead, uint32(rd.SoftState.RaftState)
		w.u64(control.lead)
		w.u32(control.role)
	}
	if flags&hasHardState != 0 {
		control.term, control.vote, control.commit = rd.HardState.GetTerm(), rd.HardState.GetVote(), rd.HardState.GetCommit()
		w.u64(control.term)
		w.u64(control.vote)
		w.u64(control.commit)
	}
	if flags&hasSnapshot != 0 {
		w.snapshot(rd.Snapshot)
	}
	w.entries(rd.Entries)
	w.entries(rd.CommittedEntries)
	for _, rs := range rd.ReadStates {
		w.u64(rs.Index)
		w.bytes(rs.RequestCtx)
	}
	for _, m := range now {
		w.message(m)
	}
	for _, m := range after {
		w.message(m)
	}
}

// sortMessages queues what is for the storage threads and parts the rest into what goes now and what promises
// something that the append has to make durable first.
func sortMessages(messages []*pb.Message) (now, after []*pb.Message, appending bool) {
	for _, m := range messages {
		switch m.GetType() {
		case pb.MsgStorageAppend:
			appending = true
			appends = append(appends, m)
			for _, resp := range m.GetResponses() {
				if resp.GetTo() != m.GetFrom() {
					after = append(after, resp)
				}
			}
		case pb.MsgStorageApply:
			applies = append(applies, m)
		default:
			now = append(now, m)
		}
	}
	return now, after, appending
}
