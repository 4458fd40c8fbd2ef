package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/evidence"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/question"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// perRecord is by how much event.sequence grows from one journal record to the
// next.
const perRecord = 1 << 16

// export makes a bundle of evidence and notes that it left the product.
func (a *App) export(ctx context.Context, req api.ExportRequest) (answer api.ExportAnswer, err error) {
	detail := req.Kind + " " + req.Value
	answer, err = a.bundle(ctx, req)
	note := pipeline.OperatorPart{Verb: "export", By: req.By, Comment: req.Comment, Detail: detail}
	if err != nil {
		note.Failed = err.Error()
	} else {
		note.Detail += fmt.Sprintf(": %d documents, %d originals", answer.Manifest.Documents, answer.Manifest.Tokens)
	}
	if noted := a.line.Note(context.WithoutCancel(ctx), note); noted != nil {
		return api.ExportAnswer{}, errors.Join(err, noted) // what is not noted does not leave
	}
	return answer, err
}

func (a *App) bundle(ctx context.Context, req api.ExportRequest) (answer api.ExportAnswer, err error) {
	if a.search == nil {
		return answer, &api.Error{Message: "no index can be searched", Hint: `add an index block, such as index "sqlite" "local" {}`}
	}
	m := evidence.Manifest{
		Made: a.o.Now().UTC(), By: req.By, Comment: req.Comment, Version: a.o.Version, Node: nodeName(a.cfg),
		Asked: evidence.Asked{Kind: req.Kind, Value: req.Value, From: req.From, To: req.To},
	}
	hits, err := a.evidenceHits(ctx, req, &m)
	if err != nil {
		return answer, err
	}
	if len(hits) == 0 {
		return answer, &api.Error{Message: "nothing was found about " + req.Kind + " " + req.Value}
	}
	c := evidence.Content{Keys: evidence.Keys{Issuers: map[string][]pipeline.VerifiedKey{}, Own: a.keys.JWKS()}}
	if err := a.collect(ctx, hits, !req.NoOriginals, &m, &c); err != nil {
		return answer, err
	}
	if req.NoOriginals {
		m.LeftOut = []string{"originals", "decision inputs"}
	}
	if rules := a.gen.Load().rules; rules != nil {
		m.Policy.Revision, c.Rules = rules.Revision(), map[string]string{}
		for name, text := range rules.Sources() {
			c.Rules[path.Join(path.Base(path.Dir(name)), path.Base(name))] = text
		}
	}
	signer, err := a.keys.Signer("")
	if err != nil {
		return answer, err
	}
	var b bytes.Buffer
	if err := evidence.Write(&b, &m, &c, signer); err != nil {
		return answer, &api.Error{Message: err.Error()}
	}
	return api.ExportAnswer{Manifest: m, Key: signer.KeyID(), Bundle: b.Bytes()}, nil
}

// evidenceHits finds the documents, the oldest first.
func (a *App) evidenceHits(ctx context.Context, req api.ExportRequest, m *evidence.Manifest) ([]query.Hit, error) {
	var q query.Query
	var err error
	switch req.Kind {
	case "chain":
		why, _ := question.Lookup("why")
		answer, err := question.Ask(ctx, a.search, why, question.Request{
			Values: map[string]string{"id": req.Value}, From: req.From, To: req.To, Now: a.o.Now(), Limit: question.MaxLimit,
		})
		if err != nil {
			return nil, asked(err)
		}
		if answer.Found > len(answer.Docs) {
			return nil, tooMany(answer.Found)
		}
		m.Partial = answer.Partial
		return answer.Docs, nil
	case "query":
		q, err = query.Parse(req.Value)
	default:
		q, err = query.Timeline(req.Kind, req.Value)
	}
	if err != nil {
		return nil, asked(err)
	}
	o := query.Options{From: req.From, To: req.To, Now: a.o.Now(), Size: 1000, Sort: query.Sort{Asc: true}}
	var hits []query.Hit
	for {
		page, err := a.search.Search(ctx, q, o)
		if err != nil {
			return nil, asked(err)
		}
		if page.Total > evidence.MaxDocuments || len(hits)+len(page.Docs) > evidence.MaxDocuments {
			return nil, tooMany(max(page.Total, evidence.MaxDocuments+1))
		}
		hits = append(hits, page.Docs...)
		if page.Partial != "" {
			m.Partial = page.Partial
		}
		if o.After, o.SkipTotal = page.Next, true; page.Next == "" {
			return hits, nil
		}
	}
}

