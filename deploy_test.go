package signalbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestContainerfile holds that every path and name the file takes from the
// repository exists. Whether its binary runs in an empty root is .ci/image's.
func TestContainerfile(t *testing.T) {
	text := readText(t, "docs/deploy/Containerfile")
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1) {
		for name := range strings.FieldsSeq(m[1]) {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("COPY %s: %v", name, err)
			}
		}
	}
	build := regexp.MustCompile(`-X ` + regexp.QuoteMeta(module) + `/(\S+)\.(\w+)=`).FindStringSubmatch(text)
	if build == nil {
		t.Fatal("the version is not set")
	}
	if src := readText(t, filepath.Join(build[1], "run.go")); !strings.Contains(src, "\nvar "+build[2]+" string\n") {
		t.Errorf("%s has no variable %s", build[1], build[2])
	}
	golang := regexp.MustCompile(`(?m)^FROM golang:(\S+) `).FindStringSubmatch(text)
	if golang == nil || !strings.Contains(readText(t, "go.mod"), "\ngo "+golang[1]+".") {
		t.Errorf("the image's Go is not that of go.mod: %v", golang)
	}
	made := map[string]bool{}
	for _, m := range regexp.MustCompile(`/out/\w+`).FindAllString(text, -1) {
		made[m] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY --from=build.* (/out/\S+) `).FindAllStringSubmatch(text, -1) {
		if !made[m[1]] {
			t.Errorf("%s is copied and not made", m[1])
		}
	}
	for _, want := range []string{"\nUSER 65532:65532\n", "\nFROM scratch\n", "CGO_ENABLED=0", "-trimpath"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
}

// TestService holds the unit against systemd where there is one.
func TestService(t *testing.T) {
	text := readText(t, "docs/deploy/signalbox.service")
	for _, want := range []string{"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "StateDirectory=signalbox", "SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes"} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("it lacks %s", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd here")
	}
	self, err := os.Executable() // stands in for the binary, which is not installed
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "signalbox.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(text, "/usr/local/bin/signalbox", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", unit).CombinedOutput()
	if strings.Contains(string(out), "signalbox.service") { // else it is about units of this machine
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
