package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

const streamHelp = `
Drives a stream at any transmitter of the Shared Signals Framework, one operation
of its management API at a time.

  list       the streams of ours there
  create     make one: as the source is configured, or by --events, --push, --description
  read       one configuration
  update     change what flags name (PATCH)
  replace    set all of what a receiver may say (PUT): what is not named is deleted
  status     whether it sends; --set enabled, paused or disabled, with --reason
  verify     ask for a verification event; --state goes along
  subjects   --add and --remove subjects, as keys or as JSON
  delete     end it

Without --stream, the one that the source uses, or the only one there is. While the
product runs, it brings what update and replace change on its own stream back to
what is configured. A success of subjects does not promise that events come.
` + reachHelp + `
Ends with 0 when the transmitter did it, with 1 when it did not or will later.

`

// subs are the commands of stream.
var subs = []string{"list", "create", "read", "update", "replace", "status", "verify", "subjects", "delete"}

// runStream drives the management API of a transmitter.
func runStream(ctx context.Context, c *call) error {
	r := c.reachFlags()
	s := stream{call: c}
	c.flags.StringVar(&s.id, "stream", "", "`id` of the stream")
	c.flags.StringVar(&s.events, "events", "", "create, update, replace: `names` or URIs of events to request, with commas")
	c.flags.StringVar(&s.push, "push", "", "create, update, replace: deliver by push to this `URL`; the Authorization to send comes from "+envPushSecret)
	c.flags.BoolVar(&s.poll, "poll", false, "create, update, replace: deliver by poll")
	c.flags.StringVar(&s.description, "description", "", "create, update, replace: `words`")
	c.flags.StringVar(&s.set, "set", "", "status: the `status` to ask for: "+either(client.Statuses))
	c.flags.StringVar(&s.reason, "reason", "", "status: `why`")
	c.flags.StringVar(&s.state, "state", "", "verify: `text` to come back; a running source refuses one it did not ask for")
	c.flags.Func("add", "subjects: `subject` to add; may be given again", func(v string) error { s.add = append(s.add, v); return nil })
	c.flags.Func("remove", "subjects: `subject` to remove; may be given again", func(v string) error { s.remove = append(s.remove, v); return nil })
	yes := c.flags.Bool("yes", false, "delete: do not ask")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	s.json = *format == "json"
	if len(rest) == 0 {
		return usagef("say what to do: %s", either(subs))
	}
	if !slices.Contains(subs, rest[0]) {
		return usagef("unknown command %q: %s", rest[0], either(subs))
	}
	if len(rest) != 2 {
		return usagef("give one transmitter: the name of a source, or the URL of an issuer")
	}
	if err := s.check(rest[0]); err != nil {
		return err
	}
	if s.tx, err = r.open(rest[1]); err != nil {
		return err
	}
	if rest[0] == "delete" && !*yes {
		if err := c.confirm("delete", "a stream", "the stream at "+s.tx.Issuer()); err != nil {
			return err
		}
	}
	return s.do(ctx, rest[0])
}

// stream is the verb's work.
type stream struct {
	*call
	tx   *transmitter
	json bool

	id, events, push, description string
	set, reason, state            string
	poll                          bool
	add, remove                   []string
}

// check finds what is wrong with the flags before anybody is called.
func (s *stream) check(do string) error {
	_, err := s.named()
	switch {
	case err != nil:
		return err
	case s.set != "":
		return oneOf("set", s.set, client.Statuses...)
	case s.push != "" && s.poll:
		return usagef("--push and --poll: a stream is delivered one way")
	case do == "subjects" && len(s.add)+len(s.remove) == 0:
		return usagef("give --add or --remove")
	case do == "update" && s.events == "" && s.push == "" && !s.poll && s.description == "":
		return usagef("say what to change: --events, --push, --poll or --description")
	}
	_, err = s.subjects(append(s.add, s.remove...))
	return err
}

// named is what the flags say of a stream.
func (s *stream) named() (w client.Wanted, err error) {
	for _, name := range strings.FieldsFunc(s.events, func(r rune) bool { return r == ',' }) {
		_, uri, err := eventArg(name)
		if err != nil {
			return w, err
		}
		w.Events = append(w.Events, uri)
	}
	switch {
	case s.push != "":
		secret, _ := s.Env(envPushSecret)
		w.Delivery = &client.Delivery{Method: ssf.DeliveryPush, Endpoint: s.push, Authorization: secret}
	case s.poll:
		w.Delivery = &client.Delivery{Method: ssf.DeliveryPoll}
	}
	if s.description != "" {
		w.Description = &s.description
	}
	return w, nil
}

// wanted is named, with what the configuration says of the rest.
func (s *stream) wanted() (client.Wanted, error) {
	w, err := s.named()
	if s.tx.source == "" || err != nil {
		return w, err
	}
	all := s.tx.conf.Wanted(s.tx.source)
	if w.Events == nil {
		w.Events = all.Events
	}
	if w.Delivery == nil {
		w.Delivery = all.Delivery
	}
	if w.Description == nil {
		w.Description = all.Description
	}
	return w, nil
}

func (s *stream) subjects(texts []string) (list []event.Subject, err error) {
	for _, text := range texts {
		subject, err := subjectArg(text)
		if err != nil {
			return nil, usagef("subject %q: %v", text, err)
		}
		list = append(list, subject)
	}
	return list, nil
}

