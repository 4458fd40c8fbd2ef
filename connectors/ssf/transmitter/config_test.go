package transmitter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestValidate(t *testing.T) {
	valid := func() Config {
		return Config{
			Issuer: "https://signals.example.com", Audience: []string{"https://app.example.com"},
			Push: &Push{Endpoint: "https://app.example.com/events", Authorization: "Bearer hush-hush"},
		}
	}
	ids := map[string]string{
		"http issuer": "SSF-TX-04", "issuer with query": "SSF-TX-04", "plain http": "PUSH-01 PUSH-14 INTEROP-01 SET-28", "algorithm none": "JWT-01",
		"no audience": "SET-08", "empty audience": "SET-08",
	}
	for name, c := range map[string]struct {
		change func(*Config)
		fields []string
	}{
		"valid":               {func(*Config) {}, nil},
		"RS256":               {func(c *Config) { c.Algorithm = "RS256" }, nil},
		"no authorization":    {func(c *Config) { c.Push.Authorization = "" }, nil},
		"http issuer":         {func(c *Config) { c.Issuer = "http://signals.example.com" }, []string{"issuer"}},
		"issuer with query":   {func(c *Config) { c.Issuer += "?a=b" }, []string{"issuer"}},
		"no audience":         {func(c *Config) { c.Audience = nil }, []string{"audience"}},
		"empty audience":      {func(c *Config) { c.Audience = []string{""} }, []string{"audience"}},
		"algorithm none":      {func(c *Config) { c.Algorithm = "none" }, []string{"algorithm"}},
		"no push":             {func(c *Config) { c.Push = nil }, []string{""}},
		"relative endpoint":   {func(c *Config) { c.Push.Endpoint = "/events" }, []string{"push.endpoint"}},
		"other scheme":        {func(c *Config) { c.Push.Endpoint = "ftp://app.example.com/" }, []string{"push.endpoint"}},
		"plain http":          {func(c *Config) { c.Push.Endpoint = "http://app.example.com/"; c.Push.AllowPrivate = true }, []string{"push.endpoint"}},
		"plain http at home":  {func(c *Config) { c.Push.Endpoint = "http://127.0.0.1:1/"; c.Push.AllowPrivate = true }, nil},
		"localhost":           {func(c *Config) { c.Push.Endpoint = "http://localhost:1/"; c.Push.AllowPrivate = true }, nil},
		"loopback, not said":  {func(c *Config) { c.Push.Endpoint = "http://[::1]:1/" }, []string{"push.endpoint"}},
		"localhost, not said": {func(c *Config) { c.Push.Endpoint = "https://localhost/" }, []string{"push.endpoint"}},
		"private, not said":   {func(c *Config) { c.Push.Endpoint = "https://10.0.0.1/" }, []string{"push.endpoint"}},
		"private":             {func(c *Config) { c.Push.Endpoint = "https://10.0.0.1/"; c.Push.AllowPrivate = true }, nil},
		"user in URL":         {func(c *Config) { c.Push.Endpoint = "https://u:hush-hush@app.example.com/" }, []string{"push.endpoint"}},
		"fragment":            {func(c *Config) { c.Push.Endpoint += "#x" }, []string{"push.endpoint"}},
		"whole header":        {func(c *Config) { c.Push.Authorization = "Authorization: Bearer hush-hush" }, []string{"push.authorization"}},
		"numbers":             {func(c *Config) { c.Push.Timeout = time.Hour; c.Push.MaxInFlight = -1 }, []string{"push.timeout", "push.max_in_flight"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			c.change(&cfg)
			var got []string
			for _, p := range cfg.Validate() {
				got = append(got, p.Field)
				if p.Summary == "" || !strings.HasSuffix(p.Detail, ".") {
					t.Errorf("problem without summary or advice: %+v", p)
				}
				if strings.Contains(fmt.Sprint(p), "hush") {
					t.Errorf("problem shows the secret: %v", p)
				}
			}
			req.Equal(t, ids[name], fmt.Sprint(got), fmt.Sprint(c.fields))
		})
	}
}

func TestOpenReportsItsFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	signer := func(string) (kind.Signer, error) { return nil, nil }
	for name, c := range map[string]struct {
		file string
		env  kind.Env
		want string
	}{
		"no keys":    {"", kind.Env{}, "no keys"},
		"bad key":    {"", kind.Env{Signer: func(string) (kind.Signer, error) { return nil, errors.New("unreadable") }}, "unreadable"},
		"no CA file": {"ca.pem", kind.Env{Dir: dir, Signer: signer}, "ca.pem"},
		"no PEM":     {"empty.pem", kind.Env{Dir: dir, Signer: signer}, "no certificate"},
	} {
		cfg := Config{Push: &Push{Endpoint: "https://app.example.com/", CAFile: c.file}}
		if _, err := cfg.Open(c.env); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
