// Package cli is the command line: one file per verb. A verb parses its flags,
// asks the running product through package api or works on files alone, and
// prints for people or, with --format json, for scripts.
//
// It holds no logic of the product.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// Streams is the outside of a command.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	Env func(string) (string, bool)
}

// Exit codes, as tools of this kind have them.
const (
	exitOK      = 0
	exitFailure = 1 // the work was done and its answer is no, or it could not be done
	exitUsage   = 2 // the command line is wrong
)

// verb is one command.
type verb struct {
	name    string
	args    string // after the flags, for usage
	summary string // one line
	more    string // further paragraphs of usage, each ended by a line break
	run     func(ctx context.Context, c *call) error
}

// call is one invocation of a verb.
type call struct {
	Streams
	flags *flag.FlagSet
	usage func()   // prints what -h asks for
	args  []string // as given, before flag parsing
	sub   string   // command below the verb that has flags of its own

	format  *string  // of formatFlag, nil without
	formats []string // that it may name
}

// verbs is every command, in the order of the help text.
func verbs() []verb {
	return []verb{
		{"run", "", "run the product", "", runRun},
		{"demo", "", "play a threat-alert story with the product in the middle", "", runDemo},
		{"status", "", "show how the running product is", statusHelp, runStatus},
		{"check", "", "report every problem of configuration and policies", "", runCheck},
		{"explain", "FILE | ID", "show every step for a message or a journal record", explainHelp, runExplain},
		{"query", "QUERY", "search the index", queryHelp, runQuery},
		{"ask", "[NAME]", "answer a question analysts ask: who, why, what was never taken", askHelp, runAsk},
		{"fields", "[PATTERN]", "list the fields that can be searched, with their meaning", fieldsHelp, runFields},
		{"timeline", "", "show what happened around a user, session or device", "", runTimeline},
		{"chain", "ID", "show one cause with all that came of it: what came in, was decided and why, went out and was answered", chainHelp, runChain},
		{"set", "sign | inspect FILE | verify FILE", "make, look into and verify Security Event Tokens", "", runSet},
		{"quarantine", "list | show ID | retry ID... | drop ID...", "look after refused messages of known senders", quarantineHelp, runQuarantine},
		{"stream", "COMMAND TRANSMITTER", "drive a stream at a transmitter of signals", streamHelp, runStream},
		{"doctor", "TRANSMITTER", "interrogate a transmitter of signals and say what deviates", doctorHelp, runDoctor},
		{"receivers", "list | show STREAM | pause STREAM | enable STREAM | disable STREAM", "look after the streams by which receivers get signals from us", receiversHelp, runReceivers},
		{"keys", "list | jwks | rotate", "show or rotate the product's own keys", keysHelp, runKeys},
		{"test", "[DIR]", "run the tests of policies and mappings, or make one", testHelp, runTest},
		{"events", "[NAME]", "look up events: payload, subjects, concepts", eventsHelp, runEvents},
		{"input", "[PATH]", "look up what a rule sees", inputHelp, runInput},
		{"mappings", "list | show NAME | functions [NAME] | coverage NAME FILE...", "show mappings, their functions, and what they leave out of samples", mappingsHelp, runMappings},
		{"opa", "input ID | bundle DIR", "hand rules and their input over to the opa program", "", runOPA},
		{"export", "--user ID | --device ID | --session ID | --chain ID | --query QUERY", "write what is known of a case into one signed file, or check one", exportHelp, runExport},
		{"verdict", "ID VERDICT", "say what a decision or action turned out to be", verdictHelp, runVerdict},
		{"rules", "list | show NAME | stats", "show the rules, and how their work was judged", rulesHelp, runRules},
		{"action", "list | show | approve | reject | retry", "list and release actions that wait for a person", "", runAction},
		{"stop-actions", "", "hold every action, or resume", "", runStopActions},
		{"drill", "", "send a test signal through the running line", drillHelp, runDrill},
		{"emit", "", "send an event to receivers to test them", emitHelp, runEmit},
		{"store", "status | compact", "show what is in the store and how full its bounds are, or compact it", storeHelp, runStore},
		{"index", "setup | diff | status [NAME], rebuild NAME", "set up an index on its server, or give one the whole journal again", indexHelp, runIndex},
		{"backup", "DIR", "back up store and signing keys of the running product", backupHelp, runBackup},
		{"restore", "DIR", "bring a backup back into an empty data_dir", restoreHelp, runRestore},
		{"version", "", "print the version", "", runVersion},
	}
}

// usageError is a wrong command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// quietError ends with an exit code after everything was already said.
type quietError struct{ code int }

func (e *quietError) Error() string { return "exit" }

