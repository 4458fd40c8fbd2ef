package pipeline

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// write puts the record of a unit into the transaction.
func (b *batch) write(tx store.Tx, u *unit) error {
	if u.record == nil {
		return nil
	}
	ids := make([]string, 0, 1+len(u.record.Outcomes)+len(u.record.Actions))
	if u.verdict == Accepted || u.verdict == Discarded {
		for i := range u.record.Outcomes {
			ids = append(ids, tail(u.record.Outcomes[i].Event.ID))
		}
		for i := range u.record.Actions {
			if id := u.record.Actions[i].ID; i == 0 || id != u.record.Actions[i-1].ID {
				ids = append(ids, id)
			}
		}
	}
	if u.record.Input != nil && u.record.Input.ID != "" {
		ids = append(ids, u.record.Input.ID)
	}
	data := u.record.AppendJSON(make([]byte, 0, u.record.sizeHint()))
	u.size = len(data)
	u.seq = tx.Append(store.Record{Data: data, IDs: ids})
	if u.marked() && (u.verdict == Accepted || u.verdict == Discarded) {
		tx.MarkSeen(u.sig.InputID, store.Mark{Digest: u.digest(), Seq: u.seq, At: u.record.At})
	}
	return nil
}

func (b *batch) receipts() []Receipt {
	list := make([]Receipt, len(b.units))
	for i, u := range b.units {
		list[i] = Receipt{Verdict: u.verdict, ID: u.sig.InputID, Seq: u.seq, Reject: u.reject, Retry: u.retry}
	}
	return list
}

func (b *batch) observe() {
	if b.shelves != nil {
		b.shelves.observe(b)
	}
	for _, u := range b.units {
		if u.retry != nil {
			b.p.log.Warn("message cannot be handled now", "source", u.msg.Source, "err", u.retry)
			continue
		}
		code := ""
		if u.reject != nil {
			code = u.reject.Code
			b.p.log.Info("message refused", "source", u.msg.Source, "sender", u.msg.Sender, "code", code, "why", u.reject.Description)
		}
		b.obs.Message(u.msg.Source, u.verdict, code)
		if code == Unmapped {
			b.obs.Noted(u.msg.Mapping, Unmapped, "")
		}
		if u.record == nil {
			continue
		}
		for i := range u.record.Outcomes {
			o := &u.record.Outcomes[i]
			result := "recorded"
			if o.Decision != nil {
				result = o.Decision.Result
				for _, re := range o.Decision.Errors {
					b.obs.RuleFailed(re.Rule)
					b.p.log.Error("rule failed", "rule", re.Rule, "document", re.Document, "event", o.Event.ID, "err", re.Message)
				}
			}
			b.obs.Event(o.Event.Type, result)
			if u.msg.Mapping != "" {
				for _, note := range o.Event.Applied {
					kind, name, _ := strings.Cut(note, ":")
					b.obs.Noted(u.msg.Mapping, kind, name)
				}
			}
		}
		for i := range u.record.Actions {
			a := &u.record.Actions[i]
			b.obs.Action(a.Type, a.Target, a.Status, a.Guard)
		}
	}
}
