package receiver

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		push   *Push
		fields []string
	}{
		"no push":               {nil, []string{""}},
		"no authorization":      {&Push{}, []string{"push.authorization"}},
		"anonymous":             {&Push{Anonymous: true}, nil},
		"both":                  {&Push{Anonymous: true, Authorization: "Bearer 0123456789"}, []string{"push.anonymous"}},
		"bearer":                {&Push{Authorization: "Bearer 0123456789"}, nil},
		"bare token":            {&Push{Authorization: "0123456789"}, nil},
		"scheme alone":          {&Push{Authorization: "Bearer "}, []string{"push.authorization"}},
		"short":                 {&Push{Authorization: "Bearer 0123"}, []string{"push.authorization"}},
		"whole header":          {&Push{Authorization: "Authorization: Bearer 0123456789"}, []string{"push.authorization"}},
		"line break":            {&Push{Authorization: "Bearer 0123456789\n"}, []string{"push.authorization"}},
		"path":                  {&Push{Anonymous: true, Path: "/in/events"}, nil},
		"relative path":         {&Push{Anonymous: true, Path: "events"}, []string{"push.path"}},
		"root path":             {&Push{Anonymous: true, Path: "/"}, []string{"push.path"}},
		"wildcard path":         {&Push{Anonymous: true, Path: "/{x}"}, []string{"push.path"}},
		"path with dots":        {&Push{Anonymous: true, Path: "/a/../b"}, []string{"push.path"}},
		"path with slash":       {&Push{Anonymous: true, Path: "/a/"}, []string{"push.path"}},
		"path with query":       {&Push{Anonymous: true, Path: "/a?b"}, []string{"push.path"}},
		"numbers":               {&Push{Anonymous: true, MaxBytes: 2048, MaxInFlight: 1, Rate: 0.5, Burst: 3, ReadTimeout: time.Second}, nil},
		"numbers out of range":  {&Push{Anonymous: true, MaxBytes: -1, MaxInFlight: 1 << 20, Rate: -1, ReadTimeout: time.Hour}, []string{"push.max_bytes", "push.max_in_flight", "push.read_timeout", "push.rate"}},
		"rate is not a number":  {&Push{Anonymous: true, Rate: math.NaN()}, []string{"push.rate"}},
		"burst without a rate":  {&Push{Anonymous: true, Burst: 5}, []string{"push.burst"}},
		"all problems at once":  {&Push{Path: "x", Burst: 5}, []string{"push.path", "push.burst", "push.authorization"}},
		"infinite rate":         {&Push{Anonymous: true, Rate: math.Inf(1)}, []string{"push.rate"}},
		"fractional rate burst": {&Push{Anonymous: true, Rate: 0.1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			problems := (&Config{Issuer: "https://idp.example.com", Push: c.push}).Validate()
			var got []string
			for _, p := range problems {
				got = append(got, p.Field)
				if p.Summary == "" || !strings.HasSuffix(p.Detail, ".") {
					t.Errorf("problem without summary or advice: %+v", p)
				}
				if strings.Contains(fmt.Sprint(p), "0123") {
					t.Errorf("problem shows the secret: %v", p)
				}
			}
			if !slices.Equal(got, c.fields) {
				t.Errorf("problems %v, want fields %q", problems, c.fields)
			}
		})
	}
	if p := (&Config{Issuer: "idp", Push: &Push{Anonymous: true}}).Validate(); len(p) != 1 || p[0].Field != "issuer" {
		t.Errorf("problems %v, want one of issuer", p)
	}
}

func TestOpenNeedsListener(t *testing.T) {
	c := &Config{Issuer: "https://idp.example.com", Push: &Push{Anonymous: true}}
	if _, err := c.Open(kind.Env{Name: "idp"}); err == nil {
		t.Error("opened without a listener to mount on")
	}
}