// Run carries out the command line and returns the exit code.
func Run(ctx context.Context, args []string, s Streams) int {
	if len(args) > 0 && slices.Contains([]string{"-version", "--version"}, args[0]) {
		args = []string{"version"}
	}
	if len(args) > 1 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "-h")
	}
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		help(s.Out)
		if len(args) == 0 {
			return exitUsage
		}
		return exitOK
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v.invoke(ctx, args[1:], s)
		}
	}
	fmt.Fprintf(s.Err, "signalbox: unknown command %q%s\nTry: signalbox help\n", args[0], meant(args[0]))
	return exitUsage
}

func (v verb) invoke(ctx context.Context, args []string, s Streams) int {
	fs := flag.NewFlagSet("signalbox "+v.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c := &call{Streams: s, flags: fs, args: args}
	c.usage = func() {
		fmt.Fprintf(s.Out, "Usage: %s\n\n%s%s.\n%s", strings.TrimSpace("signalbox "+v.name+" [flags] "+v.args), strings.ToUpper(v.summary[:1]), v.summary[1:], v.more)
		c.printFlags()
	}
	err := v.run(ctx, c)
	var usage *usageError
	var quiet *quietError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage):
		name := c.named(v.name)
		fmt.Fprintf(s.Err, "signalbox %s: %v\nTry: signalbox %s -h\n", name, err, name)
		return exitUsage
	}
	fmt.Fprintf(s.Err, "signalbox %s: %v\n", c.named(v.name), err)
	return exitFailure
}

// enter goes on with a command below the verb that has flags of its own.
func (c *call) enter(sub string) { c.sub, c.args = sub, c.args[1:] }

// named is the command as it was typed: "action list".
func (c *call) named(verb string) string { return strings.TrimSpace(verb + " " + c.sub) }

// parse reads flags that may stand before or after the other arguments, and
// returns the latter. A format the verb does not know is an error.
func (c *call) parse() ([]string, error) {
	var rest []string
	args := c.args
	for {
		if err := c.flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				c.usage()
				return nil, err
			}
			return nil, c.badFlag(err)
		}
		args = c.flags.Args()
		if len(args) == 0 {
			break
		}
		rest = append(rest, args[0])
		args = args[1:]
	}
	if c.format == nil {
		return rest, nil
	}
	return rest, oneOf("format", *c.format, c.formats...)
}

// badFlag says what is wrong with a flag, and which one may be meant.
func (c *call) badFlag(err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return &usageError{err.Error()}
	}
	var names []string
	c.flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if n := nearest.Name(name, names); n != "" {
		return usagef("unknown flag --%s; did you mean --%s?", name, n)
	}
	return usagef("unknown flag --%s", name)
}

// printFlags lists the flags for usage.
func (c *call) printFlags() {
	var text strings.Builder
	c.flags.SetOutput(&text)
	c.flags.PrintDefaults()
	c.flags.SetOutput(io.Discard)
	fmt.Fprint(c.Out, longFlag.ReplaceAllString(text.String(), "  --$1"))
}

// longFlag finds the names of flags in what package flag prints: one dash does, but
// everything else here writes two.
var longFlag = regexp.MustCompile(`(?m)^  -([a-z][a-z-]+)`)

// documents counts for people.
func documents(n int) string {
	if n == 1 {
		return "1 document"
	}
	return fmt.Sprintf("%d documents", n)
}

// configFlag is the flag every verb that reads the configuration has.
func (c *call) configFlag() *string {
	path := "config.hcl"
	if p, ok := c.Env("SIGNALBOX_CONFIG"); ok {
		path = p
	}
	return c.flags.String("config", path, "configuration `file`")
}

// formatFlag is the flag for scripts; the first choice is what people read.
func (c *call) formatFlag(choices ...string) *string {
	c.formats = choices
	c.format = c.flags.String("format", choices[0], "output `format`: "+either(choices))
	return c.format
}

// either lists choices: "a, b or c".
func either(choices []string) string {
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

func oneOf(flagName, value string, choices ...string) error {
	if !slices.Contains(choices, value) {
		return usagef("--%s %q: choose %s", flagName, value, either(choices))
	}
	return nil
}

// operator names who gives a command, for the audit record.
func (c *call) operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// meant offers the verb somebody may have meant.
func meant(name string) string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	if n := nearest.Name(name, names); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

func help(w io.Writer) {
	fmt.Fprint(w, "signalbox reads security signals, decides by your rules and acts by signed signals of its own.\n\nUsage: signalbox <command> [flags]\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-13s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, "\nRun signalbox help <command> for its flags. --format json prints for scripts.\n")
}
