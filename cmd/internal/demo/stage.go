package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"text/template"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
)

// Who the parties are to each other. The names are identities, not addresses.
const (
	productURL = "https://signals.example.com"
	idpURL     = "https://idp.example.com"
	feedURL    = "https://feed.example.net"
	mailURL    = "https://mail.example.com"
	filesURL   = "https://files.example.com"
)

// Part is one party on the stage.
type Part struct {
	Name string
	What string
	URL  string // where it listens
}

// Stage is all parties, up and introduced to each other.
type Stage struct {
	dir     string
	idp     *provider
	feed    *transmitter
	server  *server // of the feed
	apps    []*application
	product *app.App
	api     *api.Client
	client  *http.Client // of everybody but the product
	log     *os.File
}

//go:embed config.hcl.tmpl
var configText string

var configTemplate = template.Must(template.New("config.hcl").Parse(configText))

// Open starts every party under a new temporary directory. version is what the
// product says it is. The caller closes the stage.
func Open(ctx context.Context, version string) (_ *Stage, err error) {
	dir, err := os.MkdirTemp("", "signalbox-demo-")
	if err != nil {
		return nil, err
	}
	s := &Stage{dir: dir, client: &http.Client{Transport: new(http.Transport), Timeout: patience}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(ctx))
		}
	}()
	if err := s.openOthers(); err != nil {
		return nil, err
	}
	if err := s.writeConfig(); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(dir, "signalbox.log")); err != nil {
		return nil, err
	}
	s.product, err = app.New(app.Options{
		Config: s.Config(), Version: version, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	if err := s.product.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	s.api = api.Dial(filepath.Join(dir, "data"))
	return s, s.introduce()
}

// openOthers starts everybody but the product.
func (s *Stage) openOthers() error {
	for _, a := range []struct{ name, audience string }{{"mail", mailURL}, {"files", filesURL}} {
		made, err := newApplication(a.name, a.audience)
		if err != nil {
			return err
		}
		s.apps = append(s.apps, made)
	}
	var err error
	if s.idp, err = newProvider(idpURL, productURL, s.apps, s.client); err != nil {
		return err
	}
	if s.server, err = newServer(); err != nil {
		return err
	}
	s.feed, err = newTransmitter(feedURL, productURL, "ES256", s.server, s.client)
	return err
}

// sink is a receiver of the product in its configuration.
type sink struct {
	Name, Audience, URL string
	Authority           bool
}

// writeConfig writes what an operator would: config.hcl and the secrets it reads.
func (s *Stage) writeConfig() error {
	sinks := []sink{{"idp", idpURL, s.idp.server.url, false}}
	secrets := map[string]string{
		"idp": s.idp.transmitter.secret, "feed": s.feed.secret, "idp-out": s.idp.receiver.secret, "directory": s.idp.token,
	}
	for _, a := range s.apps {
		sinks = append(sinks, sink{a.name, a.audience, a.server.url, true})
		secrets[a.name+"-out"] = a.secret
	}
	for name, secret := range secrets {
		if err := os.WriteFile(filepath.Join(s.dir, name+".secret"), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	f, err := os.Create(s.Config())
	if err != nil {
		return err
	}
	err = configTemplate.Execute(f, map[string]any{
		"Product": productURL, "IdP": idpURL, "IdPURL": s.idp.server.url, "Feed": feedURL, "FeedURL": s.server.url,
		"BreakGlass": breakGlass, "Sinks": sinks,
	})
	return errors.Join(err, f.Close())
}

// introduce tells transmitters where to push and receivers whom to trust.
func (s *Stage) introduce() error {
	base := "http://" + s.product.Addr()
	s.idp.endpoint = base + "/ssf/idp/push"
	s.feed.endpoint = base + "/ssf/feed/push"
	receivers := []*receiver{s.idp.receiver}
	for _, a := range s.apps {
		receivers = append(receivers, a.receiver)
	}
	for _, r := range receivers {
		if err := r.trust(productURL, base+"/jwks.json", s.client); err != nil {
			return err
		}
	}
	return nil
}

// Config is the path of the product's configuration.
func (s *Stage) Config() string { return filepath.Join(s.dir, "config.hcl") }

// Log is the path of the product's log.
func (s *Stage) Log() string { return filepath.Join(s.dir, "signalbox.log") }

// Parts lists the parties.
func (s *Stage) Parts() []Part {
	parts := []Part{
		{"identity provider", "signs people in; pushes their sessions, RS256", s.idp.server.url},
		{"threat feed", "reports phished credentials, ES256", s.server.url},
		{"signalbox", "the product, with the rules it comes with", "http://" + s.product.Addr()},
	}
	for _, a := range s.apps {
		parts = append(parts, Part{a.name, "an application people are signed in to", a.server.url})
	}
	return parts
}

// Close stops every party, the product first, and removes the directory. What
// the product has under way may finish until ctx ends.
func (s *Stage) Close(ctx context.Context) error {
	var errs []error
	s.client.CloseIdleConnections()
	if s.product != nil {
		errs = append(errs, s.product.Stop(ctx))
	}
	servers := []*server{s.server}
	if s.idp != nil {
		servers = append(servers, s.idp.server)
	}
	for _, a := range s.apps {
		servers = append(servers, a.server)
	}
	for _, srv := range servers {
		if srv != nil {
			errs = append(errs, srv.close())
		}
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
