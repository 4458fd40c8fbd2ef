// Package receiver is the source "ssf": it takes Security Event Tokens that
// transmitters of the Shared Signals Framework push (RFC 8935). What is promised
// to them and in which order they are checked is said in package push.
package receiver

import (
	"errors"
	"fmt"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Open implements kind.SourceConfig. It mounts the push endpoint, which answers
// 503 until the source runs.
func (c *Config) Open(env kind.Env) (pipeline.Source, error) {
	if env.Mount == nil {
		return nil, errors.New("ssf source: nothing to mount the push endpoint on")
	}
	bounds, _ := c.Push.bounds()
	e := push.New(push.Options{
		Source:        env.Name,
		Sender:        c.Issuer,
		Authorization: string(c.Push.Authorization),
		Anonymous:     c.Push.Anonymous,
		Bounds:        bounds,
		MaxBatch:      env.Messages(push.MaxBatch),
		Log:           env.Logger(),
		Now:           env.Clock(),
	})
	if err := env.Mount(c.Mounts(env.Name)[0], e); err != nil {
		return nil, fmt.Errorf("ssf source: mount push endpoint: %w", err)
	}
	return e, nil
}
