package pipelinetest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreeAddr is an address of this machine on which nothing listens now, for what
// is to listen there later, or again and again. Its port lies below those that
// systems give to listeners on port 0 and to outgoing connections, so that no
// other test comes by it meanwhile.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.N(12000)))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}
