// Command signalbox is a streaming pipeline connector and policy engine for
// shared security signals: Security Event Tokens in, decisions by Rego rules,
// new signed Security Event Tokens out, everything indexed.
package main

import (
	"context"
	"os"

	"github.com/signalbox-dev/signalbox/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv,
	}))
}
