package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// The people of the story. Times are minutes before the alert.
const (
	jane       = "jane@example.com"
	omar       = "omar@example.com"
	li         = "li@example.com"
	sam        = "sam@example.com"
	dana       = "dana@example.com"
	breakGlass = "break-glass@example.com"

	exposedFor = 40 * time.Minute // how long the phishing kit has been collecting
)

// sitting is a session that lasts when the story begins.
type sitting struct {
	user string
	id   string
	age  time.Duration
	ends bool // what has to become of it
}

// sittings are the sessions, at each application. Of the reported users, those
// begun since the exposure have to end, but not the protected one's.
var sittings = []sitting{
	{jane, "laptop-of-jane", 180 * time.Minute, false}, // her own, older than the exposure
	{jane, "second-of-jane", 12 * time.Minute, true},   // somebody with her password
	{omar, "laptop-of-omar", 25 * time.Minute, true},
	{li, "laptop-of-li", 120 * time.Minute, false},
	{breakGlass, "console", 30 * time.Minute, false}, // held back by the guard
	{sam, "laptop-of-sam", 15 * time.Minute, false},  // not in the campaign
}

// reported are the users of the campaign, in the order of the feed.
var reported = []string{jane, omar, breakGlass, li}

// acted are those of them on whom something may be done without a person.
var acted = []string{jane, li, omar} // sorted

// Story tells what is about to happen, for people, in lines of text.
const Story = `Five people are signed in to mail and files. A phishing kit has been collecting passwords for
40 minutes, and the threat feed reports four of them, as one campaign. Jane has two sessions: hers is
older than that, the other is somebody with her password. Omar's is younger, too, Li's is older. The
fourth is the break-glass account, which the configuration protects. The feed repeats its first
report, as a sender does that missed the answer, and somebody puts another name into a genuine one.`

// alert is one report of the feed on its way.
type alert struct {
	token []byte
	at    time.Time // when it was handed over
}

// playing is the state of a performance.
type playing struct {
	*Stage
	campaign string
	alerts   map[string]alert // by user
	checks   checks
	report   *Report
}

// patience bounds the whole story, which takes a second unless the machine stands
// still.
const patience = 2 * time.Minute

// Play performs the story once and reports what happened. An error means that it
// could not be played to its end; that it ended otherwise than it should is told
// by Report.Differences.
func (s *Stage) Play(ctx context.Context) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := &playing{Stage: s, campaign: "campaign-" + rand.Text()[:6], alerts: map[string]alert{}, report: &Report{}}
	p.report.Campaign = p.campaign
	for _, act := range []func(context.Context) error{p.signIn, p.raiseAlarm, p.repeat, p.forge, p.compare} {
		if err := act(ctx); err != nil {
			return nil, err
		}
	}
	p.report.Differences = p.checks
	return p.report, nil
}

// signIn establishes the sessions everywhere.
func (p *playing) signIn(ctx context.Context) error {
	now := time.Now()
	for _, s := range sittings {
		if err := p.idp.signIn(ctx, Session{User: s.user, ID: s.id, Began: now.Add(-s.age).Truncate(time.Second)}); err != nil {
			return err
		}
	}
	return nil
}

// raiseAlarm reports the campaign and waits until everything was done about it.
func (p *playing) raiseAlarm(ctx context.Context) error {
	exposed := time.Now().Add(-exposedFor)
	for i, user := range reported {
		subject, err := event.NewSimple("email", "email", user)
		if err != nil {
			return err
		}
		token, err := p.feed.sign(statement{
			jti: fmt.Sprintf("%s-%d", p.campaign, i+1), txn: p.campaign, event: "credential-compromise", subject: subject,
			body: map[string]any{
				"credential_type": "password", "event_timestamp": exposed.Unix(),
				"reason_admin": map[string]string{"en": "phishing kit"},
			},
		})
		if err != nil {
			return err
		}
		p.alerts[user] = alert{token, time.Now()}
		a, err := p.feed.push(ctx, token)
		if err != nil {
			return err
		}
		p.checks.equal("answer to the report about "+user, a.status, http.StatusAccepted)
	}
	return p.settle(ctx)
}

// settle waits until everything is delivered and indexed.
func (p *playing) settle(ctx context.Context) error {
	if err := p.product.Settled(ctx); err != nil {
		return fmt.Errorf("not everything was delivered and indexed in time: %w", err)
	}
	return nil
}

// repeat hands the first report over again.
func (p *playing) repeat(ctx context.Context) error {
	before, err := p.api.Status(ctx)
	if err != nil {
		return err
	}
	a, err := p.feed.push(ctx, p.alerts[reported[0]].token)
	if err != nil {
		return err
	}
	after, err := p.api.Status(ctx)
	if err != nil {
		return err
	}
	p.checks.equal("answer to the repeated report", a.status, http.StatusAccepted)
	p.checks.equal("journal records because of the repeated report", after.Journal.Last-before.Journal.Last, uint64(0))
	p.report.Repeat = fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	p.report.Counts.Repeated++
	return nil
}

// forge hands a genuine report over with another name in it.
func (p *playing) forge(ctx context.Context) error {
	token, err := forge(p.alerts[jane].token, jane, dana)
	if err != nil {
		return err
	}
	a, err := p.feed.push(ctx, token)
	if err != nil {
		return err
	}
	p.checks.equal("answer to the forged report", a.status, http.StatusBadRequest)
	p.checks.equal("error code of the forged report", a.Code, "authentication_failed")
	p.report.Forgery = fmt.Sprintf("%d %s: %s", a.status, a.Code, a.Description)
	return p.settle(ctx)
}
