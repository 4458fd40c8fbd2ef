package app

import (
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/policies"
)

// Check reads configuration and policies and reports every problem of both in
// one list. Files they name are read; no network is touched.
func Check(path string, env config.Env) diag.List {
	_, list := read(Options{Config: path, Env: env})
	return list
}

// read loads configuration and policies; the generation is nil when the list
// has errors.
func read(o Options) (*generation, diag.List) {
	cfg, list := config.Load(o.Config, o.Env)
	rules, problems := policies.Load(policyFiles(cfg), policyOptions(cfg))
	list = append(list, fromPolicies(cfg, problems)...)
	maps, found := loadMappings(cfg)
	list = append(list, found...)
	list = append(list, surroundings(cfg)...)
	if !list.HasErrors() {
		asked := askedFor(rules)
		list = append(list, cfg.Unrouted(asked)...)
		list = append(list, cfg.Unasked(asked)...)
		list = append(list, cfg.UnknownNotifyRules(ruleNames(rules))...)
	}
	list.Sort()
	if list.HasErrors() {
		return nil, list
	}
	return &generation{cfg: cfg, rules: rules, maps: maps, now: o.Now}, list
}

func ruleNames(rules *policies.Set) (names []string) {
	for _, r := range rules.Rules() {
		names = append(names, r.Name)
	}
	return names
}

// askedFor maps action types to the enabled rules whose text names them.
func askedFor(rules *policies.Set) map[string][]string {
	asked := map[string][]string{}
	for _, r := range rules.Rules() {
		for _, a := range r.Actions {
			if !r.Disabled {
				asked[a] = append(asked[a], r.Name)
			}
		}
	}
	return asked
}

// load is read for those who run: warnings are logged, errors end it.
func load(o Options) (*generation, error) {
	g, list := read(o)
	if g == nil {
		return nil, list
	}
	for _, d := range list {
		o.Log.Warn("configuration", "at", d.At(), "problem", d.Summary, "detail", d.Line())
	}
	return g, nil
}

// settings makes what the pipeline of a running product works by.
func (a *App) settings(g *generation) (pipeline.Settings, error) {
	g.feeds = &a.feeds
	s, err := settings(g, a.drill.Speaker())
	if err == nil {
		a.drill.Join(&s)
	}
	return s, err
}

// settings makes what a pipeline works by; the issuers are accepted beside those
// of the configuration.
func settings(g *generation, more ...set.Issuer) (pipeline.Settings, error) {
	cfg := g.cfg
	verifier, err := verifierOf(g, more)
	if err != nil {
		return pipeline.Settings{}, err
	}
	s := pipeline.Settings{
		Verifier:   pipeline.Channels{Tokens: verifier},
		Normalizer: pipeline.Records{Tokens: pipeline.Statements{}, Mapping: g.maps.Normalizer},
		Decider:    g.rules,
		Remits:     make(map[string]pipeline.Remit, len(cfg.Issuers)), Actions: make(map[string]pipeline.ActionType, len(cfg.Actions)),
		Limit: cfg.Guards.Limit, MaxHops: cfg.Guards.MaxDepth,
		Quarantine: pipeline.Quarantine(cfg.Quarantine),
	}
	for _, i := range cfg.Issuers {
		s.Remits[i.URL] = pipeline.Remit{
			Events: i.Remit.Events, Subjects: i.Remit.Subjects, Actions: i.Remit.Actions,
			Links: i.Remit.Links == "own-subjects", MaxAge: i.MaxAge,
		}
	}
	for _, src := range cfg.Sources {
		if len(src.Mapped) > 0 {
			s.Remits[src.Name] = pipeline.Remit{
				Events: src.Remit.Events, Subjects: src.Remit.Subjects, Actions: src.Remit.Actions,
				Links: src.Remit.Links == "own-subjects", MaxAge: src.MaxAge,
			}
		}
	}
	s.Share = share(s.Limit, s.Remits)
	for name, a := range cfg.Actions {
		s.Actions[name] = actionType(a)
	}
	for _, p := range cfg.Protect {
		s.Protect = append(s.Protect, pipeline.Protection{Subjects: p.Subjects, Reason: p.Reason})
	}
	s.Sinks = make([]string, 0, len(cfg.Sinks))
	for _, sink := range cfg.Sinks {
		s.Sinks = append(s.Sinks, sink.Name)
		if own, ok := sink.Config.(kind.Stater); ok {
			s.Own = append(s.Own, own.SigningIssuer())
		}
	}
	return s, nil
}

// share is how many of the actions of a limit one issuer may cause: where several
// cause actions, half, so that a flood of one leaves room for the others.
func share(l pipeline.Limit, remits map[string]pipeline.Remit) int {
	n := 0
	for _, r := range remits {
		if len(r.Actions) > 0 {
			n++
		}
	}
	if n < 2 {
		return 0
	}
	return l.Actions - l.Actions/2
}

func actionType(a *config.Action) pipeline.ActionType {
	t := pipeline.ActionType{Name: a.Name, Merge: a.Merge, ValidFor: a.ValidFor, ReversibleBy: a.ReversibleBy, Known: a.SpeaksOfKnown()}
	for _, d := range a.Dos {
		t.Dos = append(t.Dos, pipeline.Do{Sink: d.Sink, Call: d.Render})
	}
	for _, e := range a.Emits {
		body := e.Body
		t.Emits = append(t.Emits, pipeline.Emit{Event: e.Event.Name, To: e.To, After: e.After, Body: func(v pipeline.ActionVars) ([]byte, error) {
			return body.Render(v)
		}})
	}
	return t
}

// verifierOf makes the verifier of all issuers. Key sets at a URL are fetched
// when the first token asks for them, so an issuer out of reach does not keep
// the product from starting.
func verifierOf(g *generation, issuers []set.Issuer) (*set.Verifier, error) {
	cfg := g.cfg
	g.keys = map[string]*jose.RemoteSet{}
	for _, i := range cfg.Issuers {
		keys, err := keySet(i, g.now)
		if err != nil {
			return nil, fmt.Errorf("keys of issuer %s: %w", i.URL, err)
		}
		if remote, ok := keys.(*jose.RemoteSet); ok {
			g.keys[i.URL] = remote
		}
		issuers = append(issuers, set.Issuer{
			URL: i.URL, Keys: keys, Audience: i.Audience, Rules: i.Rules, Algorithms: i.Algorithms, MinRSABits: i.MinRSABits,
			MaxSkew: i.MaxSkew, Formats: i.Formats, CredentialTypes: i.CredentialTypes, CriticalMembers: i.CriticalMembers,
			States: g.states(i.URL),
		})
	}
	carries := map[string][]string{}
	for _, s := range cfg.Sources {
		if len(s.Issuers) > 0 {
			carries[s.Name] = s.Issuers
		}
	}
	return set.New(issuers, set.Options{Sources: carries, MaxBytes: cfg.Limits.MaxBytes, Now: g.now})
}

func keySet(i config.Issuer, now func() time.Time) (jose.KeySet, error) {
	if i.JWKSFile == "" {
		client, err := outbound.Options{URL: i.JWKS, AllowPrivate: i.AllowPrivate, CAFile: i.CAFile, InFlight: 2}.Client(kind.Env{})
		if err != nil {
			return nil, err
		}
		return jose.Remote(i.JWKS, client, jose.RemoteOptions{Now: now})
	}
	return jose.StaticFile(i.JWKSFile)
}
