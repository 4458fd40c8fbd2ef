package outbound

import (
	"errors"
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8":                true,
		"1.1.1.1":                true,
		"172.32.0.1":             true,
		"100.128.0.1":            true,
		"2606:4700::1111":        true,
		"2001:4860:4860::8888":   true,
		"64:ff9b::808:808":       true, // 8.8.8.8 by NAT64
		"0.0.0.0":                false,
		"0.1.2.3":                false,
		"127.0.0.1":              false,
		"127.255.255.254":        false,
		"10.0.0.1":               false,
		"172.16.0.1":             false,
		"172.31.255.255":         false,
		"192.168.1.1":            false,
		"169.254.169.254":        false, // metadata
		"100.64.0.1":             false,
		"100.100.100.200":        false, // metadata
		"168.63.129.16":          false, // metadata
		"192.0.0.192":            false, // metadata
		"192.0.2.1":              false,
		"198.18.0.1":             false,
		"203.0.113.1":            false,
		"224.0.0.1":              false,
		"240.0.0.1":              false,
		"255.255.255.255":        false,
		"::":                     false,
		"::1":                    false,
		"::127.0.0.1":            false,
		"::ffff:127.0.0.1":       false,
		"::ffff:169.254.169.254": false,
		"::ffff:8.8.8.8":         true,
		"64:ff9b::a9fe:a9fe":     false, // 169.254.169.254 by NAT64
		"64:ff9b:1::1":           false,
		"fe80::1":                false,
		"fe80::1%eth0":           false,
		"fc00::1":                false,
		"fd00:ec2::254":          false, // metadata
		"fec0::1":                false,
		"ff02::1":                false,
		"2002:7f00:1::":          false, // 127.0.0.1 by 6to4
		"2001::1":                false, // Teredo
		"2001:db8::1":            false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) = %t", text, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]bool{
		"http://127.0.0.1:8080/jwks": true,
		"https://[::1]/jwks":         true,
		"https://localhost:8490/":    true,
		"https://10.0.0.1/jwks":      true,
		"https://8.8.8.8/jwks":       true,
		"https://idp.example.com/":   false,
		"https://localhost.corp/":    false,
		"https://127.1/":             false, // some resolvers make an address of it
		"https://2130706433/":        false,
		"":                           false,
		"https://%zz":                false,
	} {
		if got := Literal(text); got != want {
			t.Errorf("Literal(%q) = %t", text, got)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for _, c := range []struct {
		address             string
		allowPrivate, plain bool
		ok                  bool
	}{
		{"8.8.8.8:443", false, false, true},
		{"10.0.0.1:443", false, false, false},
		{"10.0.0.1:443", true, false, true},
		{"[::ffff:10.0.0.1]:443", false, false, false},
		{"127.0.0.1:80", true, true, true},
		{"127.0.0.1:80", false, true, false},
		{"10.0.0.1:80", true, true, false}, // plain http stays on the machine
		{"8.8.8.8:80", true, true, false},
		{"[fe80::1%eth0]:443", false, false, false},
		{"app.example.com:443", true, false, false}, // not resolved: cannot be judged
		{"", true, false, false},
	} {
		err := checkAddress(c.address, c.allowPrivate, c.plain)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("checkAddress(%q, %t, %t) = %v", c.address, c.allowPrivate, c.plain, err)
		}
	}
}
