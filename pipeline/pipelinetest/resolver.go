package pipelinetest

import (
	"context"
	"io"
	"net"
	"testing"
)

// Resolver looks every name up as the IPv4 addresses, without a network: what a
// name of a stranger may lead to.
func Resolver(t testing.TB, addrs ...string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe() // not a PacketConn: messages have their length before them
		t.Cleanup(func() { theirs.Close() })
		go func() {
			defer theirs.Close()
			var length [2]byte
			if _, err := io.ReadFull(theirs, length[:]); err != nil {
				return
			}
			q := make([]byte, int(length[0])<<8|int(length[1]))
			if _, err := io.ReadFull(theirs, q); err != nil {
				return
			}
			m := answered(q, addrs)
			_, _ = theirs.Write(append([]byte{byte(len(m) >> 8), byte(len(m))}, m...))
		}()
		return ours, nil
	}}
}

// answered is the answer to a question of the DNS (RFC 1035 section 4).
func answered(q []byte, addrs []string) []byte {
	end := 12
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	question := q[12 : end+5]
	var answers []byte
	n := byte(0)
	if question[len(question)-3] == 1 { // type A
		for _, a := range addrs {
			answers = append(answers, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answers = append(answers, net.ParseIP(a).To4()...)
			n++
		}
	}
	m := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, n, 0, 0, 0, 0}, question...)
	return append(m, answers...)
}
