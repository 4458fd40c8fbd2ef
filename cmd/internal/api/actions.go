package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// WaitingAction is an action, or one part of it, that waits for a person.
type WaitingAction struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Rule     string          `json:"rule"`
	Severity string          `json:"severity,omitempty"`
	Subject  string          `json:"subject"`        // canonical key
	Name     string          `json:"name,omitempty"` // of the user or device, for people
	Reason   string          `json:"reason"`
	Status   pipeline.Status `json:"status"`           // held, pending_approval or dead
	Guard    string          `json:"guard,omitempty"`  // what holds it
	Why      string          `json:"why,omitempty"`    // one sentence on that
	Target   string          `json:"target,omitempty"` // of the part in question; "" is the whole action
	Since    time.Time       `json:"since"`
	Expires  time.Time       `json:"expires,omitzero"`
	Parts    []ActionPart    `json:"parts"` // what goes out when it is released, in order

	Same *pipeline.SameDone `json:"same,omitempty"` // another action that did the same since; this one was asked for later, or is dead
}

// ActionPart is what one target gets of an action.
type ActionPart struct {
	Target string          `json:"target,omitempty"`
	Event  string          `json:"event,omitempty"`  // what is stated, or
	Method string          `json:"method,omitempty"` // what is called
	Path   string          `json:"path,omitempty"`
	Call   bool            `json:"call,omitempty"`
	After  int             `json:"after,omitempty"`  // calls that must be taken before
	Status pipeline.Status `json:"status,omitempty"` // where it stands
	Why    string          `json:"why,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"` // for one action only, not in lists
}

// ActionsRequest says which waiting actions are asked for; empty is all.
type ActionsRequest struct {
	Status string // held, pending_approval or dead
	Rule   string
	Guard  string
	Limit  int // 0: 1000
}

// ActionsAnswer lists waiting actions, oldest first.
type ActionsAnswer struct {
	Total   int             `json:"total"` // that match, beyond the limit too
	Actions []WaitingAction `json:"actions"`
}

// ActionAnswer is all there is about one action.
type ActionAnswer struct {
	ID      string          `json:"id"`
	Waiting []WaitingAction `json:"waiting"` // empty: nothing of it waits for a person
	History []ActionState   `json:"history"` // from the journal, oldest first
}

// ActionState is a state an action, or one part of it, came to.
type ActionState struct {
	At      time.Time       `json:"at"`
	By      string          `json:"by,omitempty"` // the person who brought it there
	Comment string          `json:"comment,omitempty"`
	Action  pipeline.Action `json:"action"`
}

// JudgeRequest releases, rejects or retries actions.
type JudgeRequest struct {
	IDs       []string `json:"ids"`
	By        string   `json:"by"`
	Comment   string   `json:"comment,omitempty"`
	Protected bool     `json:"protected,omitempty"` // also where the subject has become protected since
}

// JudgeAnswer is what became of each, in the order asked.
type JudgeAnswer struct {
	Results []JudgeResult `json:"results"`
}

// JudgeResult is what became of one action.
type JudgeResult struct {
	ID      string       `json:"id"`
	Done    bool         `json:"done"`
	Problem string       `json:"problem,omitempty"` // why it was not done
	Type    string       `json:"type,omitempty"`
	Name    string       `json:"name,omitempty"`  // whom it is about
	Guard   string       `json:"guard,omitempty"` // what had held it
	Why     string       `json:"why,omitempty"`   // one sentence on that
	Parts   []ActionPart `json:"parts,omitempty"` // where its parts stand now
}

// Bounds of what is asked at once.
const (
	maxJudged  = 1000
	maxActions = 1000
)

func waitingAction(w pipeline.Waiting, bodies bool) WaitingAction {
	a := w.Action
	v := WaitingAction{
		ID: a.ID, Type: a.Type, Rule: a.Rule, Severity: a.Severity, Subject: a.Key, Name: nameOf(a), Reason: a.Reason,
		Status: a.Status, Guard: a.Guard, Why: a.Why, Target: a.Target, Since: w.Since, Expires: a.Expires, Parts: []ActionPart{}, Same: w.Same,
	}
	for _, part := range w.Parts {
		p := PartOf(part)
		p.Status, p.Why = "", ""
		if bodies {
			p.Body = part.Body
		}
		v.Parts = append(v.Parts, p)
	}
	return v
}

// PartOf is the part of an action in the state it has.
func PartOf(a pipeline.Action) ActionPart {
	p := ActionPart{Target: a.Target, Event: a.Emits, After: a.After, Status: a.Status, Why: a.Why}
	if a.Call != nil {
		p.Call, p.Method, p.Path = true, a.Call.Method, a.Call.Path
	}
	return p
}

// nameOf is whom an action is about, for people.
func nameOf(a pipeline.Action) string {
	for _, e := range []*pipeline.EntityPart{a.User, a.Device, a.Session} {
		if e != nil && e.Name != "" {
			return e.Name
		}
	}
	_, value, _ := strings.Cut(a.Key, ":")
	return value
}