func (s *stream) do(ctx context.Context, do string) error {
	switch do {
	case "list":
		return s.list(ctx)
	case "create":
		w, err := s.wanted()
		if err != nil {
			return err
		}
		st, err := s.tx.Create(ctx, w)
		if e := (*client.AudienceError)(nil); errors.As(err, &e) {
			fmt.Fprintf(s.Err, "Note: %v\n", plain(err.Error()))
			err = nil
		}
		return s.show(st, err)
	}
	id, err := s.tx.streamID(ctx, s.id)
	if err != nil {
		return err
	}
	switch do {
	case "read":
		return s.show(s.tx.Read(ctx, id))
	case "update":
		w, err := s.named()
		if err != nil {
			return err
		}
		return s.show(s.tx.Update(ctx, id, w))
	case "replace":
		w, err := s.wanted()
		if err != nil {
			return err
		}
		return s.show(s.tx.Replace(ctx, id, w))
	case "status":
		return s.status(ctx, id)
	case "verify":
		return s.done(s.tx.Verify(ctx, id, s.state), id, "verification", "a verification event was promised for stream "+id)
	case "subjects":
		return s.change(ctx, id)
	}
	return s.done(s.tx.Delete(ctx, id), id, "deleted", "deleted stream "+id)
}

// later says of what is not done yet how to learn its outcome.
func later(err error) error {
	if errors.Is(err, client.ErrPending) {
		return fmt.Errorf("%w: give the same command again to learn the outcome", err)
	}
	return err
}

func (s *stream) list(ctx context.Context) error {
	list, err := s.tx.List(ctx)
	if err != nil {
		return err
	}
	if s.json {
		texts := make([]json.RawMessage, len(list))
		for i, st := range list {
			texts[i] = st.Text
		}
		return writeJSON(s.Out, texts)
	}
	if len(list) == 0 {
		fmt.Fprintln(s.Out, "There is no stream of ours.")
		return nil
	}
	rows := make([][]string, len(list))
	for i, st := range list {
		rows[i] = []string{st.ID, method(st.Method), fmt.Sprint(len(st.EventsDelivered)), strings.Join(st.Audience, ", "), st.Description}
	}
	return table(s.Out, []string{"STREAM", "DELIVERY", "EVENTS", "AUDIENCE", "DESCRIPTION"}, rows)
}

func method(uri string) string {
	switch uri {
	case ssf.DeliveryPush:
		return "push"
	case ssf.DeliveryPoll:
		return "poll"
	}
	return uri
}

// show prints a configuration.
func (s *stream) show(st *client.Stream, err error) error {
	if err != nil {
		return later(err)
	}
	if s.json {
		return writeJSON(s.Out, st.Text)
	}
	given := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	for _, line := range [][2]string{
		{"stream", st.ID}, {"issuer", st.Issuer}, {"audience", strings.Join(st.Audience, ", ")}, {"delivery", method(st.Method)},
		{"endpoint", withoutQuery(st.Endpoint)}, {"description", st.Description},
		{"verification at most every", given(st.VerifyEvery)}, {"inactivity time-out", given(st.InactivityTimeout)},
		{"delivers", names(st.EventsDelivered)}, {"requested", names(st.EventsRequested)}, {"supports", names(st.EventsSupported)},
	} {
		if line[1] != "" {
			fmt.Fprintf(s.Out, "%-27s %s\n", line[0], plain(line[1]))
		}
	}
	return nil
}

// withoutQuery leaves out what may be a capability.
func withoutQuery(url string) string {
	at, _, found := strings.Cut(url, "?")
	if found {
		at += "?..."
	}
	return at
}

// names are events by name, where they have one.
func names(uris []string) string {
	list := make([]string, len(uris))
	for i, uri := range uris {
		list[i] = uri
		if t, _ := event.Lookup(uri, ""); t != event.Unknown {
			list[i] = t.Name
		}
	}
	return strings.Join(list, ", ")
}

func (s *stream) status(ctx context.Context, id string) error {
	var st client.Status
	var err error
	if s.set != "" {
		st, err = s.tx.SetStatus(ctx, id, s.set, s.reason)
	} else {
		st, err = s.tx.Status(ctx, id)
	}
	if err != nil {
		return later(err)
	}
	if s.json {
		return writeJSON(s.Out, st)
	}
	text := st.Status
	if st.Reason != "" {
		text += ": " + st.Reason
	}
	fmt.Fprintf(s.Out, "stream %s is %s\n", plain(id), plain(text))
	return nil
}

// change adds and removes subjects, and stops at the first that is refused.
func (s *stream) change(ctx context.Context, id string) error {
	add, err := s.subjects(s.add)
	if err != nil {
		return err
	}
	remove, err := s.subjects(s.remove)
	if err != nil {
		return err
	}
	for _, x := range add {
		if err := s.tx.AddSubject(ctx, id, x, nil); err != nil {
			return fmt.Errorf("%s: %w", x.Key(), err)
		}
	}
	for _, x := range remove {
		if err := s.tx.RemoveSubject(ctx, id, x); err != nil {
			return fmt.Errorf("%s: %w", x.Key(), err)
		}
	}
	return s.done(nil, id, "subjects", fmt.Sprintf("%d added, %d removed", len(add), len(remove)))
}

// done prints that something without an answer of its own was done.
func (s *stream) done(err error, id, what, text string) error {
	if err != nil {
		return later(err)
	}
	if s.json {
		return writeJSON(s.Out, map[string]string{"stream_id": id, "done": what})
	}
	fmt.Fprintln(s.Out, plain(text))
	return nil
}
