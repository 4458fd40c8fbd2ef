package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestBackupUnderLoad backs the real binary up while it takes tokens, kills it,
// brings the backup back into an empty data_dir and starts that. Every token
// answered 202 before the backup began has one decision there, and its action
// arrives under one jti.
func TestBackupUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the real binary; not with -short")
	}
	k := newKillRun(t, localIndex)
	k.start()
	k.awaitReady()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	load := k.generate(ctx)
	k.await("tokens to be taken", func() bool { return k.accepted.Load() >= 200 })
	before := k.sent.read(t)
	k.command("backup", "backup")
	k.await("tokens to be taken after the backup", func() bool { return k.accepted.Load() >= int64(len(before)+50) })
	_ = k.cmd.Process.Kill()
	err := <-k.exited
	k.exited <- err

	data := filepath.Join(k.dir, "data")
	if err := os.Rename(data, data+".killed"); err != nil {
		t.Fatal(err)
	}
	out := k.command("restore", "backup")
	if !strings.Contains(out, "Restored the backup") {
		t.Errorf("restore says %s", out)
	}
	k.start()
	k.awaitReady()
	cancel()
	load.Wait()
	k.awaitDrained()

	decisions := k.decisions()
	arrived := map[string]map[string]bool{}
	for _, row := range k.got.read(t) {
		put(arrived, row[0], row[1])
	}
	for _, row := range before {
		jti, txn := row[0], row[1]
		if n := decisions[pipeline.SETInputID(killIssuer, jti)]; n != 1 {
			t.Errorf("%s was answered 202 before the backup and has %d decisions after the restore", jti, n)
		}
		if n := len(arrived[txn]); n != 1 {
			t.Errorf("the action of %s arrived under %d jti", jti, n)
		}
	}
	t.Logf("%d tokens answered 202 before the backup, %d in all", len(before), k.accepted.Load())
	k.stopGracefully()
}

// command runs a command of the binary to its good end.
func (k *killRun) command(args ...string) string {
	k.t.Helper()
	cmd := exec.Command(k.binary, append(args, "--config", "config.hcl")...)
	cmd.Dir = k.dir
	cmd.Env = k.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Fatalf("signalbox %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}
