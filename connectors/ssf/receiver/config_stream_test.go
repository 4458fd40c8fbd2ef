package receiver

import (
	"slices"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestValidateTransmitter(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		fields []string
	}{
		"least":          {func(*Config) {}, nil},
		"another issuer": {func(c *Config) { c.Transmitter = issuer + "/" }, []string{"transmitter"}},
		"plain http":     {func(c *Config) { c.Issuer, c.Transmitter = "http://a.example.com", "http://a.example.com" }, []string{"transmitter"}},
		"private":        {func(c *Config) { c.Issuer, c.Transmitter = "https://10.0.0.1", "https://10.0.0.1" }, []string{"transmitter"}},
		"private permitted": {func(c *Config) {
			c.Issuer, c.Transmitter, c.AllowPrivate = "https://10.0.0.1", "https://10.0.0.1", true
		}, nil},
		"well known":         {func(c *Config) { c.WellKnown = "openid-configuration" }, []string{"well_known"}},
		"both credentials":   {func(c *Config) { c.Authorization, c.OAuth = "Bearer x", credentials() }, []string{"authorization"}},
		"header line":        {func(c *Config) { c.Authorization = "Authorization: x" }, []string{"authorization"}},
		"oauth":              {func(c *Config) { c.OAuth = &oauth.Config{TokenURL: "x", ClientID: "a", ClientSecret: "b"} }, []string{"oauth.token_url"}},
		"half certificate":   {func(c *Config) { c.ClientCert = "a.pem" }, []string{"client_cert"}},
		"push and poll":      {func(c *Config) { c.Push, c.Poll = endpoint(), &Poll{} }, []string{"poll"}},
		"push":               {func(c *Config) { c.Push = endpoint() }, nil},
		"push without URL":   {func(c *Config) { c.Push = endpoint(); c.Push.EndpointURL = "" }, []string{"push"}},
		"push to plain http": {func(c *Config) { c.Push = endpoint(); c.Push.EndpointURL = "http://siem.example.com/" }, []string{"push.endpoint_url"}},
		"event":              {func(c *Config) { c.Stream = &Stream{Events: []string{"session-revoked", "sesion-revoked"}} }, []string{"stream.events[1]"}},
		"local event":        {func(c *Config) { c.Stream = &Stream{Events: []string{"alert"}} }, []string{"stream.events[0]"}},
		"subject":            {func(c *Config) { c.Stream = &Stream{Subjects: []string{"jane"}} }, []string{"stream.subjects[0]"}},
		"as it is":           {func(c *Config) { c.Stream = &Stream{AsIs: true, Events: []string{"session-revoked"}} }, []string{"stream.as_is"}},
		"verify often":       {func(c *Config) { c.Stream = &Stream{VerifyEvery: time.Millisecond} }, []string{"stream.verify_every"}},
		"many events":        {func(c *Config) { c.Poll = &Poll{MaxEvents: 5000} }, []string{"poll.max_events"}},
		"no transmitter": {func(c *Config) { c.Transmitter, c.Poll, c.Stream = "", &Poll{}, &Stream{} }, []string{
			"poll", "stream", ""}},
		"push without transmitter": {func(c *Config) { c.Transmitter, c.Push = "", endpoint() }, []string{"push.endpoint_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := configured()
			c.change(conf)
			var fields []string
			for _, p := range conf.Validate() {
				fields = append(fields, p.Field)
				if p.Summary == "" || p.Detail == "" {
					t.Errorf("problem %+v", p)
				}
			}
			if !slices.Equal(fields, c.fields) {
				t.Errorf("problems of %q, want %q", fields, c.fields)
			}
		})
	}
}

func credentials() *oauth.Config {
	return &oauth.Config{TokenURL: "https://as.example.com/token", ClientID: "me", ClientSecret: "s"}
}

func endpoint() *Push {
	return &Push{EndpointURL: "https://siem.example.com/ssf/idp/push", Authorization: "0123456789"}
}

// TestWanted: what is asked for is what we know how to read.
func TestWanted(t *testing.T) {
	c := configured()
	w := c.Wanted("idp")
	req.True(t, "SSF-RX-12", len(w.Events) > 10 && !slices.Contains(w.Events, "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked"), "requests %q", w.Events)
	c.Push = endpoint()
	if w = c.Wanted("idp"); w.Delivery.Authorization != "Bearer 0123456789" {
		t.Error("the transmitter is to send a token without its scheme")
	}
	req.True(t, "SSF-RX-17", c.Mounts("a")[0] != c.Mounts("b")[0], "two streams share the endpoint %s", c.Mounts("a")[0])
	if _, err := c.Client(kind.Env{}); err != nil {
		t.Error(err)
	}
}
