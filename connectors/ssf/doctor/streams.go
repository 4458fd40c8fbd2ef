package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// access asks for the streams with and without credentials; false if nothing
// further can be asked.
func (e *examination) access(ctx context.Context) bool {
	if e.meta.ConfigurationEndpoint == "" {
		return false
	}
	if status, _, _, err := e.get(ctx, e.meta.ConfigurationEndpoint); err == nil && status == http.StatusOK && e.Credentials {
		e.say("access", Fault, "SSF-TX-16", "Its operator must close it.", "the list of streams is answered to anybody, without credentials")
	}
	res, err := e.Client.ProtectedResource(ctx)
	switch {
	case err != nil:
		e.say("access", Warning, "INTEROP-22", "", "%s", err)
	case res != nil:
		e.say("access", OK, "INTEROP-22", "", "it tells who gives access: %s; scopes %s", pipeline.Clean(strings.Join(res.AuthorizationServers, ", ")), pipeline.Clean(strings.Join(res.Scopes, ", ")))
	default:
		e.say("access", Note, "INTEROP-23", "", "it does not tell which scopes it wants (RFC 9728); ssf.manage and ssf.read are the profile's")
	}
	if !e.Credentials {
		e.say("access", Skipped, "", "Name a source of the configuration, or give credentials.", "without credentials nothing of streams can be looked at")
		return false
	}
	if _, err := e.Client.List(ctx); err != nil {
		e.say("access", Fault, "INTEROP-24", whatToDo(err), "%s", err)
		return false
	}
	e.say("access", OK, "", "", "our credentials are taken")
	return true
}

// whatToDo about an answer.
func whatToDo(err error) string {
	switch client.StatusOf(err) {
	case http.StatusUnauthorized:
		return "Check the credentials: client_id, secret or key, token_url; or the token."
	case http.StatusForbidden:
		return "Ask for the scopes ssf.manage and ssf.read."
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "It may not list streams: name one with stream { id = ... }."
	}
	return ""
}

// streams looks at each stream of ours.
func (e *examination) streams(ctx context.Context) {
	list, err := e.Client.List(ctx)
	if err != nil {
		return // access has said so
	}
	if len(list) == 0 {
		e.say("streams", OK, "", "", "there is no stream of ours yet")
	}
	for _, s := range list {
		id := pipeline.Clean(s.ID)
		e.say("streams", OK, "", "", "stream %s delivers %d events by %s to audience %s", id, len(s.EventsDelivered), method(s.Method), pipeline.Clean(strings.Join(s.Audience, ", ")))
		switch {
		case s.Method != ssf.DeliveryPush && s.Method != ssf.DeliveryPoll:
			e.say("streams", Fault, "INTEROP-10", "", "stream %s has the delivery method %q, which is neither push nor poll", id, pipeline.Clean(s.Method))
		case s.Endpoint == "":
			e.say("streams", Warning, "SSF-TX-27", "", "stream %s has no endpoint_url", id)
		}
		if len(s.Audience) == 0 {
			e.say("streams", Fault, "SSF-RX-10", "", "stream %s has no aud: its tokens are for nobody", id)
		}
		for _, uri := range s.EventsDelivered {
			if len(s.EventsSupported) > 0 && !slices.Contains(s.EventsSupported, uri) {
				e.say("streams", Warning, "SSF-TX-22", "", "stream %s delivers %s, which is not among what it supports", id, pipeline.Clean(uri))
			}
		}
		if s.InactivityTimeout > 0 {
			e.say("streams", Note, "SSF-RX-18", "The source touches it three times as often.", "stream %s ends after %s without a call", id, s.InactivityTimeout)
		}
		st, err := e.Client.Status(ctx, s.ID)
		switch {
		case errors.Is(err, client.ErrUnoffered):
		case err != nil:
			e.say("streams", Warning, "INTEROP-07", "", "%s", err)
		case st.Status != client.Enabled:
			e.say("streams", Warning, "SSF-RX-21", "signalbox stream status --set enabled", "stream %s is %s %s", id, st.Status, st.Reason)
		}
		e.vocabulary(s)
	}
}

func method(uri string) string {
	switch uri {
	case ssf.DeliveryPush:
		return "push"
	case ssf.DeliveryPoll:
		return "poll"
	}
	return pipeline.Clean(uri)
}

// vocabulary says which events nobody here understands.
func (e *examination) vocabulary(s *client.Stream) {
	uris := s.EventsSupported
	if uris == nil {
		uris = s.EventsDelivered
		e.say("vocabulary", Note, "SSF-TX-22", "", "it does not tell which events it supports")
	}
	known := []string{}
	for _, uri := range uris {
		t, alias := event.Lookup(uri, "")
		switch {
		case t == event.Unknown:
			e.say("vocabulary", Note, "EVT-33", "", "%s is not in the catalogue: such events are kept and searched, and no rule knows them", pipeline.Clean(uri))
		case alias:
			e.say("vocabulary", Warning, "LEGACY-11", "rules = \"legacy\" in the issuer's block reads it.", "%s is an old spelling of %s", pipeline.Clean(uri), t.Name)
		case t.Status == "deprecated":
			e.say("vocabulary", Note, "EVT-29", "", "%s is deprecated", t.Name)
		default:
			known = append(known, t.Name)
		}
	}
	if len(known) > 0 {
		e.say("vocabulary", OK, "", "", "known events: %s", strings.Join(known, ", "))
	}
}
