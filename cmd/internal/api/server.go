package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// Backend is the product as the interface sees it.
type Backend struct {
	Pipeline *pipeline.Pipeline
	Searcher query.Searcher // nil: no index can be searched
	Explain  Explainer
	Status   func(context.Context) Status
	Reload   func(ctx context.Context, by string) (ReloadAnswer, error)
	Drill    func(ctx context.Context, by string, timeout time.Duration) (DrillAnswer, error)
	Emit     func(ctx context.Context, req EmitRequest) (EmitAnswer, error)
	Store    StoreBackend

	Receivers ReceiversBackend

	RotateKeys func(ctx context.Context, req RotateRequest, lead, keep time.Duration) (RotateAnswer, error)

	Export func(ctx context.Context, req ExportRequest) (ExportAnswer, error)
	Now    func() time.Time
}

// maxRequest bounds a request's body.
const maxRequest = 16 << 20

// Handler serves the interface.
func Handler(b Backend) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
			v, err := f(r)
			answer(w, v, err)
		})
	}
	handle("GET /v1/status", func(r *http.Request) (any, error) { return b.Status(r.Context()), nil })
	handle("GET /v1/query", b.query)
	handle("GET /v1/aggregate", b.aggregate)
	handle("GET /v1/questions/{name}", b.ask)
	handle("GET /v1/journal/{id}", b.journal)
	handle("POST /v1/explain", b.explain)
	handle("POST /v1/actions/stop", b.operate(b.Pipeline.StopActions))
	handle("POST /v1/actions/resume", b.operate(b.Pipeline.ResumeActions))
	handle("GET /v1/actions", b.actions)
	handle("GET /v1/actions/{id}", b.action)
	handle("POST /v1/actions/approve", b.judgeActions(b.Pipeline.Approve))
	handle("POST /v1/actions/reject", b.judgeActions(b.Pipeline.Reject))
	handle("POST /v1/actions/retry", b.judgeActions(b.Pipeline.Retry))
	handle("POST /v1/verdicts", b.judge)
	handle("GET /v1/quarantine", b.quarantine)
	handle("GET /v1/quarantine/{id}", b.quarantined)
	handle("POST /v1/quarantine/retry", b.retryQuarantined)
	handle("POST /v1/quarantine/drop", b.dropQuarantined)
	handle("POST /v1/reload", b.reload)
	handle("POST /v1/drill", b.drill)
	handle("POST /v1/emit", b.emit)
	handle("GET /v1/receivers", func(r *http.Request) (any, error) { return b.Receivers.List(r.Context()) })
	handle("POST /v1/receivers/status", b.setReceiverStatus)
	handle("POST /v1/keys/rotate", b.rotateKeys)
	handle("POST /v1/export", b.export)
	b.handleStore(mux, handle)
	mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		failure := &Error{Message: err.Error()}
		var given *Error
		if errors.As(err, &given) {
			failure, status = given, http.StatusBadRequest
		}
		v = failure
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return &Error{Message: "request body: " + err.Error()}
	}
	return nil
}

func (b Backend) query(r *http.Request) (any, error) {
	if b.Searcher == nil {
		return nil, noIndex()
	}
	p := r.URL.Query()
	q, err := query.Parse(p.Get("q"))
	if err != nil {
		return nil, badQuery(err)
	}
	o := query.Options{After: p.Get("after"), Now: b.Now(), SkipTotal: p.Get("total") == "false"}
	if text := p.Get("sort"); text != "" {
		if o.Sort, err = query.ParseSort(text); err != nil {
			return nil, badQuery(err)
		}
	}
	if err := readTimes(p, &o.From, &o.To); err != nil {
		return nil, err
	}
	if err := readNumber(p, "size", &o.Size); err != nil {
		return nil, err
	}
	page, err := b.Searcher.Search(r.Context(), q, o)
	if err != nil {
		return nil, badQuery(err)
	}
	a := QueryAnswer{Total: page.Total, Next: page.Next, Partial: page.Partial, Docs: make([]json.RawMessage, len(page.Docs))}
	for i, d := range page.Docs {
		a.Docs[i] = d.JSON
	}
	return a, nil
}

