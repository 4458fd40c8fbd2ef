package pipeline

import (
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// Strangers' bytes kept in a reject record.
const maxRejectBody = 8 << 10

func (b *batch) newRecord(kind RecordKind, u *unit, now time.Time) *Record {
	in := &InputPart{
		ID: u.sig.InputID, Source: u.msg.Source, Sender: u.msg.Sender, RemoteAddr: u.msg.RemoteAddr,
		Position: u.msg.Position, Mapping: u.msg.Mapping, Delivery: u.msg.Delivery, Received: u.msg.Received,
		Verdict: u.verdict, Assurance: u.sig.Assurance, Dialect: u.sig.Dialect,
		Issuer: u.sig.Issuer, JTI: u.sig.JTI, Txn: u.sig.Txn, Audience: u.sig.Audience,
		IssuedAt: u.sig.IssuedAt, TimeOf: u.sig.TimeOf, Alg: u.sig.Alg, KeyID: u.sig.KeyID, Typ: u.sig.Typ,
		Applied: u.sig.Applied, Discard: u.sig.Discard, Test: u.msg.Test,
	}
	sum := u.msg.digest()
	in.SHA256 = hex.EncodeToString(sum[:])
	body := u.msg.Body
	if u.reject != nil {
		if u.sig.InputID == "" && u.msg.Progress == nil {
			body = body[:min(len(body), maxRejectBody)]
		}
		in.ID, in.Assurance = "", event.None
		in.Issuer, in.JTI = u.reject.Issuer, u.reject.JTI
		if u.msg.Progress != nil {
			in.Key, in.Headers, in.Made = u.msg.Key, u.msg.Headers, u.msg.Made
		}
		in.Reject = &RejectPart{Code: u.reject.Code, Description: u.reject.Description, Requirement: u.reject.Requirement}
	}
	if u.reject == nil || utf8.Valid(body) {
		in.Body = string(body)
	} else {
		in.Bytes = body
	}
	if u.chain != in.ID {
		in.Chain = u.chain
	}
	return &Record{Kind: kind, At: now.UTC(), Node: b.p.node, Trace: b.trace.String(), Input: in}
}

func eventPart(e *event.Event) EventPart {
	part := EventPart{
		ID: e.ID, Type: e.Type.Name, Family: e.Type.Family, URI: e.URI, Time: e.Time.UTC(), TimeSource: e.TimeSource,
		Body: e.Body.Raw(), ECS: e.ECS, Concepts: e.Concepts, Applied: e.Applied, Stale: e.Stale,
	}
	if !e.Subject.IsZero() {
		part.Subject = e.Subject.AppendJSON(nil)
	}
	return part
}

func entitiesPart(x state.Entities) EntitiesPart {
	return EntitiesPart{User: entityPart(x.User), Device: entityPart(x.Device), Session: entityPart(x.Session)}
}

func entityPart(r *state.Ref) *EntityPart {
	if r == nil {
		return nil
	}
	return &EntityPart{ID: r.ID, Keys: r.Keys, Email: r.Email, Name: r.Name}
}
