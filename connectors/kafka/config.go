package kafka

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// SourceConfig configures a source "kafka".
//
//	source "kafka" "edr" {
//	  brokers = ["localhost:9092"]
//	  group   = "signalbox"
//	  topic "crowdstrike.alerts" { mapping = "crowdstrike" }
//	  topic "sets"               { verify = "set" }
//	}
type SourceConfig struct {
	Brokers        []string `hcl:"brokers"`                  // host:port of some; the others are learned from them
	Group          string   `hcl:"group"`                    // consumer group
	ClientID       string   `hcl:"client_id,optional"`       // "signalbox"
	AllowPlaintext bool     `hcl:"allow_plaintext,optional"` // without TLS to brokers elsewhere
	TLS            *TLS     `hcl:"tls,block"`
	SASL           *SASL    `hcl:"sasl,block"`

	Topics []Topic `hcl:"topic,block"`
	Start  string  `hcl:"start,optional"` // where a partition begins that the group never read: earliest, latest
	// MaxBytes is how much is fetched of one partition at once; a longer record
	// comes alone.
	MaxBytes   int    `hcl:"max_bytes,optional"`   // 1 MiB
	DeadLetter string `hcl:"dead_letter,optional"` // topic for records that are refused

	// Remit is what records read by a mapping may cause, and MaxAge when an
	// event of them is too old to act on its own.
	Remit  *kind.Remit   `hcl:"remit,block"`
	MaxAge time.Duration `hcl:"max_age,optional"`
}

// Topic is a topic, or several, and how its records are read.
type Topic struct {
	Name    string `hcl:"name,label"`
	Pattern bool   `hcl:"pattern,optional"` // the name is a regular expression (RE2) of whole names
	Verify  string `hcl:"verify,optional"`  // set, or channel: read by the mapping
	Mapping string `hcl:"mapping,optional"`
}

// How records of a topic are believed.
const (
	verifySet     = "set"
	verifyChannel = "channel"
)

var (
	_ kind.SourceConfig = (*SourceConfig)(nil)
	_ kind.Channel      = (*SourceConfig)(nil)
)

// Trust implements kind.Channel.
func (c *SourceConfig) Trust() (*kind.Remit, time.Duration) { return c.Remit, c.MaxAge }

func (c *SourceConfig) connection() connection {
	return connection{c.Brokers, c.ClientID, c.AllowPlaintext, c.TLS, c.SASL}
}

func (c *SourceConfig) maxBytes() (int, *kind.FieldError) {
	return kind.Between("max_bytes", c.MaxBytes, 1<<20, 16<<10, 16<<20)
}

// topicName is what a topic may be called.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

const howTopic = "Use letters, digits, dots, dashes and underscores, at most 249."

func validTopic(name string) bool { return topicName.MatchString(name) && name != "." && name != ".." }

// expression is the regular expression of the topics' names.
func (t *Topic) expression() (*regexp.Regexp, error) {
	if !t.Pattern {
		return regexp.Compile("^" + regexp.QuoteMeta(t.Name) + "$")
	}
	return regexp.Compile("^(?:" + t.Name + ")$")
}

