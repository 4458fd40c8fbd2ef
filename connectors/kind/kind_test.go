package kind_test

import (
	"math"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		in   float64
		want float64
		ok   bool
	}{
		{0, 5, true},
		{1, 1, true},
		{10, 10, true},
		{0.5, 5, false},
		{10.5, 5, false},
		{-1, 5, false},
		{math.NaN(), 5, false},
		{math.Inf(1), 5, false},
	} {
		got, problem := kind.Between("rate", c.in, 5, 1, 10)
		if got != c.want || (problem == nil) != c.ok {
			t.Errorf("Between(%v) = %v, %v; want %v and ok %t", c.in, got, problem, c.want, c.ok)
		}
	}
	_, problem := kind.Between("push.timeout", time.Hour, 15*time.Second, time.Second, time.Minute)
	const want = "push.timeout: out of range: Give a value between 1s and 1m0s; without it, 15s is used."
	if problem == nil || problem.Error() != want {
		t.Errorf("problem is %v, want %s", problem, want)
	}
}

func TestEnvZero(t *testing.T) {
	var e kind.Env
	e.Logger().Info("goes nowhere")
	if e.Clock()().IsZero() {
		t.Error("the clock of a zero Env stands still")
	}
	if n := e.Messages(200); n != 200 {
		t.Errorf("Messages(200) = %d without a bound", n)
	}
	e.Batch, e.Dir = 10, "/etc/signalbox"
	if n := e.Messages(200); n != 10 {
		t.Errorf("Messages(200) = %d with a bound of 10", n)
	}
	for in, want := range map[string]string{"ca.pem": "/etc/signalbox/ca.pem", "/srv/ca.pem": "/srv/ca.pem"} {
		if got := e.Path(in); got != want {
			t.Errorf("Path(%s) = %s, want %s", in, got, want)
		}
	}
}
