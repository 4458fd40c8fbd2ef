package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestReceivers: an operator sees the streams of receivers, changes their status,
// and the receiver and the journal are told; what the product left in its store is
// shown when it does not run.
func TestReceivers(t *testing.T) {
	p := newProductWith(t, map[string]string{"app.token": "of-the-app-0123456789"}, signalsSink)
	p.waitForStream("app.main")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "say what to do: list"},
		{[]string{"halt"}, 2, `unknown command "halt"`},
		{[]string{"pause"}, 2, "give one stream"},
		{[]string{"list", "--reason", "x"}, 2, "--reason"},
		{[]string{"show", "app.mai"}, 1, `no stream "app.mai"`},
		{[]string{"pause", "app.mai"}, 1, `did you mean "app.main"?`},
		{[]string{"pause", "app.main", "--sink", "other"}, 1, `no stream "app.main"`},
		{[]string{"disable", "app.main"}, 2, "give --yes"},
	} {
		if code, out, errs := p.try(append([]string{"receivers"}, c.args...)...); code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: %d %s%s; want %d %s", c.args, code, out, errs, c.code, c.want)
		}
	}
	shows(t, p.run("receivers", "list"), `^SINK +RECEIVER +STREAM +METHOD +STATUS +WAITING`, `^signals +app +app.main +poll +enabled +0 +never +never +never +none`)
	p.run("emit", "--event", "session-revoked", "--subject", "email:a@example.com")
	shows(t, p.run("receivers", "pause", "app.main", "--reason", "maintenance of the app"), `^stream app.main of app is paused, was enabled; its receiver is told$`)
	shows(t, p.run("receivers", "pause", "app.main"), `^stream app.main of app is paused already: maintenance of the app$`)
	got := p.polled("app.main")
	if text, _ := json.Marshal(got); len(got) != 1 || !strings.Contains(string(text), `stream-updated":{"reason":"maintenance of the app","status":"paused"}`) {
		t.Errorf("a paused stream got %s", text)
	}
	shows(t, p.run("receivers", "show", "app.main"), `^made +by the configuration$`, `^status +paused: maintenance of the app \(by an operator`, `^waiting +1 SET, the oldest since 20`, `^last taken +never$`)
	shows(t, p.run("receivers", "enable", "app.main"), `^stream app.main of app is enabled, was paused; its receiver is told$`)
	p.run("receivers", "disable", "app.main", "--yes", "--reason", "gone")
	var list struct {
		Running bool
		Streams []struct{ ID, Status, Sink string }
	}
	if err := json.Unmarshal([]byte(p.run("receivers", "list", "--format", "json")), &list); err != nil || !list.Running || len(list.Streams) != 1 ||
		list.Streams[0].Status != "disabled" || list.Streams[0].Sink != "signals" {
		t.Errorf("%+v, %v", list, err)
	}
	p.settle()
	shows(t, p.run("query", "event.action:*-stream", "--format", "json"), `pause-stream`, `maintenance of the app`, `stream app.main of receiver app at signals, was enabled`, `disable-stream`)

	ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
	defer cancel()
	if err := p.app.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	shows(t, p.run("receivers", "list"), `^Read from the files: the product does not run.$`, `^signals +app +app.main +poll +disabled .* gone$`)
	if code, out, errs := p.try("receivers", "enable", "app.main"); code != 1 || !strings.Contains(errs, "start it with") {
		t.Errorf("a product that does not run: %d %s%s", code, out, errs)
	}
}
