package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/policies"
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
	return explainer(func() *policies.Set { return g.rules }).Messages(ctx, p, req, o.Now())
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
		case m.Source == "":
			return fmt.Errorf("say by which source the message comes: --source %s", strings.Join(names, " or "))
		case !slices.Contains(names, m.Source):
			return fmt.Errorf("there is no source %q; the sources are %s", m.Source, strings.Join(names, ", "))
		}
	}
	return nil
}
