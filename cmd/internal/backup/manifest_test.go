package backup

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzManifest: what a manifest names stays inside the backup, whatever it says.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"store_format":1,"files":[{"path":"store/x","size":1,"sha256":"` + strings.Repeat("a", 64) + `"}]}`))
	f.Add([]byte(`{"format":1,"store_format":1,"files":[{"path":"store/../x"}]}`))
	f.Add([]byte(`{"format":2,"store_format":1,"files":[{"path":"streams/idp.json","size":1,"sha256":"` + strings.Repeat("a", 64) + `"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if dir := filepath.Dir(filepath.FromSlash(file.Path)); !filepath.IsLocal(file.Path) || !slices.Contains(folders, dir) {
				t.Errorf("a backup names %q", file.Path)
			}
		}
	})
}
