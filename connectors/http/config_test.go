package http

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

func TestValidate(t *testing.T) {
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		change func(*Config)
		fields []string
	}{
		"valid": {func(*Config) {}, nil},
		"everything": {func(c *Config) {
			c.Method = "PUT"
			c.Success = []int{200}
			c.Already = []int{409}
			c.Refused = []int{404, 500}
		}, nil},
		"own idempotency":    {func(c *Config) { c.IdempotencyHeader = text("X-Id") }, nil},
		"no idempotency":     {func(c *Config) { c.IdempotencyHeader = text("") }, nil},
		"plain http":         {func(c *Config) { c.URL = "http://api.example.com/hush" }, []string{"url"}},
		"private, not said":  {func(c *Config) { c.URL = "https://10.0.0.1/" }, []string{"url"}},
		"credentials in url": {func(c *Config) { c.URL = "https://u:hush@api.example.com/" }, []string{"url"}},
		"method":             {func(c *Config) { c.Method = "TRACE" }, []string{"method"}},
		"small method":       {func(c *Config) { c.Method = "post" }, []string{"method"}},
		"whole header":       {func(c *Config) { c.Authorization = "Authorization: Bearer hush" }, []string{"authorization"}},
		"header name":        {func(c *Config) { c.Headers = map[string]string{"X Team": "soc"} }, []string{"headers"}},
		"our header":         {func(c *Config) { c.Headers = map[string]string{"authorization": "hush"} }, []string{"headers"}},
		"host header":        {func(c *Config) { c.Headers = map[string]string{"Host": "evil.example.com"} }, []string{"headers"}},
		"header value":       {func(c *Config) { c.SecretHeaders = map[string]pipeline.Secret{"X-Key": "hush\r\nX: y"} }, []string{"secret_headers"}},
		"long header value": {func(c *Config) {
			c.SecretHeaders = map[string]pipeline.Secret{"X-Key": pipeline.Secret(strings.Repeat("hush", 2000))}
		}, []string{"secret_headers"}},
		"header twice": {func(c *Config) {
			c.Headers = map[string]string{"X": "a"}
			c.SecretHeaders = map[string]pipeline.Secret{"X": "hush"}
		}, []string{"secret_headers"}},
		"idempotency header": {func(c *Config) { c.IdempotencyHeader = text("Host") }, []string{"idempotency_header"}},
		"success of 404":     {func(c *Config) { c.Success = []int{404} }, []string{"success"}},
		"already of 200":     {func(c *Config) { c.Already = []int{200} }, []string{"already"}},
		"refused of 302":     {func(c *Config) { c.Refused = []int{302} }, []string{"refused"}},
		"two meanings":       {func(c *Config) { c.Already = []int{404}; c.Refused = []int{404} }, []string{"refused"}},
		"half a certificate": {func(c *Config) { c.ClientCert = "client.pem" }, []string{""}},
		"numbers":            {func(c *Config) { c.Timeout = time.Hour; c.MaxInFlight = -1; c.MaxBytes = 1 }, []string{"timeout", "max_in_flight", "max_bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{URL: "https://api.example.com/v1", Authorization: "Bearer hush-hush"}
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
			if !slices.Equal(got, c.fields) {
				t.Errorf("problems of %q, want of %q", got, c.fields)
			}
		})
	}
}

func TestOpenReportsItsFiles(t *testing.T) {
	cfg := Config{URL: "https://api.example.com/", CAFile: "none.pem"}
	if _, err := cfg.Open(kind.Env{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "ca_file") || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("error %v", err)
	}
}
