package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
)

const keysHelp = `
rotate makes a new key, in the product that runs or, when none does, in its key
folder. It is published at once and signs after --lead, so that receivers which
keep the key set for a while know it by then. The keys before stay published for
--keep after that, so that tokens signed with them still verify, and are then
dropped with their private part. Tokens are in flight as long as an action is valid
and a receiver takes to poll; keep more than that. --keep 0s drops a key that leaked
at once: what was signed with it and not verified yet is refused by receivers.

No private key is ever printed.
`

// defaultLead is twice as long as receivers may keep the key set (Cache-Control),
// defaultKeep seven times as long as actions are valid where nothing is said.
const (
	defaultLead = 10 * time.Minute
	defaultKeep = 7 * 24 * time.Hour
)

// keysRotate rotates the signing key of an algorithm.
func (c *call) keysRotate(ctx context.Context, path, format, algorithm, comment string, lead, keep time.Duration) error {
	if keep < 0 || keep > api.MaxKeep {
		return usagef("--keep %s: give a duration from 0s to %s", keep, api.MaxKeep)
	}
	if lead < 0 || lead > api.MaxLead {
		return usagef("--lead %s: give a duration from 0s to %s", lead, api.MaxLead)
	}
	if err := oneOf("alg", algorithm, "ES256", "RS256", "EdDSA"); err != nil {
		return err
	}
	client, err := c.connect(ctx, path)
	if err != nil {
		return err
	}
	a, err := client.RotateKeys(ctx, api.RotateRequest{By: c.operator(), Comment: comment, Algorithm: algorithm, Lead: lead.String(), Keep: keep.String()})
	where := "the running product signs with it"
	if errors.Is(err, api.ErrNotRunning) {
		where = "nothing runs: the product, once started, signs with it"
		keys, oerr := c.ownKeys(path)
		if oerr != nil {
			return oerr
		}
		a, err = api.Rotate(keys, algorithm, lead, keep, time.Now())
	}
	if err != nil {
		return c.explainFailure(err, path, "")
	}
	if format == "json" {
		return writeJSON(c.Out, a)
	}
	when := "from the next token on"
	if !a.Key.From.IsZero() {
		when = "from " + a.Key.From.Format(time.RFC3339) + " on, and publishes it till then"
	}
	fmt.Fprintf(c.Out, "new %s key %s: %s %s\n", a.Key.Algorithm, a.Key.KeyID, where, when)
	for _, k := range a.Keys {
		if k.Algorithm == a.Key.Algorithm && k.KeyID != a.Key.KeyID {
			fmt.Fprintf(c.Out, "key %s stays published until %s\n", k.KeyID, k.Until.Format(time.RFC3339))
		}
	}
	for _, k := range a.Dropped {
		fmt.Fprintf(c.Out, "key %s is dropped: tokens signed with it verify no more\n", k.KeyID)
	}
	return nil
}
