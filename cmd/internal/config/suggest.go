package config

import "github.com/signalbox-dev/signalbox/pipeline/nearest"

// Short names for what diagnostics say most often.
var (
	suggest = nearest.Advice
	list    = nearest.Enumerate
)
