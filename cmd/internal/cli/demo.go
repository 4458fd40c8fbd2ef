package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/demo"
)

// closing bounds how long the parties of the demo may take to stop.
const closing = 5 * time.Second

// runDemo plays a story and prints it. Without --once the product stays up, to
// be asked and looked at, until a signal.
func runDemo(ctx context.Context, c *call) (err error) {
	once := c.flags.Bool("once", false, "end after the story; exit 1 if it did not go as it has to")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	stage, err := demo.Open(ctx, productVersion())
	if err != nil {
		return c.refused(err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		err = errors.Join(err, stage.Close(end))
	}()
	p := &programme{report: report{c.Out, coloursFor(c.Out, c.Env)}, width: widthOf(c.Out)}
	p.introduce(stage)
	r, err := stage.Play(ctx)
	if err != nil {
		c.showLog(stage.Log())
		return err
	}
	if err := p.tell(r); err != nil {
		return err
	}
	if !*once {
		p.invite(stage, r)
		<-ctx.Done()
	}
	if len(r.Differences) > 0 {
		c.showLog(stage.Log())
		return &quietError{exitFailure}
	}
	return nil
}

// shownLog is how much of the product's log is shown, in bytes.
const shownLog = 8 << 10

// showLog shows the end of the product's log, which is about to be removed.
func (c *call) showLog(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintf(c.Err, "The product's log cannot be read: %v\n", err)
		return
	}
	if cut := len(text) - shownLog; cut > 0 {
		text = text[cut:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	fmt.Fprintf(c.Err, "The end of the product's log:\n%s", text)
}

// programme prints the demo.
type programme struct {
	report
	width int
}

func (p *programme) title(text string) {
	fmt.Fprintf(p.w, "\n%s\n\n", p.paint.bold(text))
}

func (p *programme) introduce(stage *demo.Stage) {
	fmt.Fprintln(p.w, p.paint.bold("A phishing campaign, from the report to the ended sessions"))
	fmt.Fprintln(p.w)
	for _, line := range wrap(demo.Story, p.width) {
		fmt.Fprintln(p.w, line)
	}
	fmt.Fprintln(p.w)
	for _, part := range stage.Parts() {
		fmt.Fprintf(p.w, "  %-17s  %s  %s\n", part.Name, part.URL, p.paint.faint(part.What))
	}
}

// tell prints what happened: as the product tells it, as the others saw it, and
// in figures.
func (p *programme) tell(r *demo.Report) error {
	p.title("What signalbox was told, decided and did, by the time of each event")
	if err := printTimeline(p.w, p.paint, p.width, r.Timeline); err != nil {
		return err
	}
	p.title("What the others saw")
	if err := p.sessions(r); err != nil {
		return err
	}
	fmt.Fprintln(p.w)
	for _, line := range [][2]string{
		{"identity provider", "suspends, when called: " + people(r.Suspended) + "; " + r.Order},
		{"", "asks for a new credential: " + people(r.Demanded)},
		{"", "treats as high risk: " + people(r.Risky)},
		{"repeated report", "answered " + r.Repeat + ", nothing happened"},
		{"forged report", "answered " + r.Forgery},
	} {
		for i, text := range wrap(plain(line[1]), p.width-21) {
			if i > 0 {
				line[0] = ""
			}
			fmt.Fprintf(p.w, "  %-17s  %s\n", line[0], text)
		}
	}
	p.title("In figures")
	n := r.Counts
	fmt.Fprintf(p.w, "  tokens     %d accepted, %d repeated, %d refused\n", n.Accepted, n.Repeated, n.Refused)
	fmt.Fprintf(p.w, "  decisions  %d, of which %d act\n", n.Decisions, n.Acting)
	fmt.Fprintf(p.w, "  actions    %d taken by their receivers, %d held by the guard\n", n.Acked, n.Held)
	fmt.Fprintf(p.w, "  %s from a report to the end of the last session because of it\n", milliseconds(r.Slowest))
	if len(r.Differences) == 0 {
		fmt.Fprintf(p.w, "\n%s\n", p.paint.green("Everything went as it has to."))
		return nil
	}
	p.title(p.paint.red("This did not go as it has to"))
	for _, d := range r.Differences {
		fmt.Fprintf(p.w, "  %s\n", plain(d))
	}
	return nil
}

// sessions prints what became of every session at every application.
func (p *programme) sessions(r *demo.Report) error {
	if len(r.Applications) == 0 {
		return nil
	}
	header := []string{"  session", "of", "began"}
	var rows [][]string
	for _, s := range r.Applications[0].Sessions {
		rows = append(rows, []string{"  " + s.ID, s.User, s.Began.UTC().Format(time.TimeOnly)})
	}
	for _, app := range r.Applications {
		header = append(header, "at "+app.Name)
		for i := range rows {
			fate := "missing"
			if j := slices.IndexFunc(app.Sessions, func(s demo.Session) bool { return "  "+s.ID == rows[i][0] }); j >= 0 {
				fate = "goes on"
				if at := app.Sessions[j].Ended; !at.IsZero() {
					fate = "ended " + at.UTC().Format("15:04:05.000")
				}
			}
			rows[i] = append(rows[i], fate)
		}
	}
	return table(p.w, header, rows)
}

// invite says where to look while the product stays up.
func (p *programme) invite(stage *demo.Stage, r *demo.Report) {
	p.title("The product stays up until Ctrl-C. Ask it from another terminal:")
	self, config := ownName(), stage.Config()
	for _, args := range []string{
		"timeline --config %s --user jane@example.com",
		"chain --config %s " + r.Campaign,
		"query --config %s 'action.status:held'",
		"explain --config %s " + r.Decision,
		"explain --config %s " + r.Held,
		"stop-actions --config %s",
	} {
		fmt.Fprintf(p.w, "  %s %s\n", self, fmt.Sprintf(args, config))
	}
	fmt.Fprintf(p.w, "\nIts configuration is %s, its log %s beside it.\nBoth go when it ends.\n", config, filepath.Base(stage.Log()))
}

// ownName is how this program is started from a shell.
func ownName() string {
	self, err := os.Executable()
	if err != nil {
		return "signalbox"
	}
	if found, err := exec.LookPath("signalbox"); err == nil && found == self {
		return "signalbox"
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/signalbox"
	}
	return self
}

func people(list []string) string {
	if len(list) == 0 {
		return "nobody"
	}
	return strings.Join(list, ", ")
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}