func badQuery(err error) error {
	var qe *query.Error
	if !errors.As(err, &qe) {
		return err
	}
	return &Error{Message: qe.Problem, Hint: qe.Hint, Offset: &qe.Offset}
}

const idHint = "give an input (i-), event (e-), decision (d-) or action (a-) id, as query and timeline show them"

func (b Backend) journal(r *http.Request) (any, error) {
	id := r.PathValue("id")
	found, err := b.Pipeline.Find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &Error{Message: "the journal holds nothing under " + id, Hint: idHint}
	}
	a := JournalAnswer{}
	for _, f := range found {
		x, err := b.Explain.Record(r.Context(), f.Seq, f.Record)
		if err != nil {
			return nil, err
		}
		if f.Record.Kind == pipeline.InputRecord {
			if x.Actions, err = b.follow(r.Context(), x.Actions); err != nil {
				return nil, err
			}
		}
		a.Records = append(a.Records, x)
	}
	return a, nil
}

// follow brings the actions of an input to where they stand now: the input's
// record knows only how they began. Behind a part that went to the streams of its
// sink stand its copies there.
func (b Backend) follow(ctx context.Context, actions []pipeline.Action) ([]pipeline.Action, error) {
	all := make([]pipeline.Action, 0, len(actions))
	for _, now := range actions {
		found, err := b.Pipeline.Find(ctx, now.ID)
		if err != nil {
			return nil, err
		}
		var copies []pipeline.Action
		for _, f := range found {
			for _, later := range f.Record.Actions {
				if f.Record.Kind == pipeline.InputRecord || later.ID != now.ID || later.Target != now.Target || later.Part != now.Part {
					continue
				}
				if later.Stream == now.Stream {
					now = later
					continue
				}
				at := slices.IndexFunc(copies, func(c pipeline.Action) bool { return c.Stream == later.Stream })
				if at < 0 {
					copies = append(copies, later)
				} else {
					copies[at] = later
				}
			}
		}
		all = append(append(all, now), copies...)
	}
	return all, nil
}

// maxExplain is how many messages one request may ask about.
const maxExplain = 100

func (b Backend) explain(r *http.Request) (any, error) {
	var req ExplainRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if len(req.Messages) > maxExplain {
		return nil, &Error{Message: "too many messages at once", Hint: "ask about at most 100"}
	}
	return b.Explain.Messages(r.Context(), b.Pipeline, req, b.Now())
}

func (b Backend) operate(f func(ctx context.Context, by, comment string) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var req OperatorRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		if req.By == "" {
			return nil, &Error{Message: "by: say who gives the command"}
		}
		if err := f(r.Context(), req.By, req.Comment); err != nil {
			return nil, err
		}
		return b.Status(r.Context()), nil
	}
}

func (b Backend) judge(r *http.Request) (any, error) {
	var req VerdictRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(pipeline.Judgements, req.Verdict):
		return nil, &Error{Message: fmt.Sprintf("verdict: %q is none", req.Verdict), Hint: fmt.Sprintf("one of %v", pipeline.Judgements)}
	case req.By == "" || utf8.RuneCountInString(req.By) > pipeline.MaxBy:
		return nil, &Error{Message: fmt.Sprintf("by: say who judges, in at most %d characters", pipeline.MaxBy)}
	case utf8.RuneCountInString(req.Comment) > pipeline.MaxComment:
		return nil, &Error{Message: fmt.Sprintf("comment: it has more than %d characters", pipeline.MaxComment)}
	}
	j, err := b.Pipeline.Judge(r.Context(), req.ID, req.Verdict, req.By, req.Comment)
	if errors.Is(err, pipeline.ErrUnknownID) {
		return nil, &Error{Message: "the journal holds no event, decision or action " + req.ID,
			Hint: "give an event (e-), decision (d-) or action (a-) id, as query and timeline show them"}
	}
	return j, err
}

func (b Backend) reload(r *http.Request) (any, error) {
	var req OperatorRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	a, err := b.Reload(r.Context(), req.By)
	if err != nil {
		return nil, &Error{Message: err.Error(), Hint: "the settings in use before stay; run signalbox check to see every problem"}
	}
	return a, nil
}
