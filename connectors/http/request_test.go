package http

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestBelow(t *testing.T) {
	for _, c := range []struct{ base, path, want string }{ // want "" is refused
		{"https://api.example.com", "", "https://api.example.com"},
		{"https://api.example.com/hook?key=1", "", "https://api.example.com/hook?key=1"},
		{"https://api.example.com", "/users", "https://api.example.com/users"},
		{"https://api.example.com", "users", "https://api.example.com/users"},
		{"https://api.example.com/v1", "/users", "https://api.example.com/v1/users"},
		{"https://api.example.com/v1/", "/users", "https://api.example.com/v1/users"},
		{"https://api.example.com/v1/", "users/", "https://api.example.com/v1/users/"},
		{"https://api.example.com/v1?a=b", "/users?c=d", "https://api.example.com/v1/users?a=b&c=d"},
		{"https://api.example.com/v1?a=b", "?c=d", "https://api.example.com/v1/?a=b&c=d"},
		{"https://api.example.com/v1", "/users/jane%40example.com", "https://api.example.com/v1/users/jane%40example.com"},
		{"https://api.example.com/v1", "/users/a%2Fb%3Fc%23d", "https://api.example.com/v1/users/a%2Fb%3Fc%23d"},
		{"https://api.example.com/v%2f1", "/users", "https://api.example.com/v%2f1/users"},
		{"https://api.example.com/v1", "/users/100%25", "https://api.example.com/v1/users/100%25"},
		{"https://api.example.com/v1", "/users/...", "https://api.example.com/v1/users/..."},
		{"https://api.example.com/v1", "/users/a..b", "https://api.example.com/v1/users/a..b"},
		{"https://api.example.com/v1", "/users/@evil.example.com", "https://api.example.com/v1/users/@evil.example.com"},
		{"https://api.example.com/v1", "/q?next=http://x/../y", "https://api.example.com/v1/q?next=http://x/../y"},
		{"https://api.example.com/v1", "/..", ""},
		{"https://api.example.com/v1", "/../v2", ""},
		{"https://api.example.com/v1", "..", ""},
		{"https://api.example.com/v1", "/users/./x", ""},
		{"https://api.example.com/v1", "/users/%2e%2e/x", ""},
		{"https://api.example.com/v1", "/users/%2E./x", ""},
		{"https://api.example.com/v1", "/users/%252e%252e/x", ""},
		{"https://api.example.com/v1", "/users/x%2f..%2fy", ""},
		{"https://api.example.com/v1", "/users/x%5c..%5cy", ""},
		{"https://api.example.com/v1", "/users/..;a=b/x", ""},
		{"https://api.example.com/v1", "//evil.example.com/x", ""},
		{"https://api.example.com/v1", "/users//sessions", ""},
		{"https://api.example.com/v1", "/users/a b", ""},
		{"https://api.example.com/v1", "/users/a\\b", ""},
		{"https://api.example.com/v1", "/users/a\r\nX: y", ""},
		{"https://api.example.com/v1", "/users/%0d%0aX", ""},
		{"https://api.example.com/v1", "/users/%00", ""},
		{"https://api.example.com/v1", "/users/%zz", ""},
		{"https://api.example.com/v1", "/users/é", ""},
		{"https://api.example.com/v1", "/users#x", ""},
		{"https://api.example.com/v1", "/users?a=%zz", ""},
		{"https://api.example.com/v1", "https://evil.example.com/", ""},
		{"https://api.example.com", "@evil.example.com/", "https://api.example.com/@evil.example.com/"},
		{"https://api.example.com", ":80@evil.example.com/", "https://api.example.com/:80@evil.example.com/"},
		{"https://api.example.com/v1", "/" + strings.Repeat("x", 3000), ""},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		u, err := below(base, c.path)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("below(%s, %q) = %s, want it refused", c.base, c.path, u)
		case c.want == "" && strings.Contains(err.Error(), "evil"):
			t.Errorf("the error shows the path: %v", err)
		case c.want != "" && (err != nil || u.String() != c.want):
			t.Errorf("below(%s, %q) = %v, %v; want %s", c.base, c.path, u, err, c.want)
		}
	}
}

func FuzzBelow(f *testing.F) {
	for _, s := range []string{"/users/jane", "/../x", "//evil.example.com", "/%2e%2e", "/a?b#c", "/%252e%252e", "@x", "/;/..;/", "/\\..\\"} {
		f.Add(s)
	}
	base, err := url.Parse("https://api.example.com/v1/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if u, err := below(base, text); err == nil {
			staysBelow(t, u.String(), "https://api.example.com/v1/")
		}
	})
}

// staysBelow: by the text, by what a client parses, and by what a server makes
// of the unescaped path.
func staysBelow(t *testing.T, got, prefix string) {
	t.Helper()
	u, err := url.Parse(got)
	if err != nil {
		t.Fatalf("%q: %v", got, err)
	}
	clean := path.Clean(strings.ReplaceAll(u.Path, `\`, "/")) + "/"
	if !strings.HasPrefix(got, prefix) || u.Host != "api.example.com" || u.User != nil || u.Fragment != "" || !strings.HasPrefix(clean, "/v1/") {
		t.Errorf("%q leaves %s", got, prefix)
	}
	if strings.ContainsAny(got, "\r\n\t \x00") {
		t.Errorf("%q has characters that break a request line", got)
	}
}
