package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Explain runs every step for the messages as a product of this configuration
// would that knows nothing yet. It opens no listener and writes nothing.
func Explain(ctx context.Context, o Options, req api.ExplainRequest) ([]api.Explanation, error) {
	o = o.withDefaults()
	g, err := load(o)
	if err != nil {
		return nil, err
	}
	if err := nameSources(g.cfg, req.Messages); err != nil {
		return nil, err
	}
	s, err := settings(g)
	if err != nil {
		return nil, err
	}
	st := store.NewMemory(store.Options{}, store.Faults{})
	defer st.Close()
	p := pipeline.New(pipeline.Options{Store: st, Log: o.Log, Now: o.Now})
	p.Use(s)
	return explainer(func() *generation { return g }).Messages(ctx, p, req, o.Now())
}

// ExplainMapped shows what a mapping makes of messages, without state, rules or
// any configuration but the folder of own mappings that o may name.
func ExplainMapped(ctx context.Context, o Options, name string, req api.ExplainRequest) ([]api.Explanation, error) {
	o = o.withDefaults()
	set, err := Mappings(o.Config, o.Env)
	if err != nil {
		return nil, err
	}
	if _, ok := set.Get(name); !ok {
		return nil, fmt.Errorf("there is no mapping %q. %s Your own ones are in the folder that mappings names in the configuration, which --config says", name, nearest.Advice(name, set.Names(), "mappings"))
	}
	for i := range req.Messages {
		req.Messages[i].Mapping = name
		req.Messages[i].Source = cmp.Or(req.Messages[i].Source, name)
	}
	st := store.NewMemory(store.Options{}, store.Faults{})
	defer st.Close()
	p := pipeline.New(pipeline.Options{Store: st, Log: o.Log, Now: o.Now})
	p.Use(pipeline.Settings{
		Verifier:   pipeline.Channels{},
		Normalizer: pipeline.Records{Tokens: pipeline.Statements{}, Mapping: set.Normalizer},
	})
	list, err := api.Explainer{Mapping: set.Get}.Messages(ctx, p, req, o.Now())
	for i := range list {
		for n := range list[i].Decisions {
			list[i].Decisions[n].Remit = "no rules were asked; without --mapping they are, by the sources of the configuration"
		}
	}
	return list, err
}

// nameSources fills in the only source where none is named and refuses unknown
// ones.
func nameSources(cfg *config.Config, msgs []api.ExplainMessage) error {
	var names []string
	for _, s := range cfg.Sources {
		names = append(names, s.Name)
	}
	for i := range msgs {
		switch m := &msgs[i]; {
		case m.Source == "" && len(names) == 1:
			m.Source = names[0]
		case m.Source == "" && len(names) == 0:
			return errors.New(`the configuration has no source by which a message could come: add one, such as source "file" "tokens" { path = "in/*.jwt" }`)
		case m.Source == "":
			return fmt.Errorf("say by which source the message comes: --source %s", strings.Join(names, " or "))
		case !slices.Contains(names, m.Source):
			return fmt.Errorf("there is no source %q; the sources are %s", m.Source, strings.Join(names, ", "))
		}
		if at := slices.Index(names, msgs[i].Source); len(cfg.Sources[at].Mapped) == 1 && msgs[i].Mapping == "" {
			msgs[i].Mapping = cfg.Sources[at].Mapped[0].Name
		}
	}
	return nil
}
