package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// The scopes of the interoperability profile (INTEROP-23).
const (
	scopeManage = "ssf.manage"
	scopeRead   = "ssf.read"
)

// Resource is what a management API says of who protects it (RFC 9728).
type Resource struct {
	AuthorizationServers []string
	Scopes               []string
}

// ProtectedResource reads the metadata of the management API as a protected
// resource; nil if it has none.
func (c *Client) ProtectedResource(ctx context.Context) (*Resource, error) {
	const op = "read protected resource metadata"
	resource, err := c.endpoint(ctx, op, func(m *Metadata) string { return m.ConfigurationEndpoint })
	if err != nil {
		return nil, err
	}
	at, err := inserted(resource, "oauth-protected-resource")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.do(ctx, call{op: op, method: http.MethodGet, url: at, open: true}, http.StatusOK)
	if StatusOf(err) != 0 {
		return nil, nil // whatever else it answers, it does not offer this
	}
	if err != nil {
		return nil, err
	}
	v, err := strictjson.Parse(a.body, limits)
	if err != nil || v.Kind() != strictjson.Object {
		return nil, nil // a page for people, as some servers have for every path
	}
	if v.Get("resource").Text() != resource { // RFC 9728 section 3.3
		return nil, fmt.Errorf("%s: %w: it is about %q", op, ErrMixUp, v.Get("resource").Text())
	}
	r := reader{v: v}
	res := &Resource{AuthorizationServers: r.texts("authorization_servers"), Scopes: r.texts("scopes_supported")}
	return res, r.err
}

// wanted is which scopes to ask for where the configuration names none: those
// the resource tells (INTEROP-22), else those of the profile (INTEROP-23).
func (c *Client) wanted(ctx context.Context) ([]string, error) {
	if len(c.o.OAuth.Scopes) > 0 {
		return c.o.OAuth.Scopes, nil
	}
	c.mu.Lock()
	scopes := c.scopes
	c.mu.Unlock()
	if scopes != nil {
		return scopes, nil
	}
	scopes = []string{scopeManage, scopeRead}
	res, err := c.ProtectedResource(ctx)
	if err != nil {
		return nil, err
	}
	if res != nil {
		told := slices.DeleteFunc(slices.Clone(res.Scopes), func(s string) bool {
			return !oauth.Scope(s) || !strings.HasPrefix(s, "ssf")
		})
		if len(told) > 0 {
			scopes = told
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes = scopes
	return scopes, nil
}