// Validate implements kind.SourceConfig.
func (c *SourceConfig) Validate() []kind.FieldError {
	problems := c.connection().problems()
	add := problems.Add
	if c.Group == "" || len(c.Group) > 249 {
		add("group", "no consumer group", "Name the group whose members share the partitions; it keeps their positions, so it stays the same from start to start.")
	}
	if !slices.Contains([]string{"", "earliest", "latest"}, c.Start) {
		add("start", fmt.Sprintf("unknown start %q", c.Start), `Use "earliest", which reads what is there already, or "latest".`)
	}
	_, outside := c.maxBytes()
	problems.Note(outside)
	if len(c.Topics) == 0 {
		add("", "no topic", `Add a block such as topic "alerts" { mapping = "crowdstrike" }.`)
	}
	seen, mapped := map[string]bool{}, false
	for i := range c.Topics {
		t, at := &c.Topics[i], fmt.Sprintf("topic[%d]", i)
		expr, err := t.expression()
		switch {
		case err != nil:
			add(at+"#name", "invalid pattern of topics", "It is no regular expression in RE2 syntax: "+err.Error()+".")
		case !t.Pattern && !validTopic(t.Name):
			add(at+"#name", fmt.Sprintf("invalid topic %q", t.Name), howTopic+" For several topics, add pattern = true.")
		case seen[t.Name]:
			add(at+"#name", fmt.Sprintf("topic %q given twice", t.Name), "Once is enough.")
		case c.DeadLetter != "" && expr.MatchString(c.DeadLetter):
			add("dead_letter", "dead_letter is read by this source", fmt.Sprintf("What is refused would come back for ever: choose a topic that %q does not take in.", t.Name))
		}
		seen[t.Name] = true
		problems = append(problems, t.problems(at)...)
		mapped = mapped || t.Mapping != ""
	}
	if c.DeadLetter != "" && !validTopic(c.DeadLetter) {
		add("dead_letter", fmt.Sprintf("invalid topic %q", c.DeadLetter), howTopic)
	}
	if !mapped && (c.Remit != nil || c.MaxAge != 0) {
		add("", "remit without a mapping", "What tokens may cause is said in the block of their issuer; a remit here is for records that a mapping reads.")
	}
	return problems
}

func (t *Topic) problems(at string) []kind.FieldError {
	problem := func(field, summary, detail string) []kind.FieldError {
		return []kind.FieldError{{Field: join(at, field), Summary: summary, Detail: detail}}
	}
	switch {
	case !slices.Contains([]string{"", verifySet, verifyChannel}, t.Verify):
		return problem("verify", fmt.Sprintf("unknown way to verify %q", t.Verify), `Use "set" for signed tokens, or "channel" for records that a mapping reads.`)
	case t.Verify == verifySet && t.Mapping != "":
		return problem("mapping", "mapping of tokens", `A SET says itself what it states: leave out the mapping, or use verify = "channel".`)
	case t.Verify != verifySet && t.Mapping == "":
		return problem("", "topic without a mapping", `Name the mapping that reads its records, such as mapping = "crowdstrike", or write verify = "set" if they are signed tokens.`)
	}
	return nil
}

// Open implements kind.SourceConfig. It reads the files of certificates.
func (c *SourceConfig) Open(env kind.Env) (pipeline.Source, error) {
	opts, err := c.connection().options(env)
	if err != nil {
		return nil, fmt.Errorf("kafka source: %w", err)
	}
	s := newSource(c, env, opts)
	if c.DeadLetter != "" {
		if s.letter, err = newProducer(opts, c.DeadLetter, sendTime, letter); err != nil {
			return nil, fmt.Errorf("kafka source: dead_letter: %w", err)
		}
	}
	return s, nil
}

// rule says how records of a topic are read; label is what stands in the
// configuration for it.
type rule struct {
	label   string
	expr    *regexp.Regexp
	exact   bool
	mapping string
}

func (c *SourceConfig) rules() []rule {
	list := make([]rule, len(c.Topics))
	for i := range c.Topics {
		t := &c.Topics[i]
		expr, _ := t.expression() // was validated
		list[i] = rule{t.Name, expr, !t.Pattern, t.Mapping}
	}
	// A name given in full goes before patterns.
	slices.SortStableFunc(list, func(a, b rule) int {
		switch {
		case a.exact == b.exact:
			return 0
		case a.exact:
			return -1
		}
		return 1
	})
	return list
}

// internal are topics of Kafka's own, which no pattern takes in.
func internal(topic string) bool { return strings.HasPrefix(topic, "__") }

// Reads reports whether the source reads from a place, a broker and a topic.
func (c *SourceConfig) Reads(place string) bool {
	broker, topic, _ := strings.Cut(place, "/")
	return slices.Contains(c.Brokers, broker) && slices.ContainsFunc(c.Topics, func(t Topic) bool {
		expr, err := t.expression()
		return err == nil && expr.MatchString(topic)
	})
}
