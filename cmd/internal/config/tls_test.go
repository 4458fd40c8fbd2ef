package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTLS(t *testing.T) {
	for text, want := range map[string]bool{
		"tls {\n cert_file = \"c\"\n key_file = \"k\"\n}": true, "tls { self_signed = true }": true,
		"tls {}": false, "tls { cert_file = \"c\" }": false, "tls {\n cert_file = \"c\"\n key_file = \"k\"\n self_signed = true\n}": false,
	} {
		file := filepath.Join(t.TempDir(), "config.hcl")
		if err := os.WriteFile(file, []byte("data_dir = \"data\"\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, list := Load(file, func(string) (string, bool) { return "", false })
		found := false
		for _, d := range list {
			found = found || d.Summary == "no certificate, or two"
		}
		if found == want {
			t.Errorf("%s: %v", text, list)
		}
	}
}