func tooMany(n int) error {
	return &api.Error{Message: fmt.Sprintf("%d documents are more than a bundle holds (%d)", n, evidence.MaxDocuments), Hint: "choose a shorter time with --since and --until"}
}

// asked makes an error of what was asked one of the interface.
func asked(err error) error {
	if qe, ok := errors.AsType[*query.Error](err); ok {
		return &api.Error{Message: qe.Problem, Hint: qe.Hint, Offset: &qe.Offset}
	}
	if qe, ok := errors.AsType[*question.Error](err); ok {
		return &api.Error{Message: qe.Problem, Hint: qe.Hint}
	}
	return err
}

// collect reads the journal records behind the documents. Documents are
// rendered from them anew, since they are the truth and an index a view.
func (a *App) collect(ctx context.Context, hits []query.Hit, originals bool, m *evidence.Manifest, c *evidence.Content) error {
	rendered := map[string][]byte{}
	read := map[uint64]bool{}
	size := 0
	for _, h := range hits {
		v, err := strictjson.Parse(h.JSON, strictjson.Limits{})
		if err != nil {
			return fmt.Errorf("read document %s: %w", h.ID, err)
		}
		n, ok := v.Get("event", "sequence").Int()
		if seq := uint64(n) / perRecord; ok && n > 0 && !read[seq] {
			read[seq] = true
			rec, err := a.journalRecord(ctx, seq)
			if err != nil {
				return err
			}
			if rec == nil {
				m.Gaps = append(m.Gaps, seq)
			} else if err := a.take(ctx, seq, rec, originals, rendered, c); err != nil {
				return err
			}
		}
		doc, ok := rendered[h.ID]
		if !ok {
			doc = h.JSON
		}
		if size += len(doc); size > evidence.MaxBytes {
			return &api.Error{Message: "the documents are more than a bundle holds", Hint: "choose a shorter time with --since and --until"}
		}
		c.Documents = append(c.Documents, doc)
	}
	return nil
}

func (a *App) journalRecord(ctx context.Context, seq uint64) (*pipeline.Record, error) {
	data, err := a.store.Record(ctx, seq)
	if err != nil || data == nil {
		return nil, err
	}
	rec := new(pipeline.Record)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("read journal record %d: %w", seq, err)
	}
	return rec, nil
}

// take adds what is evidence in one record.
func (a *App) take(ctx context.Context, seq uint64, rec *pipeline.Record, originals bool, rendered map[string][]byte, c *evidence.Content) error {
	docs, err := document.Render(seq, rec)
	if err != nil {
		return err
	}
	for _, d := range docs {
		rendered[d.ID] = d.JSON
	}
	for i := range rec.Outcomes {
		d := rec.Outcomes[i].Decision
		if d == nil {
			continue
		}
		copied := *d
		if !originals {
			copied.Input = nil
		}
		c.Decisions = append(c.Decisions, evidence.Decision{Seq: seq, Event: rec.Outcomes[i].Event.ID, DecisionPart: copied})
	}
	if !originals {
		return nil
	}
	if in := rec.Input; in != nil {
		t := evidence.Token{
			Seq: seq, Direction: evidence.Received, ID: in.ID, Verdict: in.Verdict, Assurance: string(in.Assurance),
			Issuer: in.Issuer, JTI: in.JTI, Received: in.Received, SHA256: in.SHA256,
		}
		if raw := in.Raw(); utf8.Valid(raw) {
			t.Text = string(raw)
		} else {
			t.Bytes = raw
		}
		c.Tokens = append(c.Tokens, t)
		if _, known := c.Keys.Issuers[in.Issuer]; !known && in.Reject == nil && in.Issuer != "" {
			list, err := a.line.VerifiedKeys(ctx, in.Issuer)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				c.Keys.Issuers[in.Issuer] = list
			}
		}
	}
	for _, action := range rec.Actions {
		if action.Token != "" { // in the record of its first hand-over
			c.Tokens = append(c.Tokens, evidence.SentToken(seq, action.ID, action.JTI, action.Token))
		}
	}
	return nil
}
