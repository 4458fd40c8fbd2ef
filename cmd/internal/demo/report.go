package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
)

// Report is what happened.
type Report struct {
	Campaign string            // transaction id all reports of the feed share
	Timeline []json.RawMessage // index documents, oldest first
	Repeat   string            // answer to the repeated report
	Forgery  string            // answer to the forged one

	Applications []Seen   // what each application has now
	Demanded     []string // users who need a new credential, as the identity provider was told
	Risky        []string // users at high risk, likewise
	Suspended    []string // users whose account the identity provider suspended when called
	Order        string   // that nobody was told of it before

	Counts  Counts
	Slowest time.Duration // from handing a report over to the end of the last session because of it

	Decision string // an id worth explaining: a decision that acted
	Held     string // and an action that the guard held back

	Differences []string // what did not go as it had to; empty is success
}

// Seen is what one application saw.
type Seen struct {
	Name     string
	Sessions []Session
}

// Counts are figures from the product's index.
type Counts struct {
	Accepted  int // tokens
	Refused   int
	Repeated  int
	Decisions int
	Acting    int // decisions that act
	Acked     int // actions taken by their receivers
	Held      int // actions held back by a guard
}

// timelineQuery selects what the story is told by: everything but decisions to do
// nothing and the way stations of actions.
const timelineQuery = `NOT event.dataset:ssf.audit NOT policy.result:no_action NOT action.status:queued NOT action.status:sent NOT action.why:waits*`

// view is what the demo reads of a document.
type view struct {
	Event struct {
		Dataset string `json:"dataset"`
	} `json:"event"`
	Set struct {
		Verdict string `json:"verdict"`
	} `json:"set"`
	Policy struct {
		DecisionID string `json:"decision_id"`
		Result     string `json:"result"`
	} `json:"policy"`
	Action struct {
		ID     string `json:"id"`
		Type   string `json:"type"`
		Guard  string `json:"guard"`
		Status string `json:"status"`
	} `json:"action"`
}

// compare gathers what happened and holds it against what had to happen.
func (p *playing) compare(ctx context.Context) error {
	docs, err := p.search(ctx, "*")
	if err != nil {
		return err
	}
	for _, text := range docs {
		var v view
		if err := json.Unmarshal(text, &v); err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		p.count(&v)
	}
	if p.report.Timeline, err = p.search(ctx, timelineQuery); err != nil {
		return err
	}
	p.checks.equal("counts", p.report.Counts, Counts{
		Accepted: len(sittings) + len(reported), Refused: 1, Repeated: 1,
		Decisions: len(sittings) + len(reported), Acting: len(acted),
		// Two sessions at two applications; a new credential, a risk, a suspended
		// account and the word of that to two applications for each on whom
		// something is done.
		Acked: 2*2 + 2*len(acted) + len(acted) + 2*len(acted),
		// The same about the break-glass account, and stronger authentication,
		// which is asked for from the third user of a campaign on.
		Held: 4,
	})
	for _, a := range p.apps {
		p.compareSessions(a)
		p.checks.equal("tokens refused by "+a.name, a.refusals(), []string(nil))
	}
	p.report.Demanded, p.report.Risky = p.idp.heard()
	p.checks.equal("users who need a new credential", p.report.Demanded, acted)
	p.checks.equal("users at high risk", p.report.Risky, acted)
	p.checks.equal("tokens refused by the identity provider", p.idp.refusals(), []string(nil))
	p.compareSuspensions()
	return nil
}

// compareSuspensions holds that every account was disabled before anybody was
// told that it is.
func (p *playing) compareSuspensions() {
	at := p.idp.suspensions()
	p.report.Suspended = slices.Sorted(maps.Keys(at))
	p.checks.equal("accounts suspended", p.report.Suspended, acted)
	first := time.Duration(-1)
	for user, suspended := range at {
		for _, a := range p.apps {
			told := a.told(user)
			after := told.Sub(suspended)
			p.checks.equal(fmt.Sprintf("%s was told that the account of %s is disabled after it was", a.name, user), !told.IsZero() && after >= 0, true)
			if first < 0 || after < first {
				first = after
			}
		}
	}
	p.report.Order = fmt.Sprintf("the first to be told of it heard so %.1f ms after", float64(first.Microseconds())/1000)
}

// search asks the product's index for everything the query matches.
func (p *playing) search(ctx context.Context, text string) ([]json.RawMessage, error) {
	var docs []json.RawMessage
	for req := (api.QueryRequest{Query: text, Size: 1000, Sort: "@timestamp:asc"}); ; {
		page, err := p.api.Query(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", text, err)
		}
		docs = append(docs, page.Docs...)
		if page.Next == "" {
			return docs, nil
		}
		req.After = page.Next
	}
}

func (p *playing) count(v *view) {
	c := &p.report.Counts
	switch {
	case v.Event.Dataset == "ssf.set" && v.Set.Verdict == "accepted":
		c.Accepted++
	case v.Set.Verdict == "rejected":
		c.Refused++
	case v.Event.Dataset == "ssf.decision":
		c.Decisions++
		if v.Policy.Result == "act" {
			c.Acting++
			if p.report.Decision == "" {
				p.report.Decision = v.Policy.DecisionID
			}
		}
	case v.Action.Status == "acked":
		c.Acked++
	case v.Action.Status == "held":
		c.Held++
		p.checks.equal("guard of "+v.Action.ID, v.Action.Guard, "protected")
		if v.Action.Type == "revoke-session" {
			p.report.Held = v.Action.ID
		}
	}
}

// compareSessions holds the sessions of an application against the story.
func (p *playing) compareSessions(a *application) {
	list := a.list()
	p.report.Applications = append(p.report.Applications, Seen{a.name, list})
	for _, s := range list {
		i := slices.IndexFunc(sittings, func(x sitting) bool { return x.id == s.ID })
		p.checks.equal(fmt.Sprintf("session %s at %s has ended", s.ID, a.name), !s.Ended.IsZero(), sittings[i].ends)
		if !s.Ended.IsZero() {
			p.report.Slowest = max(p.report.Slowest, s.Ended.Sub(p.alerts[s.User].at))
		}
	}
	p.checks.equal("sessions at "+a.name, len(list), len(sittings))
}

// checks collects what did not go as it had to.
type checks []string

func (c *checks) equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		*c = append(*c, fmt.Sprintf("%s: %+v, should be %+v", what, got, want))
	}
}
