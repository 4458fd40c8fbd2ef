package store_test

import (
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

func TestEmbedded(t *testing.T) {
	pipelinetest.TestStore(t, func(t *testing.T, o store.Options) store.Store {
		return openEmbedded(t, t.TempDir(), o)
	})
}

func TestEmbeddedReopen(t *testing.T) {
	pipelinetest.TestStoreReopen(t, openEmbedded)
}

func TestMemory(t *testing.T) {
	pipelinetest.TestStore(t, func(_ *testing.T, o store.Options) store.Store {
		return store.NewMemory(o, store.Faults{})
	})
}

func openEmbedded(t *testing.T, dir string, o store.Options) store.Store {
	t.Helper()
	s, err := store.Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}