// actions lists what waits for a person.
func (b Backend) actions(r *http.Request) (any, error) {
	q := r.URL.Query()
	status, rule, guard := q.Get("status"), q.Get("rule"), q.Get("guard")
	if status != "" && !slices.Contains(pipeline.WaitingStatuses, pipeline.Status(status)) {
		return nil, &Error{Message: fmt.Sprintf("status: no action waits as %q", status),
			Hint: "held, pending_approval or dead; what became of others tells signalbox query 'action.status:...'"}
	}
	limit := maxActions
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, &Error{Message: "limit: give a number from 1"}
		}
		limit = min(n, maxActions)
	}
	a := ActionsAnswer{Actions: []WaitingAction{}}
	err := b.Pipeline.Waiting(r.Context(), func(w pipeline.Waiting) bool {
		if (status == "" || string(w.Action.Status) == status) && (rule == "" || w.Action.Rule == rule) && (guard == "" || w.Action.Guard == guard) {
			a.Actions = append(a.Actions, waitingAction(w, false))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(a.Actions, func(x, y WaitingAction) int { return x.Since.Compare(y.Since) })
	a.Total = len(a.Actions)
	a.Actions = a.Actions[:min(a.Total, limit)]
	return a, nil
}

// action tells all there is about one action.
func (b Backend) action(r *http.Request) (any, error) {
	id := r.PathValue("id")
	a := ActionAnswer{ID: id, Waiting: []WaitingAction{}, History: []ActionState{}}
	list, err := b.Pipeline.WaitingOf(r.Context(), id)
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		a.Waiting = append(a.Waiting, waitingAction(w, true))
	}
	found, err := b.Pipeline.Find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		for _, state := range f.Record.Actions {
			if state.ID != id {
				continue
			}
			s := ActionState{At: f.Record.At, Action: state}
			if o := f.Record.Operator; o != nil {
				s.By, s.Comment = o.By, o.Comment
			}
			a.History = append(a.History, s)
		}
	}
	if len(a.Waiting)+len(a.History) == 0 {
		return nil, &Error{Message: "there is no action " + id, Hint: "give an action id (a-), as signalbox action list, query and timeline show them"}
	}
	return a, nil
}

// judgeActions carries one command out for each of the ids, each in a
// transaction of its own.
func (b Backend) judgeActions(f func(context.Context, string, pipeline.Approval) ([]pipeline.Released, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var req JudgeRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		switch {
		case req.By == "" || utf8.RuneCountInString(req.By) > pipeline.MaxBy:
			return nil, &Error{Message: fmt.Sprintf("by: say who gives the command, in at most %d characters", pipeline.MaxBy)}
		case utf8.RuneCountInString(req.Comment) > pipeline.MaxComment:
			return nil, &Error{Message: fmt.Sprintf("comment: it has more than %d characters", pipeline.MaxComment)}
		case len(req.IDs) == 0 || len(req.IDs) > maxJudged:
			return nil, &Error{Message: fmt.Sprintf("ids: name from 1 to %d actions", maxJudged)}
		}
		a := JudgeAnswer{}
		for _, id := range req.IDs {
			done, err := f(r.Context(), id, pipeline.Approval{By: req.By, Comment: req.Comment, Protected: req.Protected})
			if refused, ok := errors.AsType[*pipeline.RefusedError](err); ok {
				a.Results = append(a.Results, JudgeResult{ID: id, Problem: refused.Why})
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, d := range done {
				res := JudgeResult{ID: id, Done: true, Type: d.Action.Type, Name: nameOf(d.Action), Guard: d.Action.Guard, Why: d.Action.Why}
				for _, part := range d.Parts {
					res.Parts = append(res.Parts, PartOf(part))
				}
				a.Results = append(a.Results, res)
			}
		}
		return a, nil
	}
}

// Actions lists what waits for a person.
func (c *Client) Actions(ctx context.Context, r ActionsRequest) (a ActionsAnswer, err error) {
	v := url.Values{}
	for name, value := range map[string]string{"status": r.Status, "rule": r.Rule, "guard": r.Guard} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if r.Limit > 0 {
		v.Set("limit", strconv.Itoa(r.Limit))
	}
	return a, c.do(ctx, http.MethodGet, "/v1/actions", v, nil, &a)
}

// Action tells all there is about one action.
func (c *Client) Action(ctx context.Context, id string) (a ActionAnswer, err error) {
	return a, c.do(ctx, http.MethodGet, "/v1/actions/"+url.PathEscape(id), nil, nil, &a)
}

// JudgeActions carries out a verb about actions: approve, reject or retry.
func (c *Client) JudgeActions(ctx context.Context, verb string, r JudgeRequest) (a JudgeAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/actions/"+verb, nil, r, &a)
}
